"""Nobody gains a file by knowing its hash, nobody keeps more than their share, and no address works for another."""

import base64
import hashlib
import os
import time

import pytest

from zoo import blobs, commits, grants, uploads
from zoo.hub import lfs, signatures
from zoo.models import Blob, Upload

pytestmark = pytest.mark.django_db


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file(path, content):
    return "file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


def large(path, content):
    return "lfsFile", {"path": path, "algo": "sha256", "oid": sha256(content), "size": len(content)}


def batch(speak, name, repo, *contents, **more):
    objects = [{"oid": sha256(content), "size": len(content)} for content in contents]
    data = {"operation": "upload", "transfers": ["basic", "multipart"], "objects": objects} | more
    return speak(name, "POST", f"/{repo}.git/info/lfs/objects/batch", data)


def way(answer, number=0):
    return answer.data["objects"][number]["actions"]["upload"]["href"].removeprefix("http://testserver")


@pytest.fixture
def repos(team, cast):
    """clinic/sealed, private, with secret.bin; stranger/own."""
    secret = os.urandom(3000)
    sealed = commits.create_model(team, "sealed", author=cast["owner"], private=True)
    commits.commit_files(sealed, cast["owner"], add={"secret.bin": blobs.put(secret)}, title="Add")
    commits.create_model(cast["stranger"].namespace, "own", author=cast["stranger"])
    return sealed, secret


def test_a_hash_alone_gains_nothing_in_batch_or_commit(speak, commit, repos):
    _, secret = repos
    offered = batch(speak, "stranger", "stranger/own", secret)
    assert "actions" in offered.data["objects"][0], "the bytes are asked for as if nobody had them"
    refused = commit("stranger", "stranger/own", large("stolen.bin", secret))
    unknown = commit("stranger", "stranger/own", large("stolen.bin", secret + b"!"))
    assert refused.status_code == unknown.status_code == 400
    assert refused["X-Error-Message"] == unknown["X-Error-Message"].replace(sha256(secret + b"!"), sha256(secret))


def test_bytes_of_a_model_one_may_download_need_not_be_sent_again(speak, commit, repos):
    _, secret = repos
    assert "actions" not in batch(speak, "teammate", "clinic/sealed", secret).data["objects"][0]
    assert commit("teammate", "clinic/sealed", large("copy.bin", secret)).status_code == 200


def test_a_gate_closes_that_way_too_until_access_is_granted(speak, commit, repos, cast):
    sealed, secret = repos
    commits.set_visibility(sealed, False)
    grants.set_gate(sealed, "manual")
    assert commit("stranger", "stranger/own", large("a.bin", secret)).status_code == 400
    grants.grant(sealed, cast["stranger"], cast["owner"])
    assert commit("stranger", "stranger/own", large("a.bin", secret)).status_code == 200


def test_what_one_sent_another_cannot_commit_and_after_a_while_neither_can_the_sender(speak, commit, repos, cast):
    content = os.urandom(2000)
    commits.create_model(cast["teammate"].namespace, "mine", author=cast["teammate"])
    assert speak(None, "PUT", way(batch(speak, "stranger", "stranger/own", content)), content).status_code == 200
    assert commit("teammate", "teammate/mine", large("x.bin", content)).status_code == 400
    Upload.objects.update(created=Upload.objects.get().created - uploads.timedelta(seconds=uploads.LIFETIME + 1))
    assert commit("stranger", "stranger/own", large("x.bin", content)).status_code == 400
    batch_again = batch(speak, "stranger", "stranger/own", content)
    assert speak(None, "PUT", way(batch_again), content).status_code == 200
    assert commit("stranger", "stranger/own", large("x.bin", content)).status_code == 200


@pytest.mark.parametrize("wrong", ["other bytes", "short", "long", "no length"])
def test_only_the_very_bytes_are_taken(speak, repos, wrong):
    content = os.urandom(2000)
    url = way(batch(speak, "stranger", "stranger/own", content))
    before = Blob.objects.count()
    sent = {"other bytes": os.urandom(2000), "short": content[:-1], "long": content + b"x", "no length": content}[wrong]
    headers = {"CONTENT_LENGTH": ""} if wrong == "no length" else {}
    answer = speak(None, "PUT", url, sent, **headers)
    assert answer.status_code == (411 if wrong == "no length" else 400) and answer["X-Error-Message"]
    assert Blob.objects.count() == before and not Upload.objects.exists()


def test_an_address_is_signed_short_lived_and_ends_with_the_right(speak, repos, cast, monkeypatch):
    sealed, _ = repos
    content = os.urandom(1000)
    url = way(batch(speak, "teammate", "clinic/sealed", content))
    for forged in (
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        "/_lfs/object/x",
        url.replace("object", "part"),
    ):
        assert speak(None, "PUT", forged, content).status_code in (403, 404), forged
    assert signatures.lifetime(1000) <= 3600 and signatures.lifetime(10**15) <= 86400
    now = time.time()
    monkeypatch.setattr(signatures.time, "time", lambda: now + 3700)
    assert speak(None, "PUT", url, content).status_code == 403, "too old"
    monkeypatch.undo()
    sealed.namespace.memberships.filter(user=cast["teammate"]).delete()
    assert speak(None, "PUT", url, content).status_code == 403, "no member any more"


def test_parts_make_one_file_and_only_if_all_are_there_and_true(speak, commit, repos, monkeypatch):
    monkeypatch.setattr(lfs, "MULTIPART", 1000)
    monkeypatch.setattr(lfs, "PART", 1000)
    content = os.urandom(2500)
    answer = batch(speak, "stranger", "stranger/own", content)
    upload = answer.data["objects"][0]["actions"]["upload"]
    header = dict(upload["header"])
    assert (answer.data["transfer"], header.pop("chunk_size"), sorted(header)) == (
        "multipart",
        "1000",
        ["00001", "00002", "00003"],
    )
    place = [header[key].removeprefix("http://testserver") for key in sorted(header)]
    finish = upload["href"].removeprefix("http://testserver")
    sent = {"oid": sha256(content), "parts": [{"partNumber": n, "etag": "x"} for n in (1, 2, 3)]}

    assert speak(None, "PUT", place[0], b"x" * 1000).status_code == 200
    assert speak(None, "PUT", place[2], content[2000:]).status_code == 200
    assert speak(None, "POST", finish, sent).status_code == 400, "part 2 is missing"
    assert speak(None, "PUT", place[1], content[1000:1999]).status_code == 400, "a part that is cut off"
    etag = speak(None, "PUT", place[1], content[1000:2000])["ETag"]
    assert etag
    assert speak(None, "POST", finish, sent).status_code == 400, "part 1 is of other bytes"
    assert speak(None, "PUT", place[0], content[:1000]).status_code == 200, "sent again"
    for bad in ({}, sent | {"oid": "0" * 64}, sent | {"parts": sent["parts"][:2]}, sent | {"parts": [1, None, "x"]}):
        assert speak(None, "POST", finish, bad).status_code == 400
    assert speak(None, "POST", finish, sent).status_code == 200
    assert speak(None, "POST", finish, sent).status_code == 200, "again, after a lost answer"
    assert not list(blobs.root().glob("incoming/*")), "no part stays"
    assert commit("stranger", "stranger/own", large("x.bin", content)).status_code == 200


def test_a_namespace_keeps_no_more_than_its_quota(speak, commit, repos, settings):
    settings.QUOTA_BYTES = 10_000
    first, second = os.urandom(6000), os.urandom(6000)
    assert speak(None, "PUT", way(batch(speak, "stranger", "stranger/own", first)), first).status_code == 200
    refused = batch(speak, "stranger", "stranger/own", second)
    assert refused.status_code == 413 and "room for 4,000 bytes" in refused["X-Error-Message"]
    refused = commit("stranger", "stranger/own", file("notes.txt", second))
    assert refused.status_code == 413
    assert commit("stranger", "stranger/own", large("a.bin", first), file("b.txt", b"b" * 1000)).status_code == 200
    assert commit("stranger", "stranger/own", large("again.bin", first)).status_code == 200, "the same bytes count once"
    assert speak("stranger", "PUT", "/api/v1/models/stranger/own/files/c.txt", second).status_code == 413


def test_a_file_over_the_limit_is_told_before_its_bytes(speak, repos, settings):
    settings.MAX_FILE_BYTES = 5000
    told = batch(speak, "stranger", "stranger/own", b"x" * 5001).data["objects"][0]
    assert told["error"]["code"] == 422 and "5,000" in told["error"]["message"]
    files = {"files": [{"path": "a.bin", "size": 5001, "sample": ""}]}
    assert speak("stranger", "POST", "/api/models/stranger/own/preupload/main", files).status_code == 413
