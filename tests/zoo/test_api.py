"""REST over models: what programs do with a token, and what is kept from them."""

import io
import json
from pathlib import Path

import pytest

from zoo import blobs, commits
from zoo.models import Blob, Model

pytestmark = pytest.mark.django_db
MODELS = "/api/v1/models"
NET = f"{MODELS}/clinic/net"


def post(client, url, data, **headers):
    return client.post(url, json.dumps(data), content_type="application/json", **headers)


def put(client, url, content, **headers):
    return client.put(url, content, content_type="application/octet-stream", **headers)


def error(answer):
    found = answer.json()["error"]
    assert set(found) == {"code", "message", "hint"}
    return answer.status_code, found["code"]


def test_models_are_listed_and_read(client, model):
    listed = client.get(f"{MODELS}?task=lung-nodule").json()
    assert (listed["count"], listed["models"][0]["id"]) == (1, "clinic/net")
    assert client.get(f"{MODELS}?q=nothing").json() == {"count": 0, "models": []}
    one = client.get(NET).json()
    assert one["revision"] == commits.resolve(model, "main").oid
    assert one["card"]["license"] == "apache-2.0"
    assert one["commit"]["title"] == "Add the card"
    assert [file["path"] for file in one["files"]] == ["README.md", "data/notes.txt"]
    assert one["files"][1]["sha256"] == commits.resolve(model, "main").files.get(path="data/notes.txt").blob_id
    assert [file["path"] for file in client.get(f"{NET}/tree/main/data").json()["files"]] == ["data/notes.txt"]
    assert client.get(f"{NET}/refs").json()["branches"] == [{"name": "main", "revision": one["revision"]}]


def test_a_model_is_made_filled_and_deleted_with_a_token(client, team, cast, bearer):
    headers = bearer(cast["teammate"])
    made = post(client, MODELS, {"name": "fresh", "namespace": "clinic", "private": True}, **headers)
    assert made.status_code == 201
    assert made.json()["private"]
    url = f"{MODELS}/clinic/fresh"
    stored = put(client, f"{url}/files/weights/model.npz?title=First", b"weights", **headers)
    assert stored.status_code == 201, stored.content
    assert stored.json()["sha256"] == blobs.put(b"weights").sha256
    receipt = put(client, f"{url}/uploads", b"more", **headers).json()
    again = post(
        client,
        f"{url}/commits/main",
        {"title": "More", "add": [{"path": "a.txt", "upload": receipt["upload"]}], "delete": ["weights/"]},
        **headers,
    )
    assert again.status_code == 200, again.content
    assert [file["path"] for file in client.get(url, **headers).json()["files"]] == ["a.txt"]
    assert error(client.delete(f"{url}?confirm=clinic/fresh", **headers)) == (403, "forbidden"), "members do not delete"
    headers = bearer(cast["owner"])
    assert error(client.delete(url, **headers)) == (400, "confirm")
    assert client.delete(f"{url}?confirm=clinic/fresh", **headers).status_code == 200
    assert not Model.objects.exists()


def test_without_a_namespace_the_model_is_ones_own(client, cast, bearer):
    assert post(client, MODELS, {"name": "net"}, **bearer(cast["stranger"])).json()["id"] == "stranger/net"


def test_refusals_have_one_shape_and_a_remedy(client, model, cast, bearer):
    headers = bearer(cast["owner"])
    assert error(post(client, MODELS, {"name": "x"})) == (401, "sign_in")
    assert error(post(client, MODELS, {"name": "a--b"}, **headers)) == (400, "bad_name")
    assert error(post(client, MODELS, {"name": "net", "namespace": "clinic"}, **headers)) == (409, "exists")
    assert error(post(client, MODELS, {"name": "x", "namespace": "nothing"}, **headers)) == (404, "no_namespace")
    assert error(post(client, MODELS, {"name": "x", "namespace": "clinic"}, **bearer(cast["stranger"]))) == (
        403,
        "forbidden",
    )
    assert error(client.get(f"{NET}?revision=nothing")) == (404, "revision_not_found")
    assert error(client.get(f"{NET}/tree/main/nothing")) == (404, "entry_not_found")
    assert error(put(client, f"{NET}/files/..%2Fa", b"x", **headers)) == (400, "bad_path")
    assert error(put(client, f"{NET}/files/a", b"x", **bearer(cast["stranger"]))) == (403, "forbidden")
    assert error(put(client, f"{NET}/files/a", b"x")) == (401, "sign_in")
    assert error(put(client, f"{NET}/files/a?branch=nothing", b"x", **headers)) == (404, "revision_not_found")
    assert error(post(client, f"{NET}/commits/main", {"parent": "f" * 40, "delete": ["README.md"]}, **headers)) == (
        412,
        "parent_is_not_head",
    )


def test_a_private_model_reads_as_a_missing_one(client, model, cast, bearer):
    Model.objects.update(private=True)
    for who in ({}, bearer(cast["stranger"])):
        for method, path in (
            ("get", ""),
            ("get", "/tree/main"),
            ("get", "/refs"),
            ("put", "/uploads"),
            ("put", "/files/a"),
            ("delete", ""),
        ):
            hidden = getattr(client, method)(f"{NET}{path}", **who)
            missing = getattr(client, method)(f"{MODELS}/clinic/absent{path}", **who)
            assert error(hidden) == error(missing) == (404, "model_not_found")
            assert hidden.content == missing.content
        assert client.get(MODELS, **who).json()["count"] == 0


def test_a_receipt_is_good_for_its_user_and_model_alone(client, model, team, cast, bearer):
    other = commits.create_model(team, "other", author=cast["owner"])
    receipt = put(client, f"{NET}/uploads", b"secret", **bearer(cast["owner"])).json()["upload"]
    data = {"add": [{"path": "stolen.txt", "upload": receipt}]}
    assert error(post(client, f"{NET}/commits/main", data, **bearer(cast["teammate"]))) == (400, "bad_receipt")
    assert error(post(client, f"{MODELS}/{other}/commits/main", data, **bearer(cast["owner"]))) == (400, "bad_receipt")
    sha256 = blobs.put(b"secret").sha256
    for forged in (sha256, receipt[:-1], "", "a:b:c", receipt + "x"):
        data = {"add": [{"path": "stolen.txt", "upload": forged}]}
        assert error(post(client, f"{NET}/commits/main", data, **bearer(cast["owner"]))) == (400, "bad_receipt"), forged
    assert (
        post(
            client, f"{NET}/commits/main", {"add": [{"path": "own.txt", "upload": receipt}]}, **bearer(cast["owner"])
        ).status_code
        == 200
    )


def test_a_body_of_the_wrong_length_is_refused_and_leaves_nothing(client, model, cast, bearer, storage, settings):
    headers, before = bearer(cast["owner"]), Blob.objects.count()
    settings.MAX_FILE_BYTES = 100
    assert error(put(client, f"{NET}/files/a", b"x" * 101, **headers)) == (413, "too_large")
    assert error(
        put(client, f"{NET}/files/a", b"", CONTENT_LENGTH="20", **{"wsgi.input": io.BytesIO(b"x" * 10)}, **headers)
    ) == (400, "incomplete")
    assert error(put(client, f"{NET}/files/a", b"x" * 10, CONTENT_LENGTH="", **headers)) == (411, "length_required")
    assert put(client, f"{NET}/files/a", b"x" * 10, CONTENT_LENGTH="-5", **headers).status_code in (411, 413)
    assert Blob.objects.count() == before
    assert not list((storage / "incoming").iterdir())


def test_a_session_needs_the_forgery_token(model, cast):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["owner"], backend="django.contrib.auth.backends.ModelBackend")
    assert error(put(client, f"{NET}/uploads", b"x")) == (403, "csrf")
    page = client.get("/clinic/net/upload/").content.decode()
    token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    assert put(client, f"{NET}/uploads", b"x", HTTP_X_CSRFTOKEN=token).status_code == 201


def test_uploads_are_slowed_down(client, model, cast, bearer, monkeypatch):
    monkeypatch.setattr("zoo.uploads.PER_HOUR", 2)
    headers = bearer(cast["owner"])
    got = [put(client, f"{NET}/uploads", b"x", **headers).status_code for _ in range(4)]
    assert got == [201, 201, 429, 429]


def test_the_same_path_twice_in_one_commit_is_refused(client, model, cast, bearer):
    headers = bearer(cast["owner"])
    receipt = put(client, f"{NET}/uploads", b"x", **headers).json()["upload"]
    data = {"add": [{"path": "a", "upload": receipt}, {"path": "a", "upload": receipt}]}
    assert error(post(client, f"{NET}/commits/main", data, **headers)) == (400, "bad_path")


def test_a_branch_with_slashes_is_committed_to_and_read(client, model, cast, bearer):
    commits.create_branch(model, "feat/x")
    headers = bearer(cast["owner"])
    receipt = put(client, f"{NET}/uploads", b"x", **headers).json()["upload"]
    made = post(client, f"{NET}/commits/feat/x", {"add": [{"path": "a", "upload": receipt}]}, **headers)
    assert made.status_code == 200, made.content
    assert len(client.get(f"{NET}/tree/feat/x").json()["files"]) == 3
    assert len(client.get(f"{NET}?revision=feat/x").json()["files"]) == 3
    assert len(client.get(NET).json()["files"]) == 2


def test_the_official_client_downloads_a_file(live_server, model, tmp_path):
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    head = commits.resolve(model, "main").oid
    arguments = {"endpoint": live_server.url, "cache_dir": tmp_path, "token": False}
    path = hf_hub_download("clinic/net", "data/notes.txt", revision=head, **arguments)
    assert Path(path).read_bytes() == b"0123456789" * 10
    for repo, file, revision, wrong in (
        ("clinic/net", "nothing.txt", "main", EntryNotFoundError),
        ("clinic/net", "README.md", "nothing", RevisionNotFoundError),
        ("clinic/nothing", "README.md", "main", RepositoryNotFoundError),
    ):
        with pytest.raises(wrong):
            hf_hub_download(repo, file, revision=revision, **arguments)


def test_text_that_no_database_takes_is_cleaned_or_not_found(client, team, cast, bearer):
    headers = bearer(cast["owner"])
    odd = "a\x00b\ud800c"
    made = post(client, MODELS, {"name": "odd", "namespace": "clinic", "title": odd}, **headers)
    assert made.json()["title"] == "ab?c"
    url = f"{MODELS}/clinic/odd"
    card = b'---\ntitle: "a\\0b\\uD800c"\n"\\0k": {"\\uD800": ["\\0"]}\n---\n\x00text'
    weights = b'{"__metadata__":{"a\\u0000":"b\\ud800"}}'
    for path, content in (("README.md", card), ("w.safetensors", len(weights).to_bytes(8, "little") + weights)):
        stored = put(client, f"{url}/files/{path}?title=%00", content, **headers)
        assert stored.status_code == 201, stored.content
    receipt = put(client, f"{url}/uploads", b"x", **headers).json()["upload"]
    data = {"title": odd, "message": odd, "add": [{"path": "a", "upload": receipt}]}
    assert post(client, f"{url}/commits/main", data, **headers).json()["commit"]["title"] == "ab?c"
    assert (
        post(client, f"{url}/commits/main", {"add": [{"path": odd, "upload": receipt}]}, **headers).status_code == 400
    )
    assert post(client, f"{url}/commits/main", {"add": [{"path": "b", "upload": odd}]}, **headers).status_code == 400
    assert post(client, f"{url}/commits/main", {"delete": [odd]}, **headers).status_code == 400
    assert post(client, MODELS, {"name": odd, "namespace": "clinic"}, **headers).status_code == 400
    assert post(client, MODELS, {"name": "x", "namespace": odd}, **headers).status_code == 404
    for path in (
        "?q=%00",
        "?owner=%00",
        "?task=%00",
        "/clinic/odd?revision=%00",
        "/clinic/odd/tree/%00",
        "/clinic/odd/tree/main/%00",
        "/%00/odd",
    ):
        assert client.get(f"{MODELS}{path}").status_code in (200, 404), path
    assert client.get(url).json()["title"] == "ab?c"
    assert client.get("/clinic/odd").status_code == 200
