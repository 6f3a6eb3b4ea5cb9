"""The hub's answers one by one, where the official clients would not ask: odd revisions, lost answers, moves, gates, lists."""

import base64

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from zoo import blobs, commits, grants
from zoo.models import Commit, Model, MovedName

pytestmark = pytest.mark.django_db

API = "/api/models/clinic/net"


def file(path, content=b"x"):
    return "file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


# ---- commits


def test_a_commit_is_all_or_nothing(commit, model):
    head = commits.resolve(model, "main").oid
    for bad in (
        ("deletedFile", {"path": "never.txt"}),
        ("lfsFile", {"path": "w.bin", "algo": "sha256", "oid": "0" * 64, "size": 3}),
        ("file", {"path": "b.txt", "content": "no base64!", "encoding": "base64"}),
        file("good.txt"),  # named twice
        file("good.txt/below"),  # a file is no folder
        ("copyFile", {"path": "x"}),
        ("file", None),
    ):
        answer = commit("owner", "clinic/net", file("good.txt"), bad)
        assert answer.status_code in (400, 404), bad
        assert commits.resolve(model, "main").oid == head
    missing = commit("owner", "clinic/net", ("deletedFile", {"path": "never.txt"}))
    assert (missing.status_code, missing["X-Error-Code"]) == (404, "EntryNotFound")
    assert missing["X-Error-Message"] == "A file with this name doesn't exist"


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../up", "a/../b", "a//b", "./a", ".git/config", "a\\b", "a\0b", "a\nb", "x" * 501, "a/.GIT/b"],
)
def test_no_path_leaves_the_model(speak, commit, model, path):
    assert commit("owner", "clinic/net", file(path)).status_code == 400
    asked = {"files": [{"path": path, "size": 1, "sample": ""}]}
    assert speak("owner", "POST", f"{API}/preupload/main", asked).status_code == 400


def test_a_commit_whose_answer_was_lost_is_sent_again(commit, model):
    parent = commits.resolve(model, "main").oid
    first = commit("owner", "clinic/net", file("a.txt"), summary="Add a", parentCommit=parent)
    again = commit("owner", "clinic/net", file("a.txt"), summary="Add a", parentCommit=parent)
    assert first.data["commitOid"] == again.data["commitOid"]
    commit("owner", "clinic/net", file("b.txt"), summary="Add b")
    later = commit("owner", "clinic/net", file("a.txt"), summary="Add a", parentCommit=parent[:10])
    assert later.data["commitOid"] == first.data["commitOid"], "though others were made since"
    other = commit("owner", "clinic/net", file("a.txt", b"other"), summary="Add a", parentCommit=parent)
    assert other.status_code == 412
    assert Commit.objects.filter(model=model).count() == 4


# ---- revisions


def test_revisions_are_branches_with_slashes_tags_commits_and_beginnings_of_them(speak, commit, model):
    head = commits.resolve(model, "main").oid
    assert speak("owner", "POST", f"{API}/branch/feat%2Fx%2Fy", {"startingPoint": head[:8]}).status_code == 200
    assert commit("owner", "clinic/net", file("fx.txt", b"fx"), branch="feat%2Fx%2Fy").status_code == 200
    assert speak("owner", "POST", f"{API}/tag/feat%2Fx%2Fy", {"tag": "rel/1.0"}).status_code == 200
    made = commits.resolve(model, "feat/x/y").oid
    for revision in (
        "feat%2Fx%2Fy",
        "refs%2Fheads%2Ffeat%2Fx%2Fy",
        "rel%2F1.0",
        "refs%2Ftags%2Frel%2F1.0",
        made,
        made[:7],
    ):
        assert speak(None, "GET", f"{API}/revision/{revision}").data["sha"] == made, revision
        found = speak(None, "GET", f"/clinic/net/resolve/{revision}/fx.txt")
        assert (found.status_code, b"".join(found.streaming_content), found["X-Repo-Commit"]) == (200, b"fx", made)
        assert any(row["path"] == "fx.txt" for row in speak(None, "GET", f"{API}/tree/{revision}").data)
    assert speak(None, "GET", f"{API}/tree/feat%2Fx%2Fy/data").data[0]["path"] == "data/notes.txt"
    for name in ("refs/heads/x", "a..b", "a b", "x" * 201, "-a"):
        assert speak("owner", "POST", f"{API}/branch/{name}", {}).status_code == 400, name
    assert speak("owner", "DELETE", f"{API}/branch/main").status_code == 403
    assert speak("owner", "DELETE", f"{API}/branch/feat%2Fx%2Fy").status_code == 200
    assert speak(None, "GET", f"/clinic/net/resolve/{made}/fx.txt").status_code == 200, "a commit stays"
    assert speak(None, "GET", f"{API}/revision/feat%2Fx%2Fy")["X-Error-Code"] == "RevisionNotFound"


def test_the_tree_says_who_changed_what_last(speak, commit, model):
    first = commits.resolve(model, "main").oid
    second = commit("owner", "clinic/net", file("data/more.txt"), summary="More").data["commitOid"]
    third = commit("owner", "clinic/net", file("new.txt"), summary="New").data["commitOid"]
    rows = speak(None, "GET", f"{API}/tree/main?recursive=1&expand=true").data
    assert {row["path"]: row["lastCommit"]["id"] for row in rows} == {
        "README.md": first, "data": second, "data/notes.txt": first, "data/more.txt": second, "new.txt": third,
    }  # fmt: skip
    assert all(
        {"status", "avScan", "pickleImportScan"} <= set(row["securityFileStatus"])
        for row in rows
        if row["type"] == "file"
    )


def test_long_lists_come_in_pages_that_name_the_next(speak, commit, model, team, cast):
    commit("owner", "clinic/net", *(file(f"many/{number:02}.txt") for number in range(11)))
    url, seen = f"{API}/tree/main?recursive=true&limit=5", []
    while url:
        page = speak(None, "GET", url)
        seen += [row["path"] for row in page.data]
        link = page.get("Link", "")
        url = link[1 : link.index(">")].removeprefix("http://testserver") if link else ""
        assert not link or link.startswith(
            "<http://testserver/api/models/clinic/net/tree/main?recursive=true&limit=5&cursor="
        )
    assert seen == sorted(seen) and len(seen) == len(set(seen)) == 15
    assert len(speak(None, "GET", f"{API}/commits/main?limit=2").data) == 2
    for number in range(3):
        commits.create_model(team, f"other-{number}", author=cast["owner"])
    assert [len(speak(None, "GET", f"/api/models?author=clinic&limit=3&cursor={at}").data) for at in (0, 3)] == [3, 1]
    for odd in ("limit=x", "limit=-1", "cursor=-5", "cursor=99999999999999999999", "limit=0", "cursor=%00"):
        assert speak(None, "GET", f"/api/models?{odd}").status_code == 200, odd


def test_cards_that_would_stop_a_client_are_made_harmless(speak, commit, model):
    card = b"---\nself: 1\nignore_metadata_errors: 2\neval_results: 3\ntags: 7\nlicense: [mit, x]\nmodel-index: nothing\n---\n"
    commit("owner", "clinic/net", file("README.md", card))
    shown = speak(None, "GET", API).data
    assert shown["cardData"] == {"tags": ["7"], "license": "mit"} and "license:mit" in shown["tags"]
    assert [row["id"] for row in speak(None, "GET", "/api/models?filter=license:mit&full=true").data] == ["clinic/net"]
    assert speak(None, "GET", "/api/models?filter=license:gpl").data == []


# ---- who sees what


PRIVATE = (
    ("GET", "/api/models/clinic/{}", None),
    ("GET", "/api/models/clinic/{}/tree/main", None),
    ("GET", "/api/models/clinic/{}/refs", None),
    ("GET", "/api/models/clinic/{}/commits/main", None),
    ("GET", "/api/models/clinic/{}/xet-write-token/main", None),
    ("GET", "/api/models/clinic/{}/auth-check", None),
    ("GET", "/api/models/clinic/{}/user-access-request/pending", None),
    ("GET", "/clinic/{}/resolve/main/s.txt", None),
    ("HEAD", "/clinic/{}/resolve/main/s.txt", None),
    ("POST", "/api/models/clinic/{}/paths-info/main", {"paths": ["s.txt"]}),
    ("POST", "/api/models/clinic/{}/preupload/main", {"files": []}),
    ("POST", "/api/models/clinic/{}/commit/main", {"key": "header", "value": {"summary": "x"}}),
    ("POST", "/api/models/clinic/{}/branch/x", {}),
    ("POST", "/api/models/clinic/{}/tag/main", {"tag": "x"}),
    ("POST", "/api/models/clinic/{}/user-access-request/grant", {"user": "stranger"}),
    ("PUT", "/api/models/clinic/{}/settings", {"private": False}),
    ("POST", "/clinic/{}.git/info/lfs/objects/batch", {"operation": "upload", "objects": []}),
)


@pytest.mark.parametrize("who", ["stranger", None])
def test_private_and_missing_are_one_in_status_text_and_work(speak, team, cast, who):
    sealed = commits.create_model(team, "sealed", author=cast["owner"], private=True)
    commits.commit_files(sealed, cast["owner"], add={"s.txt": blobs.put(b"secret")}, title="Add")
    commits.move(sealed, team, "sealed-now")
    for hidden in ("sealed-now", "sealed"):  # by its name, and by the one it had before
        for method, pattern, data in PRIVATE:
            seen = []
            for name in (hidden, "absent"):
                with CaptureQueriesContext(connection) as queries:
                    answer = speak(who, method, pattern.format(name), data)
                kept = {key: value.replace(name, "?") for key, value in answer.headers.items()}
                work = [query["sql"].replace(name, "?") for query in queries if "last_used" not in query["sql"]]
                seen.append((answer.status_code, answer.content.replace(name.encode(), b"?"), kept, len(work)))
            assert seen[0] == seen[1], f"{method} {pattern}"
            assert seen[0][0] == (404 if who else 401) and seen[0][2]["X-Error-Code"] == "RepoNotFound", pattern
    for row in speak(who, "GET", "/api/models?full=true").data:
        assert "sealed" not in row["id"]


def test_a_moved_model_is_found_by_its_old_name(speak, client, model, cast, team):
    answer = speak("owner", "POST", "/api/repos/move", {"fromRepo": "clinic/net", "toRepo": "owner/better"})
    assert answer.status_code == 200
    for method, path, new in (
        (
            "GET",
            "/clinic/net/resolve/main/data/notes.txt?download=1",
            "/owner/better/resolve/main/data/notes.txt?download=1",
        ),
        ("HEAD", "/clinic/net/resolve/main/README.md", "/owner/better/resolve/main/README.md"),
        ("GET", "/api/models/clinic/net/tree/main?recursive=true", "/api/models/owner/better/tree/main?recursive=true"),
        ("POST", "/api/models/clinic/net/commit/main", "/api/models/owner/better/commit/main"),
        ("GET", "/clinic/net", "/owner/better"),
        ("GET", "/api/v1/models/clinic/net", "/api/v1/models/owner/better"),
    ):
        sent = speak("owner", method, path, {} if method == "POST" else None)
        assert (sent.status_code, sent["Location"]) == (307, new), path
    again = commits.create_model(team, "Net", author=cast["owner"])
    assert not MovedName.objects.exists(), "a new model of the name takes it over"
    assert speak(None, "GET", "/api/models/clinic/Net").data["sha"] == commits.resolve(again, "main").oid
    taken = speak("owner", "POST", "/api/repos/move", {"fromRepo": "owner/better", "toRepo": "clinic/net"})
    assert taken.status_code == 409
    assert (
        speak("stranger", "POST", "/api/repos/move", {"fromRepo": "owner/better", "toRepo": "stranger/x"}).status_code
        == 403
    )
    assert (
        speak("owner", "POST", "/api/repos/move", {"fromRepo": "owner/better", "toRepo": "stranger/x"}).status_code
        == 403
    )


def test_a_gate_opens_on_request(speak, signed_in, model):
    path = "/clinic/net/resolve/main/README.md"

    def asked(status):
        return [row["user"]["user"] for row in speak("owner", "GET", f"{API}/user-access-request/{status}").data]

    assert speak("owner", "PUT", f"{API}/settings", {"gated": "manual"}).status_code == 200
    refused = speak("stranger", "GET", path)
    assert (refused.status_code, refused["X-Error-Code"]) == (403, "GatedRepo")
    assert speak(None, "HEAD", path).status_code == 401
    page = signed_in("stranger").get("/clinic/net").content.decode()
    assert "Ask for access" in page
    signed_in("stranger").post("/clinic/net/access/", {"reason": "A trial"})
    assert "has not decided yet" in signed_in("stranger").get("/clinic/net").content.decode()
    assert asked("pending") == ["stranger"]
    inbox = signed_in("owner").get("/settings/access/").content.decode()
    assert "A trial" in inbox and "clinic/net" in inbox
    assert "A trial" not in signed_in("teammate").get("/settings/access/").content.decode(), "a member decides nothing"
    pk = speak("owner", "GET", f"{API}/user-access-request/pending").data[0]["requestId"]
    assert signed_in("teammate").post("/settings/access/", {"request": pk, "status": "accepted"}).status_code == 404
    assert speak("stranger", "GET", path).status_code == 403
    signed_in("owner").post("/settings/access/", {"request": pk, "status": "accepted"})
    assert speak("stranger", "GET", path).status_code == 200
    handle = {"user": "stranger", "status": "rejected"}
    assert speak("owner", "POST", f"{API}/user-access-request/handle", handle).status_code == 200
    assert speak("stranger", "GET", path).status_code == 403
    assert (asked("accepted"), asked("rejected")) == ([], ["stranger"])
    assert speak("owner", "POST", f"{API}/user-access-request/handle", handle).status_code == 404, "rejected already"
    assert speak("owner", "POST", f"{API}/user-access-request/grant", {"user": "stranger"}).status_code == 200
    assert speak("stranger", "GET", path).status_code == 200
    assert speak("owner", "POST", f"{API}/user-access-request/grant", {"user": "nobody"}).status_code == 404


def test_an_automatic_gate_opens_at_once_and_notes_who_went_through(speak, signed_in, model):
    grants.set_gate(model, "auto")
    assert speak("stranger", "GET", "/clinic/net/resolve/main/README.md").status_code == 403
    signed_in("stranger").post("/clinic/net/access/")
    assert speak("stranger", "GET", "/clinic/net/resolve/main/README.md").status_code == 200
    assert [row["user"]["user"] for row in speak("owner", "GET", f"{API}/user-access-request/accepted").data] == [
        "stranger"
    ]


def test_a_session_alone_changes_nothing_and_a_reading_token_neither(signed_in, client, bearer, model, cast):
    page = signed_in("owner")
    made = page.post("/api/repos/create", b'{"name": "forged"}', content_type="application/json")
    assert made.status_code == 401
    client.logout()
    for method, path in (
        ("POST", "/api/repos/create"),
        ("DELETE", "/api/repos/delete"),
        ("POST", f"{API}/commit/main"),
        ("PUT", f"{API}/settings"),
    ):
        answer = client.generic(method, path, b"{}", content_type="application/json", **bearer(cast["owner"], "read"))
        assert (answer.status_code, answer["X-Error-Message"][:25]) == (403, "This token can only read."), path
    assert Model.objects.count() == 1


def test_other_kinds_of_repositories_are_not_here(speak):
    for path in (
        "/api/datasets/a/b",
        "/api/spaces/a/b",
        "/datasets/a/b/resolve/main/x",
        "/api/models/gpt2",
        "/api/models/a/b/c/d",
    ):
        answer = speak("owner", "GET", path)
        assert (answer.status_code, answer["X-Error-Code"]) == (404, "RepoNotFound"), path
    assert speak(None, "GET", "/api/datasets/a/b").status_code == 404
    assert speak("owner", "GET", "/api/anything-else").status_code == 404
    assert speak(None, "GET", "/api/agent-harnesses").data == {"standardEnvVars": [], "harnesses": {}}
    assert speak(None, "HEAD", "/api/telemetry/huggingface_hub").status_code == 204
    assert speak(None, "POST", "/v1/telemetry", b"anything").status_code == 204
