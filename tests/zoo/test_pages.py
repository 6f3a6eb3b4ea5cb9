"""Pages of the zoo, looked at by the whole cast."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from zoo import blobs, commits
from zoo.models import Blob, Model

pytestmark = pytest.mark.django_db
PAGE = {"HTTP_ACCEPT": "text/html"}


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_catalogue_shows_models_by_task_and_filters_them(client, model, team, cast):
    other = commits.create_model(team, "other", author=cast["owner"])
    page = text(client.get("/models/"))
    assert "Lung nodule" in page
    assert "No task named in the card" in page
    assert page.index("clinic/net") < page.index("clinic/other")
    for query in ("?library=onnx", "?q=lung", "?q=clinic/ne", "?licence=apache-2.0", "?task=lung-nodule"):
        page = text(client.get(f"/models/{query}"))
        assert "clinic/net" in page, query
        assert str(other) not in page, query
    assert "No model fits" in text(client.get("/models/?q=nothing-like-it"))


def test_an_empty_catalogue_teaches_the_next_step(client):
    assert "No model is published yet" in text(client.get("/models/"))


def test_the_model_page_shows_card_files_hashes_and_pinned_snippets(client, model):
    head = commits.resolve(model, "main")
    page = text(client.get("/clinic/net"))
    assert "Intended for tests." in page
    notes = head.files.get(path="data/notes.txt")
    assert notes.blob_id in page
    assert f"/clinic/net/resolve/{head.oid}/data/notes.txt?download=1" in page
    assert (
        f"curl -fL -o &#x27;notes.txt&#x27; &#x27;http://testserver/clinic/net/resolve/{head.oid}/data/notes.txt"
        in page
    )
    assert "apache-2.0" in page


def test_an_older_revision_has_its_own_page(client, model, cast):
    old = commits.resolve(model, "main")
    commits.commit_files(model, cast["owner"], add={"new.txt": blobs.put(b"new")}, title="One more")
    commits.create_branch(model, "feat/x", old.oid)
    for rest in (old.oid, old.oid[:8], "feat/x", "refs/heads/feat/x"):
        page = client.get(f"/clinic/net/tree/{rest}")
        assert page.status_code == 200, rest
        assert "new.txt" not in text(page)
    assert "new.txt" in text(client.get("/clinic/net"))
    folder = text(client.get("/clinic/net/tree/main/data"))
    assert "notes.txt" in folder
    assert "README.md</a>" not in folder
    assert client.get("/clinic/net/tree/main/nothing").status_code == 404
    assert client.get("/clinic/net/tree/nothing").status_code == 404


def test_the_history_lists_every_revision(client, model):
    page = text(client.get("/clinic/net/commits/main"))
    assert "Add the card" in page
    assert "Create the model" in page
    assert client.get("/clinic/net/commits/nothing").status_code == 404


def test_a_model_is_created_and_files_are_uploaded_without_a_script(signed_in, team, cast):
    client = signed_in("teammate")
    answer = client.post("/models/new/", {"namespace": "clinic", "name": "fresh", "title": "Does it", "private": "on"})
    assert answer.status_code == 302
    assert answer["Location"] == "/clinic/fresh/upload/"
    assert Model.objects.get(name="fresh").private
    form = {
        "files": [SimpleUploadedFile("README.md", b"# Hi"), SimpleUploadedFile("a.bin", b"x" * 3_000_000)],
        "folder": "",
        "title": "First files",
        "complete": "yes",
    }
    answer = client.post("/clinic/fresh/upload/", form)
    assert answer.status_code == 302, text(answer)
    head = commits.resolve(Model.objects.get(name="fresh"), "main")
    assert head.title == "First files"
    assert [(file.path, file.blob.size) for file in head.files.all()] == [("README.md", 4), ("a.bin", 3_000_000)]


def test_a_form_that_was_cut_off_or_is_empty_changes_nothing(signed_in, model):
    client, head = signed_in("owner"), commits.resolve(model, "main")
    cut = client.post("/clinic/net/upload/", {"files": SimpleUploadedFile("a.txt", b"half")})
    empty = client.post("/clinic/net/upload/", {"complete": "yes"})
    assert (cut.status_code, empty.status_code) == (400, 422)
    assert "did not arrive whole" in text(cut)
    assert commits.resolve(model, "main") == head


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(signed_in, model, settings, storage):
    settings.MAX_FILE_BYTES = 1000
    client, before = signed_in("owner"), Blob.objects.count()
    answer = client.post("/clinic/net/upload/", {"files": SimpleUploadedFile("a.txt", b"x" * 1001), "complete": "yes"})
    assert answer.status_code == 413
    assert Blob.objects.count() == before
    assert not list((storage / "incoming").iterdir())


def test_uploading_by_a_forged_form_is_refused(model, cast):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast["owner"], backend="django.contrib.auth.backends.ModelBackend")
    form = {"files": SimpleUploadedFile("a.txt", b"x"), "complete": "yes"}
    assert strict.post("/clinic/net/upload/", form).status_code == 403
    assert strict.post("/models/new/", {"namespace": "clinic", "name": "forged"}).status_code == 403
    assert strict.put("/api/v1/models/clinic/net/files/a.txt", b"x").status_code == 403
    assert not commits.resolve(model, "main").files.filter(path="a.txt").exists()


def test_visibility_name_and_deletion_are_settled_on_one_page(signed_in, model):
    client, address = signed_in("owner"), "/clinic/net/settings/"
    client.post(address, {"action": "visibility", "visibility-private": "on"})
    model.refresh_from_db()
    assert model.private
    answer = client.post(address, {"action": "rename", "rename-name": "web"})
    assert answer["Location"] == "/clinic/web/settings/"
    wrong = client.post("/clinic/web/settings/", {"action": "delete", "delete-confirm": "clinic/net"})
    assert wrong.status_code == 422
    assert "Nothing was deleted" in text(wrong)
    assert Model.objects.exists()
    client.post("/clinic/web/settings/", {"action": "delete", "delete-confirm": "clinic/web"})
    assert not Model.objects.exists()


def test_the_gate_is_opened_and_closed_on_the_page_of_settings(signed_in, model):
    page = "/clinic/net/settings/"
    client = signed_in("owner")
    assert client.post(page, {"action": "gate", "gate-gated": "manual"}).status_code == 302
    model.refresh_from_db()
    assert model.gated == "manual"
    shown = text(client.get(page))
    assert re.search(r'value="manual" selected', shown) and "/clinic/net/settings/downloads/" in shown
    assert client.get("/clinic/net/resolve/main/README.md").status_code == 200, "members need not ask"
    assert signed_in("stranger").get("/clinic/net/resolve/main/README.md").status_code == 403
    assert signed_in("owner").post(page, {"action": "gate", "gate-gated": "odd"}).status_code == 422
    assert signed_in("teammate").post(page, {"action": "gate", "gate-gated": "none"}).status_code == 403
    signed_in("owner").post(page, {"action": "gate", "gate-gated": "none"})
    model.refresh_from_db()
    assert model.gated == ""


def test_a_rename_to_a_taken_or_bad_name_says_so(signed_in, model, team, cast):
    commits.create_model(team, "taken", author=cast["owner"])
    for name, status in (("taken", 422), ("a--b", 422), ("", 422), ("TAKEN", 422)):
        answer = signed_in("owner").post("/clinic/net/settings/", {"action": "rename", "rename-name": name})
        assert answer.status_code == status, name
    assert Model.objects.filter(name="net").exists()


WHO_MAY = {
    # route: (owner, teammate, stranger, operator, anonymous); 302 sends the anonymous to the sign-in page
    "/models/": (200, 200, 200, 200, 200),
    "/models/new/": (200, 200, 200, 200, 302),
    "/clinic/": (200, 200, 200, 200, 200),
    "/owner/": (200, 200, 200, 200, 200),
    "/nobody/": (404, 404, 404, 404, 404),
    "/clinic/net": (200, 200, 200, 200, 200),
    "/clinic/net/": (301, 301, 301, 301, 301),
    "/clinic/net/commits/main": (200, 200, 200, 200, 200),
    "/clinic/net/resolve/main/README.md": (200, 200, 200, 200, 200),
    "/clinic/net/commit/main": (200, 200, 200, 200, 200),
    "/clinic/net/blob/main/README.md": (200, 200, 200, 200, 200),
    "/clinic/net/settings/downloads/": (200, 403, 403, 200, 302),
    "/clinic/net/upload/": (200, 200, 403, 200, 302),
    "/clinic/net/settings/": (200, 403, 403, 200, 302),
    "/clinic/hidden": (200, 200, 404, 200, 404),
    "/clinic/hidden/commits/main": (200, 200, 404, 200, 404),
    "/clinic/hidden/resolve/main/nothing": (404, 404, 404, 404, 404),
    "/clinic/hidden/commit/main": (200, 200, 404, 200, 404),
    "/clinic/hidden/blob/main/nothing": (404, 404, 404, 404, 404),
    "/clinic/hidden/settings/downloads/": (200, 403, 404, 200, 404),
    "/clinic/hidden/upload/": (200, 200, 404, 200, 404),
    "/clinic/hidden/settings/": (200, 403, 404, 200, 404),
    "/settings/tokens/": (200, 200, 200, 200, 302),
    "/settings/organisations/": (200, 200, 200, 200, 302),
    "/settings/organisations/clinic/": (200, 200, 404, 200, 302),
    "/settings/organisations/nobody/": (404, 404, 404, 404, 302),
    "/settings/invitations/": (403, 403, 403, 200, 302),
    "/invite/unknown/": (404, 404, 404, 404, 404),
}


@pytest.mark.parametrize("route", WHO_MAY)
def test_every_route_answers_each_of_the_cast_as_access_says(signed_in, model, team, cast, route):
    commits.create_model(team, "hidden", author=cast["owner"], private=True)
    got = {}
    for who in ("owner", "teammate", "stranger", "operator", None):
        got[who] = signed_in(who).get(route, **PAGE).status_code
    assert tuple(got.values()) == WHO_MAY[route]


def same(html: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]*"', b"", html)


def test_a_private_model_reads_exactly_as_a_missing_one(signed_in, model, team, cast):
    commits.create_model(team, "sealed", author=cast["owner"], private=True)
    for who in ("stranger", None):
        client = signed_in(who)
        for pattern in (
            "/clinic/{}",
            "/clinic/{}/resolve/main/x",
            "/clinic/{}/tree/main",
            "/clinic/{}/upload/",
            "/clinic/{}/settings/",
        ):
            for headers in (PAGE, {}):
                hidden, missing = (client.get(pattern.format(name), **headers) for name in ("sealed", "absent"))
                hub = (
                    "resolve" in pattern and not headers and who is None
                )  # clients take 401 for "or you may not see it"
                assert hidden.status_code == missing.status_code == (401 if hub else 404)
                assert same(hidden.content.replace(b"sealed", b"absent")) == same(missing.content)
                assert hidden.get("X-Error-Code") == missing.get("X-Error-Code")
        assert "sealed" not in text(client.get("/models/"))
        assert "sealed" not in text(client.get("/clinic/"))


HOSTILE = """---
title: '<script>alert(1)</script>'
license: '"><img src=x onerror=alert(1)>'
library_name: '<b>lib</b>'
task: '<task>'
---
<script>alert(1)</script>
<img src=x onerror=alert(1)> <a href="javascript:alert(1)">a</a> <svg onload=alert(1)> <iframe src="//evil.example">
[b](javascript:alert(1)) ![c](https://evil.example/pixel.png) <img src="//evil.example/pixel.png">
<style>body { display: none }</style> <form action="//evil.example"><input name=password></form>
<div id="main" class="skip" style="position:fixed">over</div> <base href="//evil.example">
"""


def test_hostile_names_and_cards_stay_text(signed_in, team, cast):
    from zoo import accounts

    lab = accounts.create_organisation("lab", cast["owner"], "<script>alert(2)</script>")
    net = commits.create_model(lab, "net", author=cast["owner"], title="<script>alert(3)</script>")
    add = {"README.md": blobs.put(HOSTILE.encode()), "<img src=x onerror=alert(4)>.txt": blobs.put(b"x")}
    commits.commit_files(
        net, cast["owner"], add=add, title="<script>alert(5)</script>", message="<script>alert(6)</script>"
    )
    commits.create_branch(net, "a-b")
    client = signed_in("owner")
    client.post("/settings/tokens/", {"name": "<script>alert(7)</script>", "scope": "read"})
    pages = [
        "/models/", "/models/?q=<script>alert(8)</script>", "/lab/", "/lab/net", "/lab/net/commits/main", "/lab/net/upload/",
        "/lab/net/settings/", "/settings/tokens/", "/settings/organisations/", "/settings/organisations/lab/",
        "/lab/net/tree/<script>alert(9)</script>", "/lab/<script>",
    ]  # fmt: skip
    for page in pages:
        html = client.get(page, **PAGE).content.decode()
        for bad in (
            "<script>alert",
            "onerror=alert(1)>",
            "<img src=x",
            "javascript:alert",
            "<svg onload",
            "<iframe",
            "<style>",
            "<base",
        ):
            assert bad not in html, f"{bad} on {page}"
        for bad in (r'src="(?:https?:)?//', r'style="', r'action="//', r"<input name=password"):
            assert not re.search(bad, html), f"{bad} on {page}"


def test_pages_refuse_an_odd_query_without_falling_over(client, model):
    for query in (
        "?q=%00",
        "?page=nine",
        "?page=-1",
        "?page=99999999999999999999",
        "?task=%00",
        "?q=%FF",
        "?sort=--",
        "?q=%25_",
    ):
        assert client.get(f"/models/{query}").status_code == 200, query
    for path in (
        "/clinic/net/tree/%00",
        "/clinic/net/tree/main/%00",
        "/clinic/net/resolve/main/%00",
        "/clinic/net/commits/%00",
    ):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("path", ["/nobody/", "/nobody/net", "/clinic/nothing/tree/main"])
@pytest.mark.parametrize("accept", ["", "*/*", "text/html"])
def test_what_is_not_there_is_the_one_page_of_missing_addresses(path, accept, client, db):
    answer = client.get(path, headers={"accept": accept})
    assert answer.status_code == 404 and answer["Content-Type"].startswith("text/html")
    assert "There is nothing at this address" in answer.content.decode()


def test_a_program_that_downloads_what_is_not_there_gets_json(client, db):
    answer = client.get("/nobody/net/resolve/main/model.onnx", headers={"accept": "*/*"})
    assert (answer.status_code, answer["X-Error-Code"]) == (401, "RepoNotFound")
    assert answer.json()["error"] == answer["X-Error-Message"]
