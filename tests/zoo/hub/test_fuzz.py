"""Whatever is sent to a route of the hub, its answer is no error of ours."""

import json
import re

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo import blobs, tokens
from zoo.hub import signatures, urls
from zoo.models import Model, Upload

ROUTES = sorted({re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", str(each.pattern)) for each in urls.urlpatterns})
ROUTES += ["<owner>/<name>/resolve/<rest>"] * 2
NAMES = {"owner": "clinic", "name": "net", "revision": "main", "branch": "main", "rest": "main/README.md"}
NAMES |= {"status": "pending", "kind": "write", "hash": "0" * 64}
ODD = ["%00", "%ff%fe", "..%2f..", "a%0ab", "%F0%9F%A9%BB", "refs%2Fheads%2Fmain", "x" * 300, "-1", "..", "%2e%2e"]
KEYS = [
    "name",
    "organization",
    "type",
    "visibility",
    "private",
    "gated",
    "fromRepo",
    "toRepo",
    "files",
    "path",
    "size",
    "sample",
    "operation",
    "transfers",
    "objects",
    "oid",
    "parts",
    "partNumber",
    "etag",
    "key",
    "value",
    "summary",
    "parentCommit",
    "content",
    "encoding",
    "algo",
    "tag",
    "startingPoint",
    "paths",
    "expand",
    "user",
    "status",
    "requestId",
    "repoType",
    "hash_algo",
]
VALUES = st.sampled_from(["net", "clinic/net", "owner/x", "main", "0" * 64, "model", "upload", "sha256", "README.md", "file",
                          "lfsFile", "deletedFolder", "header", "auto", "", "\0", "\ud800", "../x"])  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | VALUES | st.text(max_size=20)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=20,
)
BODIES = st.binary(max_size=200) | DATA.map(lambda data: json.dumps(data).encode())
BODIES |= st.lists(DATA, max_size=4).map(lambda rows: b"\n".join(json.dumps(row).encode() for row in rows))


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
    odd=st.dictionaries(st.sampled_from(sorted(NAMES)), st.sampled_from(ODD), max_size=2),
    query=st.dictionaries(
        st.sampled_from(
            ["limit", "cursor", "recursive", "expand", "search", "author", "filter", "sort", "full", "blobs"]
        ),
        st.text(max_size=8) | st.just("1"),
        max_size=3,
    ),
    body=BODIES,
    kind=st.sampled_from(
        ["application/json", "application/x-ndjson", "application/x-www-form-urlencoded", "text/plain"]
    ),
    headers=st.dictionaries(
        st.sampled_from(["HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_RANGE", "HTTP_X_AMZN_TRACE_ID", "HTTP_ACCEPT"]),
        st.text(alphabet=st.characters(max_codepoint=255), max_size=30) | st.just("bytes=0-9"),
        max_size=2,
    ),
)
def test_no_question_makes_an_error_of_ours(model, cast, route, method, odd, query, body, kind, headers):
    client = Client(raise_request_exception=False)
    user, net = cast["owner"], Model.objects.filter(namespace__name="clinic").first() or model
    if not hasattr(user, "fuzzing"):
        user.fuzzing = tokens.create(user, "fuzz", "write")[1]
    signed = "x"
    for kind_, parts in (("object", ("0" * 64, 9)), ("part", ("0" * 64, 9, 1)), ("complete", ("0" * 64, 9))):
        if f"/{kind_}/" in route:
            signed = signatures.sign(kind_, user, net, 60, *parts)
    bearer = signatures.sign("xet", user, net, 60) if route.startswith("cas/") else user.fuzzing
    names = NAMES | {"signed": signed} | odd
    path = "/" + re.sub(r"<(\w+)>", lambda match: names[match[1]], route)
    answer = client.generic(
        method, path, body, content_type=kind, QUERY_STRING="&".join(f"{key}={_quoted(value)}" for key, value in query.items()),
        HTTP_AUTHORIZATION=f"Bearer {bearer}", **headers,
    )  # fmt: skip
    assert answer.status_code < 500, (method, path, body, answer.content[:300])


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "replace"))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whole=st.sampled_from(["xorb", "shard"]),
    cut=st.integers(0, 400),
    place=st.integers(0, 399),
    value=st.integers(0, 255),
)
def test_a_changed_or_cut_xorb_or_shard_is_refused_or_whole(model, cast, whole, cut, place, value, xet_bytes):
    """One byte changed, and the end cut off: refused, or, where the change did not matter, the very file."""
    user = cast["owner"]
    xorb, shard, content = xet_bytes
    token = {"HTTP_AUTHORIZATION": f"Bearer {signatures.sign('xet', user, model, 60)}"}
    client = Client()
    sent = {"xorb": bytearray(xorb), "shard": bytearray(shard)}
    sent[whole][place % len(sent[whole])] = value
    sent[whole] = sent[whole][: len(sent[whole]) - cut // 40]
    client.generic("POST", f"/cas/v1/xorbs/default/{'ab' * 32}", bytes(sent["xorb"]), **token)
    answer = client.generic("POST", "/cas/v1/shards", bytes(sent["shard"]), **token)
    assert answer.status_code in (200, 400, 413)
    for upload in Upload.objects.select_related("blob"):
        assert blobs.read(upload.blob_id, 10_000) == content
    Upload.objects.all().delete()
