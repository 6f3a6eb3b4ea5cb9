"""Commits: atomic, immutable, repeatable, one after the other."""

import threading

import pytest
from django.db import connection, connections

from zoo import blobs, commits
from zoo.errors import Refused
from zoo.models import Commit, File, Model
from zoo.paths import BadPath


def put(text):
    return blobs.put(text.encode())


def files(commit):
    return {file.path: blobs.read(file.blob_id, 1000).decode() for file in commit.files.all()}


@pytest.mark.django_db
def test_a_model_starts_with_a_commit_on_main(team, cast):
    net = commits.create_model(team, "fresh", author=cast["owner"])
    head = commits.resolve(net, "main")
    assert len(head.oid) == 40
    assert files(head) == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["", ".", "..", "a--b", "-a", "a-", "a.git", "a/b", "x" * 97, "é", "a\n", "<b>", "a b"]
)
def test_a_name_the_hub_would_not_take_is_refused(team, cast, name):
    with pytest.raises(Refused) as error:
        commits.create_model(team, name, author=cast["owner"])
    assert error.value.status == 400


@pytest.mark.django_db
def test_a_second_model_of_the_name_in_any_case_is_refused(team, cast):
    commits.create_model(team, "Net", author=cast["owner"])
    with pytest.raises(Refused) as error:
        commits.create_model(team, "net", author=cast["owner"])
    assert error.value.status == 409


@pytest.mark.django_db
def test_a_commit_adds_replaces_and_deletes_and_the_old_one_stays(model, cast):
    before = commits.resolve(model, "main")
    after = commits.commit_files(
        model, cast["owner"], add={"a/b.txt": put("new"), "README.md": put("# other")}, delete=["data/"], title="Change"
    )
    assert files(after) == {"a/b.txt": "new", "README.md": "# other"}
    assert set(files(before)) == {"README.md", "data/notes.txt"}
    assert commits.resolve(model, "main") == after
    assert after.parent == before


@pytest.mark.django_db
def test_the_same_commit_again_gives_the_commit_that_exists(model, cast):
    arguments = {"add": {"x.txt": put("x")}, "delete": ["data/notes.txt"], "title": "Once"}
    parent = commits.resolve(model, "main").oid
    first = commits.commit_files(model, cast["owner"], **arguments, parent=parent)
    assert commits.commit_files(model, cast["owner"], **arguments, parent=parent) == first
    assert Commit.objects.filter(model=model).count() == 3


@pytest.mark.django_db
def test_nothing_to_change_makes_no_commit(model, cast):
    head = commits.resolve(model, "main")
    same = head.files.get(path="data/notes.txt").blob
    assert commits.commit_files(model, cast["owner"], add={"data/notes.txt": same}, title="Again") == head


@pytest.mark.django_db
def test_a_commit_for_an_older_parent_is_refused(model, cast):
    old = commits.resolve(model, "main").oid
    commits.commit_files(model, cast["owner"], add={"x.txt": put("x")}, title="First")
    with pytest.raises(commits.Moved) as error:
        commits.commit_files(model, cast["owner"], add={"y.txt": put("y")}, title="Second", parent=old)
    assert error.value.status == 412


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["nothing.txt", "nothing/", "data/note"])
def test_deleting_what_is_not_there_changes_nothing(model, cast, missing):
    head = commits.resolve(model, "main")
    with pytest.raises(commits.EntryNotFound):
        commits.commit_files(model, cast["owner"], add={"x.txt": put("x")}, delete=[missing], title="Delete")
    assert commits.resolve(model, "main") == head
    assert not File.objects.filter(path="x.txt").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("clash", [{"data": "file"}, {"data/notes.txt/x": "file"}, {"a": "1", "a/b": "2"}])
def test_a_path_is_a_file_or_a_folder_not_both(model, cast, clash):
    with pytest.raises(BadPath):
        commits.commit_files(model, cast["owner"], add={path: put(text) for path, text in clash.items()}, title="Clash")


@pytest.mark.django_db
def test_the_card_at_main_feeds_the_catalogue(model, cast):
    model.refresh_from_db()
    assert (model.library, model.licence, model.task) == ("onnx", "apache-2.0", "lung-nodule")
    assert model.card["license"] == "apache-2.0"
    commits.create_branch(model, "other")
    commits.commit_files(
        model,
        cast["owner"],
        add={"README.md": put("---\nlibrary_name: timm\n---\n")},
        title="Elsewhere",
        branch="other",
    )
    model.refresh_from_db()
    assert model.library == "onnx"


@pytest.mark.django_db
def test_a_revision_is_found_by_all_its_names(model):
    head = commits.resolve(model, "main")
    commits.create_branch(model, "feat/x", head.oid)
    commits.tag(model, "v1.0", head.oid[:7])
    for name in ("feat/x", "refs/heads/feat/x", "v1.0", "refs/tags/v1.0", head.oid, head.oid[:7], head.oid[:20]):
        assert commits.resolve(model, name) == head
    for name in (
        "",
        "feat",
        "main2",
        head.oid[:6],
        "f" * 40,
        "refs/heads/v1.0",
        head.oid.upper() + "X",
        "refs/pr/1",
        "%",
    ):
        with pytest.raises(commits.RevisionNotFound):
            commits.resolve(model, name)
    assert commits.split(model, "feat/x/data/notes.txt") == (head, "data/notes.txt")


@pytest.mark.django_db
def test_a_revision_of_another_model_is_not_found(model, team, cast):
    other = commits.create_model(team, "other", author=cast["owner"])
    with pytest.raises(commits.RevisionNotFound):
        commits.resolve(other, commits.resolve(model, "main").oid)


@pytest.mark.django_db
def test_a_tag_does_not_move_and_a_branch_is_made_once(model, cast):
    commits.tag(model, "v1")
    commits.create_branch(model, "dev")
    for make in (commits.tag, commits.create_branch):
        with pytest.raises(Refused) as error:
            make(model, {commits.tag: "v1", commits.create_branch: "dev"}[make])
        assert error.value.status == 409
    with pytest.raises(commits.RevisionNotFound):
        commits.commit_files(model, cast["owner"], add={"x": put("x")}, title="To a tag", branch="v1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["", "a..b", "/a", "a/", "a//b", "a b", "refs/heads/a", "a.lock", "x" * 201, "-a", "a\n", "@{"]
)
def test_a_ref_with_a_bad_name_is_refused(model, name):
    with pytest.raises(Refused) as error:
        commits.create_branch(model, name)
    assert error.value.status == 400


@pytest.mark.django_db
def test_a_model_is_deleted_with_all_its_revisions(model, cast):
    commits.commit_files(model, cast["owner"], add={"x.txt": put("x")}, title="One more")
    commits.tag(model, "v1")
    commits.delete_model(model)
    assert not Model.objects.exists()
    assert not Commit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_parallel_commits_to_one_branch_all_count_and_line_up(model, cast):
    start = commits.resolve(model, "main")
    added = [put(f"file {i}") for i in range(8)]
    barrier, errors = threading.Barrier(8), []

    def commit(i):
        try:
            barrier.wait()
            commits.commit_files(model, cast["owner"], add={f"{i}.txt": added[i]}, title=f"Add {i}")
        except Exception as error:
            errors.append(error)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=commit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    head = commits.resolve(model, "main")
    assert {f"{i}.txt" for i in range(8)} <= set(files(head))
    line = []
    while head != start:
        line.append(head)
        head = head.parent
    assert len(line) == 8, "one commit each, one after the other"


@pytest.mark.django_db(transaction=True)
def test_of_parallel_commits_for_one_parent_exactly_one_wins(model, cast):
    parent = commits.resolve(model, "main").oid
    added = [put(f"file {i}") for i in range(6)]
    barrier, outcomes = threading.Barrier(6), []

    def commit(i):
        try:
            barrier.wait()
            commits.commit_files(model, cast["owner"], add={f"{i}.txt": added[i]}, title=f"Add {i}", parent=parent)
            outcomes.append("won")
        except commits.Moved:
            outcomes.append("moved")
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=commit, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["moved"] * 5 + ["won"], connection.vendor
