"""The upload-only Xet store: files of all packings, and who may use what was sent."""

import hashlib
import json
import time

import pytest

from zoo import accounts, blobs, commits, tokens
from zoo.hub import xorbs

pytestmark = pytest.mark.django_db
XORB = f"/cas/v1/xorbs/default/{'ab' * 32}"


@pytest.fixture
def ask(client, cast, team):
    """ask(name, repo): that person's token for the store, as headers; None where it is refused."""

    def get(name, repo):
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(cast[name], 'x', 'write')[1]}"}
        answer = client.get(f"/api/models/{repo}/xet-write-token/main", **bearer)
        if answer.status_code != 200:
            return None
        told = answer.json()
        assert told["casUrl"] == answer["X-Xet-Cas-Url"] == "http://testserver/cas"
        assert told["exp"] > time.time() and answer["X-Xet-Access-Token"] == told["accessToken"]
        return {"HTTP_AUTHORIZATION": f"Bearer {told['accessToken']}"}

    return get


def post(client, path, body, token):
    return client.generic("POST", path, body, **(token or {}))


def test_a_file_is_put_together_and_can_be_committed(client, ask, model, cast, xet_bytes):
    xorb, shard, content = xet_bytes
    token = ask("owner", "clinic/net")
    assert post(client, "/cas/v2/shards", shard, token).status_code == 404
    assert client.get(f"/cas/v1/chunks/default/{'0' * 64}", **token).status_code == 404
    assert post(client, XORB, xorb, token).json() == {"was_inserted": True}
    assert post(client, XORB, xorb, token).json() == {"was_inserted": False}
    assert post(client, "/cas/v1/shards", shard, token).json() == {"result": 1}
    line = {"key": "lfsFile", "value": {"path": "w.bin", "algo": "sha256", "oid": hashlib.sha256(content).hexdigest()}}
    body = b'{"key": "header", "value": {"summary": "x"}}\n' + json.dumps(line).encode()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(cast['owner'], 'x', 'write')[1]}"}
    assert client.generic("POST", "/api/models/clinic/net/commit/main", body, **bearer).status_code == 200
    got = client.get("/clinic/net/resolve/main/w.bin")
    assert b"".join(got.streaming_content) == content and not got.has_header("X-Xet-Hash")


def test_xorbs_serve_the_namespace_that_sent_them_alone(client, ask, model, cast, team, xet_bytes):
    xorb, shard, _ = xet_bytes
    commits.create_model(cast["stranger"].namespace, "own", author=cast["stranger"])
    commits.create_model(accounts.create_organisation("ward", cast["owner"]), "other", author=cast["owner"])
    assert post(client, XORB, xorb, ask("owner", "clinic/net")).status_code == 200
    assert post(client, "/cas/v1/shards", shard, ask("stranger", "stranger/own")).status_code == 400
    assert post(client, "/cas/v1/shards", shard, ask("owner", "ward/other")).status_code == 400
    assert post(client, "/cas/v1/shards", shard, ask("teammate", "clinic/net")).status_code == 200
    assert ask("stranger", "clinic/net") is None


def test_only_a_token_of_the_store_opens_it(client, ask, model, cast, xet_bytes):
    xorb, shard, _ = xet_bytes
    plain = tokens.create(cast["owner"], "x", "write")[1]
    good = ask("owner", "clinic/net")["HTTP_AUTHORIZATION"]
    for header in (None, "Bearer ", f"Bearer {plain}", good[:-1] + ("a" if good[-1] != "a" else "b")):
        token = {"HTTP_AUTHORIZATION": header} if header else {}
        assert post(client, XORB, xorb, token).status_code == 401
        assert post(client, "/cas/v1/shards", shard, token).status_code == 401


def test_what_is_kept_for_clients_has_a_limit_too(client, ask, model, settings, xet_bytes):
    settings.QUOTA_BYTES = len(xet_bytes[0]) - 1
    assert post(client, XORB, xet_bytes[0], ask("owner", "clinic/net")).status_code == 413


@pytest.mark.parametrize(
    "header",
    [
        b"\1\x10\0\0\0\x10\0\0",  # another version
        b"\0\x10\0\0\x09\x10\0\0",  # an unknown packing
        b"\0\xff\xff\xff\0\x10\0\0",  # longer than the body
        b"\0\x10\0\0\0\xff\xff\xff",  # unpacks to more than a chunk may have
        b"\0\0\0\0\0\x10\0\0",  # no bytes
        b"\0\x10",
    ],
)
def test_lengths_are_bounded_before_anything_is_unpacked(client, ask, model, header):
    assert post(client, XORB, header + b"x" * 16, ask("owner", "clinic/net")).status_code in (
        400,
        413,
    )


def test_a_chunk_that_would_unpack_to_more_than_it_says_is_stopped(tmp_path):
    from lz4 import frame

    packed = frame.compress(bytes(100_000))
    (tmp_path / "x").write_bytes(packed)
    with (tmp_path / "x").open("rb") as file, pytest.raises(xorbs.Broken):
        xorbs.unpack(file, xorbs.Chunk(0, len(packed), xorbs.LZ4, 1000))


@pytest.mark.parametrize("place", [32, 48 + 32, 48 + 36, 96 + 36, 96 + 40, 96 + 44, 144])
def test_a_shard_with_another_number_in_it_gives_no_file(client, ask, model, xet_bytes, place):
    xorb, shard, _ = xet_bytes
    token = ask("owner", "clinic/net")
    post(client, XORB, xorb, token)
    before = set(blobs.Blob.objects.values_list("pk", flat=True))
    changed = bytearray(shard)
    changed[place : place + 4] = b"\xff\xff\xff\x3f"
    assert post(client, "/cas/v1/shards", bytes(changed), token).status_code == 400
    assert set(blobs.Blob.objects.values_list("pk", flat=True)) == before
