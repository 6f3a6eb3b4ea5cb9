"""Models and their revisions: created, committed to, tagged, resolved, renamed, deleted.

A commit is atomic and immutable. Commits to one branch come one after the other, under a lock on the branch's row; the
same commit sent again after a lost answer gives the commit that exists.
"""

import re
import secrets
from collections.abc import Collection, Iterable

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from zoo import blobs, cards, paths, quota, safety, text
from zoo.errors import NotFound, Refused
from zoo.models import Blob, Commit, File, Model, MovedName, Namespace, Ref, User, validate_name

MAIN = "main"
CARD = "README.md"
MAX_FILES = 20_000
_HEX = re.compile(r"[0-9a-f]{7,40}")
_REF = re.compile(r"^(?!.*(?://|\.\.|@\{|\.lock(?:/|\Z)|/\.))[A-Za-z0-9_][A-Za-z0-9_.+@/-]*(?<![./])\Z")


class RevisionNotFound(NotFound):
    def __init__(self, revision: str):
        hint = "Use a branch, a tag, or a commit's 40 hex digits (7 are enough where they are unique)."
        super().__init__("revision_not_found", f"There is no revision {revision[:200]!r} of this model.", hint)
        self.headers["X-Error-Code"] = "RevisionNotFound"


class EntryNotFound(NotFound):
    def __init__(self, path: str, commit: Commit):
        message = f"There is no file {path[:200]!r} at revision {commit.oid[:7]}."
        super().__init__("entry_not_found", message, "The model's page lists its files.")
        self.headers |= {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit.oid}


class Moved(Refused):
    """The branch moved on since the parent that the commit was made for."""

    def __init__(self, head: Commit):
        hint = "Look at what changed and commit again with this parent."
        super().__init__(
            "parent_is_not_head", f"The head of the branch is {head.oid}, not the given parent.", hint, status=412
        )


def create_model(
    namespace: Namespace, name: str, *, author: User | None, private: bool = False, title: str = "", task: str = ""
) -> Model:
    """An empty model with a first commit on `main`. Raises `Refused`: 400 for a bad name, 409 for one that exists."""
    _check_name(name)
    title = text.clean(title)[:200]
    try:
        with transaction.atomic():
            model = Model.objects.create(namespace=namespace, name=name, private=private, title=title, task=task)
            commit = Commit.objects.create(oid=_new_oid(), model=model, author=author, title="Create the model")
            Ref.objects.create(model=model, kind=Ref.Kind.BRANCH, name=MAIN, commit=commit)
            MovedName.objects.filter(namespace=namespace, name__iexact=name).delete()  # the name is this model's now
    except IntegrityError as error:
        raise _taken(namespace, name) from error
    return model


def commit_files(
    model: Model,
    author: User | None,
    *,
    add: dict[str, Blob] | None = None,
    delete: Iterable[str] = (),
    large: Collection[str] = (),
    title: str,
    message: str = "",
    branch: str = MAIN,
    parent: str | None = None,
) -> Commit:
    """Add, replace and delete files on a branch; all of it or nothing.

    `delete` names files, or folders with a slash at the end; `large`, files that are large ones whatever their size and
    name. Nothing to change: the head is returned as it is.
    Raises `BadPath` and `Refused` (400), `RevisionNotFound` and `EntryNotFound` (404), `Moved` (412), `OverQuota` (413).
    """
    add, delete = dict(add or {}), list(dict.fromkeys(delete))
    title, message = text.clean(title)[:300] or "Change files", text.clean(message)
    for path in [*add, *(path.removesuffix("/") for path in delete)]:
        paths.check(path)
    for path, blob in add.items():
        safety.admit(path, blob)
    with transaction.atomic():
        ref = Ref.objects.select_for_update().filter(model=model, kind=Ref.Kind.BRANCH, name=text.clean(branch)).first()
        if ref is None:
            raise RevisionNotFound(branch)
        head = Commit.objects.get(pk=ref.commit_id)
        changes = add, delete, large
        if _is_repeat(head, changes, title):
            return head
        if parent and not _names(parent, head):
            if earlier := _earlier(head, parent, changes, title):
                return earlier
            raise Moved(head)
        before = tree(head)
        after = _changed(before, changes, head)
        if after == before:
            return head
        if len(after) > MAX_FILES:
            raise Refused(
                "too_many_files", f"A model has at most {MAX_FILES:,} files.", "Pack small files into archives."
            )
        paths.check_together(after)
        quota.require(model.namespace, {blob.sha256: blob.size for blob in add.values()})
        blobs.hold(blob.sha256 for blob in add.values())
        commit = Commit.objects.create(
            oid=_new_oid(),
            model=model,
            parent=head,
            author=author,
            title=title,
            message=message,
        )
        File.objects.bulk_create(
            [File(commit=commit, path=path, blob_id=sha256, lfs=lfs) for path, (sha256, lfs) in sorted(after.items())],
            batch_size=200,
        )
        Ref.objects.filter(pk=ref.pk).update(commit=commit)
        if branch == MAIN:
            _describe(model, commit)
    return commit


def tree(commit: Commit) -> dict[str, tuple[str, bool]]:
    """{path: (sha256, is it a large file)} of a commit."""
    return {path: (sha256, lfs) for path, sha256, lfs in commit.files.values_list("path", "blob_id", "lfs")}


def _changed(before: dict, changes: tuple[dict[str, Blob], list[str], Collection[str]], head: Commit) -> dict:
    add, delete, large = changes
    after = dict(before)
    for path in delete:
        gone = [each for each in after if each.startswith(path)] if path.endswith("/") else [path] * (path in after)
        if not gone:
            raise EntryNotFound(path, head)
        for each in gone:
            del after[each]
    return after | {
        path: (blob.sha256, paths.is_large(path, blob.size) or (path in large and blob.size > 0))
        for path, blob in add.items()
    }


def _names(parent: str, commit: Commit) -> bool:
    """Whether this is a commit's id, or a beginning of it that is long enough."""
    return len(parent) >= 7 and commit.oid.startswith(parent)


def _is_repeat(commit: Commit, changes: tuple, title: str) -> bool:
    """Whether a commit is what these very changes made of its parent: the answer was lost and the client asks again."""
    if commit.parent is None or commit.title != title:
        return False
    try:
        return _changed(tree(commit.parent), changes, commit.parent) == tree(commit)
    except EntryNotFound:
        return False


def _earlier(head: Commit, parent: str, changes: tuple, title: str) -> Commit | None:
    """The commit that these changes made of `parent` already, where others were made after it."""
    for commit in line(head):
        if commit.parent and _names(parent, commit.parent):
            return commit if _is_repeat(commit, changes, title) else None
    return None


def _describe(model: Model, commit: Commit) -> None:
    """What search and filters know of a model: read from the card and the files at the head of main."""
    files = list(commit.files.select_related("blob"))
    readme = next((file for file in files if file.path == CARD), None)
    card = cards.read_front(card_text(readme))[0] if readme else {}
    facts = cards.facts(card)
    parameters = sum(file.blob.facts.get("parameters") or 0 for file in files if file.path.endswith(".safetensors"))
    Model.objects.filter(pk=model.pk).update(
        card=card,
        parameters=parameters or None,
        size=sum({file.blob_id: file.blob.size for file in files}.values()),
        updated=timezone.now(),
        library=facts["library"],
        licence=facts["licence"],
        modality=facts["modality"],
        anatomy=facts["anatomy"],
        **({"task": facts["task"]} if facts["task"] else {}),
        **({"title": facts["title"]} if facts["title"] else {}),
    )
    model.refresh_from_db()


def card_text(readme: File) -> str:
    return blobs.read(readme.blob_id, cards.MAX_BYTES).decode("utf-8", "replace")


def resolve(model: Model, revision: str) -> Commit:
    """The commit that a branch, a tag, `refs/heads/...`, 40 hex digits or a unique prefix of 7 or more names."""
    name, kinds = revision, [Ref.Kind.BRANCH, Ref.Kind.TAG]
    for prefix, kind in (("refs/heads/", Ref.Kind.BRANCH), ("refs/tags/", Ref.Kind.TAG)):
        if revision.startswith(prefix):
            name, kinds = revision.removeprefix(prefix), [kind]
    if not text.is_clean(revision):
        raise RevisionNotFound(revision)
    refs = {ref.kind: ref.commit for ref in model.refs.filter(name=name, kind__in=kinds).select_related("commit")}
    for kind in kinds:
        if kind in refs:
            return refs[kind]
    if _HEX.fullmatch(revision):
        found = list(model.commits.filter(oid__startswith=revision)[:2])
        if len(found) == 1:
            return found[0]
    raise RevisionNotFound(revision)


def find_file(model: Model, rest: str) -> tuple[Commit, File]:
    """The file that `<revision>/<path>` names. Raises `RevisionNotFound` or `EntryNotFound`."""
    commit, path = split(model, rest)
    file = commit.files.select_related("blob").filter(path=path).first() if text.is_clean(path) else None
    if file is None:
        raise EntryNotFound(path, commit)
    return commit, file


def split(model: Model, rest: str) -> tuple[Commit, str]:
    """The commit and the path of `<revision>/<path>`."""
    revision, path = paths.split_revision(rest, list(model.refs.values_list("name", flat=True)))
    return resolve(model, revision), path


def line(head: Commit) -> list[Commit]:
    """The commits from `head` back to the first."""
    parents = {commit.pk: commit for commit in head.model.commits.select_related("author")}
    found, place = [], head.pk
    while place is not None:
        found.append(parents[place])
        place = parents[place].parent_id
    return found


def create_branch(model: Model, name: str, start: str = MAIN) -> Ref:
    """A branch at a revision. Raises `Refused`: 400 for a bad name, 409 for one that exists."""
    return _create_ref(model, Ref.Kind.BRANCH, name, start)


def tag(model: Model, name: str, revision: str = MAIN) -> Ref:
    """A tag on a revision; it never moves. Raises `Refused`: 400 for a bad name, 409 for one that exists."""
    return _create_ref(model, Ref.Kind.TAG, name, revision)


def _create_ref(model: Model, kind: str, name: str, revision: str) -> Ref:
    if len(name) > 200 or not _REF.match(name) or name.startswith("refs/"):
        raise Refused(
            "bad_name", f"{name[:80]!r} cannot be the name of a {kind}.", "Use letters, digits, '.', '_', '-' and '/'."
        )
    commit = resolve(model, revision)
    try:
        with transaction.atomic():
            return Ref.objects.create(model=model, kind=kind, name=name, commit=commit)
    except IntegrityError as error:
        raise Refused("exists", f"There is a {kind} {name!r} already.", "Choose another name.", status=409) from error


def delete_branch(model: Model, name: str) -> None:
    """Raises `Refused` for `main`, `RevisionNotFound` for one that is not there. Its commits stay."""
    if name == MAIN:
        raise Refused("forbidden", "The branch main cannot be deleted.", "Every model has it.", status=403)
    _delete_ref(model, Ref.Kind.BRANCH, name)


def delete_tag(model: Model, name: str) -> None:
    _delete_ref(model, Ref.Kind.TAG, name)


def _delete_ref(model: Model, kind: str, name: str) -> None:
    if not text.is_clean(name) or not model.refs.filter(kind=kind, name=name).delete()[0]:
        raise RevisionNotFound(name)


def rename(model: Model, name: str) -> Model:
    """Give a model another name in its namespace. Raises `Refused` (400, 409)."""
    return move(model, model.namespace, name)


def move(model: Model, namespace: Namespace, name: str) -> Model:
    """Give a model another name, in another namespace perhaps; the old one leads to it. Raises `Refused` (400, 409, 413)."""
    _check_name(name)
    before, old = model.namespace, model.name
    if (before, old) == (namespace, name):
        return model
    if before != namespace:
        kept = File.objects.filter(commit__model=model).values_list("blob_id", "blob__size").distinct()
        quota.require(namespace, dict(kept))
    try:
        with transaction.atomic():
            Model.objects.filter(pk=model.pk).update(namespace=namespace, name=name, updated=timezone.now())
            MovedName.objects.filter(namespace=namespace, name__iexact=name).delete()
            if (before.pk, old.lower()) != (namespace.pk, name.lower()):
                MovedName.objects.filter(namespace=before, name__iexact=old).delete()
                MovedName.objects.create(namespace=before, name=old, model=model)
    except IntegrityError as error:
        raise _taken(namespace, name) from error
    model.namespace, model.name = namespace, name
    return model


def set_visibility(model: Model, private: bool) -> None:
    Model.objects.filter(pk=model.pk).update(private=private)
    model.private = private


def delete_model(model: Model) -> None:
    """Delete a model with all its revisions. Runs that measured it keep their results; blobs are kept for other models."""
    with transaction.atomic():
        model.delete()


def _check_name(name: str) -> None:
    try:
        validate_name(name)
    except ValidationError as error:
        raise Refused("bad_name", " ".join(error.messages), "For example retina-resnet18.") from error


def _taken(namespace: Namespace, name: str) -> Refused:
    return Refused("exists", f"There is a model {namespace}/{name} already.", "Choose another name.", status=409)


def _new_oid() -> str:
    return secrets.token_hex(20)
