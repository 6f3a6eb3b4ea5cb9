"""The files of a revision: `tree` and `paths-info`."""

import hashlib
from collections import defaultdict

from django.http import JsonResponse, QueryDict

from zoo import commits, safety
from zoo.errors import Refused
from zoo.hub.wire import MAX_JSON, answers, as_data, is_true, model, moment, paged, read
from zoo.models import Commit, File

PAGE, PAGE_EXPANDED = 1000, 50
MAX_PATHS = 1000


@answers("GET")
def tree(request, owner: str, name: str, rest: str = commits.MAIN):
    net = model(request, owner, name)
    commit, folder = commits.split(net, rest.strip("/"))
    files = list(commit.files.select_related("blob"))
    start = f"{folder}/" if folder else ""
    inside = [file for file in files if file.path.startswith(start)]
    if folder and not inside:
        raise commits.EntryNotFound(folder, commit)
    rows = entries(inside, start, is_true(request.GET.get("recursive", "")))
    expand = is_true(request.GET.get("expand", ""))
    most = PAGE_EXPANDED if expand else PAGE
    return paged(request, rows, lambda page: shown(commit, page, files, expand), most, most)


@answers("POST", reads_only=True)
def paths_info(request, owner: str, name: str, revision: str):
    """Entries of the paths that there are; the others are left out."""
    net = model(request, owner, name)
    commit = commits.resolve(net, revision)
    wanted, expand = _wanted(request)
    files = list(commit.files.select_related("blob"))
    known = {row if isinstance(row, str) else row.path: row for row in entries(files, "", True)}
    rows = [known[path] for path in dict.fromkeys(wanted) if path in known]
    return JsonResponse(shown(commit, rows, files, expand), safe=False)


def _wanted(request) -> tuple[list[str], bool]:
    raw = read(request, MAX_JSON)
    if request.content_type == "application/json":
        data = as_data(raw)
        paths, expand = data.get("paths", []), is_true(data.get("expand", ""))
    else:
        try:
            data = QueryDict(raw, encoding="utf-8")
        except (ValueError, Refused) as error:
            raise Refused("bad_form", "The request is no form.") from error
        paths, expand = data.getlist("paths"), is_true(data.get("expand", ""))
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or len(paths) > MAX_PATHS or not all(isinstance(path, str) for path in paths):
        raise Refused("bad_paths", f"paths is a list of at most {MAX_PATHS:,} texts.")
    return [path.strip("/") for path in paths], expand


def entries(files: list[File], start: str, recursive: bool) -> list[File | str]:
    """Files, and folders as their paths, below `start` (which ends in a slash), in the order of their paths."""
    found: dict[str, File | str] = {}
    for file in files:
        parts = file.path[len(start) :].split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            folder = start + "/".join(parts[:depth])
            found[folder] = folder
        if recursive or len(parts) == 1:
            found[file.path] = file
    return [found[path] for path in sorted(found)]


def shown(commit: Commit, rows: list[File | str], files: list[File], expand: bool) -> list[dict]:
    """JSON of the rows of `entries`; `files` are all of the commit."""
    result = [file_entry(row, expand) if isinstance(row, File) else _folder(row, files) for row in rows]
    if expand:
        last = last_changes(commit, [entry["path"] for entry in result], files)
        for entry in result:
            made = last[entry["path"]]
            entry["lastCommit"] = {"id": made.oid, "title": made.title, "date": moment(made.created)}
    return result


def file_entry(file: File, expand: bool = False) -> dict:
    entry = {"type": "file", "path": file.path, "size": file.blob.size, "oid": file.blob.git_sha1}
    if file.lfs:
        pointer = pointer_text(file.blob_id, file.blob.size)
        entry["oid"] = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer, usedforsecurity=False).hexdigest()
        entry["lfs"] = {"oid": file.blob_id, "size": file.blob.size, "pointerSize": len(pointer)}
    if expand:
        entry["securityFileStatus"] = safety.file_status(file.path, file.blob.facts)
    return entry


def pointer_text(sha256: str, size: int) -> bytes:
    """What git keeps in place of a large file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def _folder(path: str, files: list[File]) -> dict:
    digest = hashlib.sha1(usedforsecurity=False)
    for file in files:
        if file.path.startswith(path + "/"):
            digest.update(f"{file.path}\0{file.etag}\0".encode())
    return {"type": "directory", "path": path, "oid": digest.hexdigest(), "size": 0}


def last_changes(head: Commit, paths: list[str], files: list[File]) -> dict[str, Commit]:
    """{path: the commit that changed it last}; a folder changes with what lies below it."""
    line = commits.line(head)
    below: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for path in paths:
            if file.path == path or file.path.startswith(path + "/"):
                below[path].append(file.path)
    needed = sorted({file for found in below.values() for file in found})
    blobs: dict[str, dict[int, str]] = defaultdict(dict)
    for start in range(0, len(needed), 500):
        rows = File.objects.filter(commit__model=head.model, path__in=needed[start : start + 500])
        for path, commit, blob in rows.values_list("path", "commit", "blob"):
            blobs[path][commit] = blob
    place = {path: _since(line, blobs[path]) for path in needed}
    return {path: line[min(place[file] for file in below[path])] for path in paths}


def _since(line: list[Commit], blobs: dict[int, str]) -> int:
    """How far back from the head the file has been what it is now: the place of the commit that made it so."""
    now = blobs[line[0].pk]
    for number, commit in enumerate(line[1:], 1):
        if blobs.get(commit.pk) != now:
            return number - 1
    return len(line) - 1
