"""How files get into a model: `preupload` says how each is to be sent, `commit` makes one revision of them.

A commit arrives line by line, and each small file goes to the store as its line is read, so memory stays small; the verb in
commits.py makes all of it one revision or nothing.
"""

import binascii
import json
from base64 import b64decode
from dataclasses import dataclass, field

from django.conf import settings
from django.http import JsonResponse

from zoo import blobs, commits, paths, safety, text, uploads
from zoo.errors import Refused
from zoo.hub.lfs import is_sha256
from zoo.hub.wire import answers, as_data, base, body, is_true, model, text_of

MAX_COMMIT = 200 << 20  # clients send at most 100 MB of small files at once, a third longer in base64
MAX_LINE = 32 << 20
MAX_PREUPLOAD = 1000


@answers("POST")
def preupload(request, owner: str, name: str, revision: str):
    net = model(request, owner, name, "write")
    files = body(request).get("files")
    if not isinstance(files, list) or len(files) > MAX_PREUPLOAD or not all(isinstance(each, dict) for each in files):
        raise Refused("bad_files", f"files is a list of at most {MAX_PREUPLOAD:,} objects.")
    there = {file.path: file for file in commits.resolve(net, revision).files.select_related("blob")}
    return JsonResponse({"files": [_mode(each, there) for each in files]})


def _mode(given: dict, there: dict) -> dict:
    path, size = paths.check(text_of(given, "path")), given.get("size")
    if type(size) is not int or size < 0:
        raise Refused("bad_size", f"{path[:100]!r} has no size.")
    if size > settings.MAX_FILE_BYTES:
        raise blobs.TooLarge(settings.MAX_FILE_BYTES)
    safety.admit_name(path)
    large = paths.is_large(path, size)
    mode = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
    if file := there.get(path):
        mode["oid"] = file.blob_id if large else file.blob.git_sha1
    return mode


@dataclass
class Change:
    """What the lines of a commit ask for."""

    header: dict = field(default_factory=dict)
    add: dict = field(default_factory=dict)  # path -> Blob
    large: dict = field(default_factory=dict)  # path -> (sha256, size or None)
    delete: list[str] = field(default_factory=list)


@answers("POST")
def commit(request, owner: str, name: str, branch: str):
    net = model(request, owner, name, "write")
    if is_true(request.GET.get("create_pr", "")):
        raise Refused("no_pull_requests", "This server has no pull requests.", "Commit to a branch of your own.")
    if not net.refs.filter(kind="branch", name=text.clean(branch)).exists():
        raise commits.RevisionNotFound(branch)
    change = _read(request)
    add = change.add | _large(request, change.large)
    header = change.header
    try:
        made = commits.commit_files(
            net,
            request.user,
            add=add,
            delete=change.delete,
            large=set(change.large),
            title=text_of(header, "summary").strip().partition("\n")[0],
            message=text_of(header, "description")[:10_000],
            branch=branch,
            parent=text_of(header, "parentCommit") or None,
        )
    except commits.EntryNotFound as missing:
        missing.message, missing.hint = "A file with this name doesn't exist", ""  # clients know this very text
        raise
    url = f"{base(request)}/{net}/commit/{made.oid}"
    return JsonResponse({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


def _read(request) -> Change:
    length, seen, change = uploads.length(request), 0, Change()
    if length > MAX_COMMIT:
        raise Refused("too_large", f"A commit has at most {MAX_COMMIT:,} bytes.", "Make several commits.", status=413)
    while seen < length:
        try:
            line = request.readline(MAX_LINE)
        except OSError as error:
            raise blobs.Incomplete("The commit did not arrive whole.") from error
        seen += len(line)
        if not line:
            raise blobs.Incomplete("The commit did not arrive whole.")
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            raise Refused(
                "too_large", f"A line has at most {MAX_LINE:,} bytes.", "Send large files by LFS.", status=413
            )
        if line.strip():
            _take(as_data(line), change)
    if not change.header:
        raise Refused("no_header", "The commit has no header line.")
    return change


def _take(data: dict, change: Change) -> None:
    key, value = data.get("key"), data.get("value")
    if not isinstance(value, dict):
        raise Refused("bad_line", f"A line {json.dumps(key)[:40]} has no value.")
    if key == "header":
        change.header = value or {"summary": ""}
        return
    path = text_of(value, "path")
    paths.check(path.removesuffix("/") if key == "deletedFolder" else path)
    if path in change.add or path in change.large or path in change.delete:
        raise Refused("twice", f"{path[:200]!r} is named twice.", "Name each path once.")
    if len(change.add) + len(change.large) + len(change.delete) >= commits.MAX_FILES:
        raise Refused("too_many", f"A commit has at most {commits.MAX_FILES:,} changes.", "Make several commits.")
    if key == "file":
        change.add[path] = blobs.put(_content(value, path))
    elif key == "lfsFile":
        change.large[path] = _object(value, path)
    elif key == "deletedFile":
        change.delete.append(path)
    elif key == "deletedFolder":
        change.delete.append(path.removesuffix("/") + "/")
    else:
        raise Refused("bad_line", f"A line of the kind {json.dumps(key)[:40]} is not known.")


def _content(value: dict, path: str) -> bytes:
    if text_of(value, "encoding", "base64") != "base64":
        raise Refused("bad_encoding", "The encoding must be base64.")
    try:
        return b64decode(text_of(value, "content").encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Refused("bad_encoding", f"The content of {path[:200]!r} is not base64.") from error


def _object(value: dict, path: str) -> tuple[str, int | None]:
    oid, size = text_of(value, "oid"), value.get("size")
    if text_of(value, "algo", "sha256") != "sha256" or not is_sha256(oid):
        raise Refused("bad_oid", f"{path[:200]!r} has no SHA-256.")
    return oid, size if type(size) is int else None


def _large(request, wanted: dict[str, tuple[str, int | None]]) -> dict:
    """Blobs of the large files; only what this person sent, or may download anyway."""
    names, found = sorted({oid for oid, _ in wanted.values()}), {}
    for start in range(0, len(names), 500):
        found |= uploads.usable(request.user, names[start : start + 500])
    for path, (oid, size) in wanted.items():
        if oid not in found or size not in (None, found[oid].size):
            hint = "Upload it first, then commit."
            raise Refused("no_object", f"The bytes of {path[:200]!r}, SHA-256 {oid}, were not uploaded.", hint)
    return {path: found[oid] for path, (oid, _) in wanted.items()}
