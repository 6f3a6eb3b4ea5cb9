"""What a commit changed against its parent, and for text how: line by line, bounded whatever the files are."""

import difflib
from dataclasses import dataclass, field
from functools import lru_cache

from zoo import blobs
from zoo.models import Blob, Commit, File

MAX_BYTES = 128 << 10  # of a text that is compared
MAX_LINES = 2000  # of each side
SHOWN = 600  # lines of one difference
COMPARED = 20  # files of one commit whose text is compared
CONTEXT = 3


@dataclass(frozen=True)
class Line:
    kind: str  # "+" | "-" | " " | "@" (a jump, with the place)
    text: str


@dataclass(frozen=True)
class Change:
    """One path: `kind` is added, removed or changed; `lines` are there for text that could be compared."""

    path: str
    kind: str
    before: Blob | None
    after: Blob | None
    lines: list[Line] = field(default_factory=list)
    note: str = ""  # why there are no lines, or not all: binary | large | many | cut


def of(commit: Commit, *, text: bool = True) -> list[Change]:
    """The changed paths of a commit in order; with `text`, the lines of those that are text."""
    before = _files(commit.parent) if commit.parent else {}
    after = _files(commit)
    changed = [
        path
        for path in sorted(before.keys() | after.keys())
        if path not in before or path not in after or before[path].blob_id != after[path].blob_id
    ]
    return [
        _change(path, before.get(path), after.get(path), "" if text and n < COMPARED else "many" if text else "closed")
        for n, path in enumerate(changed)
    ]


def _files(commit: Commit) -> dict[str, File]:
    return {file.path: file for file in commit.files.select_related("blob")}


def _change(path: str, before: File | None, after: File | None, why_not: str) -> Change:
    kind = "added" if before is None else "removed" if after is None else "changed"
    sides = before.blob if before else None, after.blob if after else None
    if why_not:
        return Change(path, kind, *sides, note=why_not)
    if any(file.lfs or file.blob.size > MAX_BYTES for file in (before, after) if file):
        return Change(path, kind, *sides, note="large")
    lines, note = _compared(*(side.sha256 if side else "" for side in sides))
    return Change(path, kind, *sides, lines=list(lines), note=note)


@lru_cache(maxsize=256)
def _compared(before: str, after: str) -> tuple[tuple[Line, ...], str]:
    """Kept, since blobs never change."""
    old, new = (_lines(sha256) for sha256 in (before, after))
    if old is None or new is None:
        return (), "binary"
    if max(len(old), len(new)) > MAX_LINES:
        return (), "large"
    found = []
    for line in difflib.unified_diff(old, new, lineterm="", n=CONTEXT):
        if line.startswith(("---", "+++")) and not found:
            continue
        if len(found) >= SHOWN:
            return tuple(found), "cut"
        found.append(Line(line[0], line if line[0] == "@" else line[1:]))
    return tuple(found), ""


def _lines(sha256: str) -> list[str] | None:
    """The lines of a text; None where it is no text."""
    text = read_text(sha256, MAX_BYTES) if sha256 else ""
    return None if text is None else text.splitlines()


def read_text(sha256: str, limit: int) -> str | None:
    """The first `limit` bytes as text; None where they are none."""
    content = blobs.read(sha256, limit)
    if b"\0" in content:
        return None
    for cut in range(4):  # a character may be cut in two at the end
        try:
            return content[: len(content) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None
