"""File content, stored once under its SHA-256: `<storage>/ab/cd/<sha256>`, on disk or in a bucket (see stores/).

Bytes are hashed while they arrive, synced and moved into place; the row is committed last, so a `Blob` in the database
always has its bytes, whole. Whoever moves or removes the bytes of a blob holds its row locked, so that nothing is
collected while it is stored again. Memory use is one chunk, whatever the size of the file.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from zoo import stores
from zoo.errors import Refused
from zoo.models import Blob
from zoo.stores import relative

__all__ = ["Incomplete", "TooLarge", "Writer", "chunks", "exists", "hold", "missing", "open", "path", "put", "put_path"]
__all__ += ["read", "relative", "root", "take"]

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
    """The folder that KENSA_STORAGE_URL names, where it names one."""
    store = stores.current()
    if not hasattr(store, "root"):
        raise ImproperlyConfigured(f"KENSA_STORAGE_URL is {settings.STORAGE_URL!r}, which is no folder")
    return store.root


def path(sha256: str) -> Path:
    """The bytes as a file of this machine: where they lie, or a checked copy of what a bucket holds. Never write to it."""
    return stores.current().local(sha256)


def exists(sha256: str) -> bool:
    return stores.current().size(sha256) is not None


def open(sha256: str) -> BinaryIO:
    """A file object to read and seek in. Raises FileNotFoundError where the bytes are lost, OSError for other troubles."""
    return stores.current().open(sha256)


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
        self.store = stores.current()
        self.store.incoming.mkdir(parents=True, exist_ok=True)
        descriptor, self.name = tempfile.mkstemp(dir=self.store.incoming)
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
        return _keep(self.store, Path(self.name), sha256, git_sha1, self.size)

    def abandon(self) -> None:
        self.out.close()
        Path(self.name).unlink(missing_ok=True)


def take(file: Path) -> Blob:
    """Store a whole file that lies in the store's `incoming` already, by moving it from there."""
    size, sha256 = file.stat().st_size, hashlib.sha256()
    sha1 = _git_start(size)
    with file.open("rb") as source:
        for chunk in chunks(source):
            sha256.update(chunk)
            sha1.update(chunk)
        os.fsync(source.fileno())
    return _keep(stores.current(), file, sha256.hexdigest(), sha1.hexdigest(), size)


def _keep(store, file: Path, sha256: str, git_sha1: str, size: int) -> Blob:
    """Give synced bytes their name, and make the row. The file may stay behind where the same bytes are there already."""
    if store.far:
        store.adopt(file, sha256, size)
    with transaction.atomic():
        blob, is_new = Blob.objects.select_for_update().get_or_create(
            sha256=sha256, defaults={"size": size, "git_sha1": git_sha1}
        )
        if not is_new:
            _touch([sha256])
        store.adopt(file, sha256, size)
    return blob


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


def hold(sha256s: Iterable[str]) -> None:
    """Lock blobs until the transaction ends, in which the caller comes to refer to them: none is collected meanwhile.

    Raises `Incomplete` where one was collected before.
    """
    wanted = sorted(set(sha256s))
    found = set()
    for start in range(0, len(wanted), 500):
        rows = Blob.objects.select_for_update().filter(pk__in=wanted[start : start + 500]).order_by("pk")
        found.update(rows.values_list("pk", flat=True))
    if len(found) < len(wanted):
        raise Incomplete("A file that was uploaded some time ago, and used nowhere, is gone.")
    _touch(wanted)


def _touch(sha256s: list[str]) -> None:
    """Note that these bytes were sent or named again; what garbage collection may take is counted from then."""
    for start in range(0, len(sha256s), 500):
        Blob.objects.filter(pk__in=sha256s[start : start + 500]).update(touched=timezone.now())


def _git_start(size: int):
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def _git_hash(file: Path, size: int):
    sha1 = _git_start(size)
    with file.open("rb") as source:
        for chunk in chunks(source):
            sha1.update(chunk)
    return sha1
