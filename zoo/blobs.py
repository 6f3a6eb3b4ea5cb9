"""File content, stored once under its SHA-256: `<storage>/ab/cd/<sha256>`.

Bytes are hashed while they arrive, synced and renamed into place; the row is made last, so a `Blob` in the database
always has its bytes, whole. Memory use is one chunk, whatever the size of the file.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from zoo.errors import Refused
from zoo.models import Blob

CHUNK = 1 << 20


class TooLarge(Refused):
    def __init__(self, limit: int):
        super().__init__(
            "too_large",
            f"The file is larger than the {limit:,} bytes allowed here.",
            "Split it, or ask the operator to raise KENSA_MAX_FILE_BYTES.",
            status=413,
        )


class Incomplete(Refused):
    def __init__(self, message: str):
        super().__init__("incomplete", message, "Nothing was stored; send the file again.", status=400)


def root() -> Path:
    """The folder that KENSA_STORAGE_URL names."""
    url = urlsplit(settings.STORAGE_URL)
    if url.scheme != "file":
        raise ImproperlyConfigured(
            f"KENSA_STORAGE_URL is {settings.STORAGE_URL!r}; this version stores in file:///... only"
        )
    return Path(unquote(url.path))


def relative(sha256: str) -> str:
    """Where a blob lies below the root. Only 64 lower-case hex digits ever become a path."""
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"{sha256!r} is not a SHA-256")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def path(sha256: str) -> Path:
    return root() / relative(sha256)


def exists(sha256: str) -> bool:
    return path(sha256).is_file()


def open(sha256: str) -> BinaryIO:
    return path(sha256).open("rb")


def chunks(source) -> Iterator[bytes]:
    """Bytes of a file object, an uploaded file, a `bytes`, or any iterable of `bytes`, a chunk at a time."""
    if isinstance(source, bytes | bytearray | memoryview):
        yield bytes(source)
    elif hasattr(source, "read"):
        yield from iter(lambda: source.read(CHUNK), b"")
    else:
        yield from source


class Writer:
    """Receives one blob: `write` any number of times, then `finish`; `abandon` leaves nothing behind.

    `size`, where it is known beforehand, must be met exactly; it also saves a second reading of the bytes, since
    git's id of a file starts with its length.
    """

    def __init__(self, *, limit: int | None = None, size: int | None = None):
        self.limit = settings.MAX_FILE_BYTES if limit is None else limit
        if size is not None and size > self.limit:
            raise TooLarge(self.limit)
        self.expected, self.size = size, 0
        self.sha256 = hashlib.sha256()
        self.sha1 = None if size is None else _git_start(size)
        incoming = root() / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        descriptor, self.name = tempfile.mkstemp(dir=incoming)
        self.out = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.limit:
            raise TooLarge(self.limit)
        self.sha256.update(chunk)
        if self.sha1:
            self.sha1.update(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[self.out.write(rest) :]

    def finish(self, expect_sha256: str | None = None) -> Blob:
        """Sync, move into place, and make the row. Raises `Incomplete` where size or hash are not as announced."""
        if self.expected is not None and self.size != self.expected:
            raise Incomplete(f"{self.size:,} bytes arrived where {self.expected:,} were announced.")
        sha256 = self.sha256.hexdigest()
        if expect_sha256 and sha256 != expect_sha256.lower():
            raise Incomplete(f"The bytes that arrived have SHA-256 {sha256}, not {expect_sha256}.")
        git_sha1 = (self.sha1 or _git_hash(Path(self.name), self.size)).hexdigest()
        os.fsync(self.out.fileno())
        self.out.close()
        _move(Path(self.name), path(sha256), self.size)
        blob, _ = Blob.objects.get_or_create(sha256=sha256, defaults={"size": self.size, "git_sha1": git_sha1})
        return blob

    def abandon(self) -> None:
        self.out.close()
        Path(self.name).unlink(missing_ok=True)


def put(source, *, limit: int | None = None, expect_sha256: str | None = None, size: int | None = None) -> Blob:
    """Store bytes from a file object or an iterable of chunks; the same bytes again give the same row.

    Raises `TooLarge` (over `limit`, default KENSA_MAX_FILE_BYTES) or `Incomplete` (not the announced size or hash);
    then nothing is stored.
    """
    writer = Writer(limit=limit, size=size)
    try:
        for chunk in chunks(source):
            writer.write(chunk)
        return writer.finish(expect_sha256)
    finally:
        writer.abandon()


def put_path(file: str | os.PathLike, *, limit: int | None = None) -> Blob:
    """Store a copy of a local file."""
    with Path(file).open("rb") as source:
        return put(source, limit=limit, size=os.fstat(source.fileno()).st_size)


def read(sha256: str, limit: int) -> bytes:
    """At most the first `limit` bytes."""
    with open(sha256) as source:
        return source.read(limit)


def missing(sha256s: Iterable[str]) -> list[str]:
    return [sha256 for sha256 in sha256s if not exists(sha256)]


def _git_start(size: int):
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def _git_hash(file: Path, size: int):
    sha1 = _git_start(size)
    with file.open("rb") as source:
        for chunk in chunks(source):
            sha1.update(chunk)
    return sha1


def _move(source: Path, target: Path, size: int) -> None:
    """Rename into place and sync the folder, so that a power cut leaves either nothing or all of it."""
    try:
        if target.stat().st_size == size:
            source.unlink()
            return
    except FileNotFoundError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    os.chmod(source, 0o644)
    os.replace(source, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
