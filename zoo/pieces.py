"""A file that is sent in pieces, and goes on where it was cut: by a lost connection, a reload, or a night's sleep.

What has arrived lies in the store's `incoming`; its length is how far the sending came, so that no row has to agree with
it. A signed ticket says who sends it, for which model, and how long it will be. Pieces of one file come one after another.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core import signing

from zoo import blobs, quota, stores
from zoo.errors import NotFound, Refused
from zoo.models import Blob, Model, User

SALT = "zoo.pieces"
LIFETIME = 48 * 3600  # seconds; what lies longer untouched is swept away by upkeep.collect
PIECE = 8 << 20  # bytes that the page sends at once


class OutOfPlace(Refused):
    """The piece does not begin where the last one ended; the answer says where that is."""

    def __init__(self, received: int):
        super().__init__("out_of_place", f"{received} bytes have arrived.", "Go on from there.", status=409)
        self.headers["X-Received"] = str(received)


class Busy(Refused):
    def __init__(self):
        super().__init__("busy", "Another piece of this file is still arriving.", "Wait a moment.", status=409)
        self.headers["Retry-After"] = "1"


def begin(user: User, model: Model, size: int) -> str:
    """A ticket for a file of `size` bytes. Raises `TooLarge` or `OverQuota`."""
    quota.require(model.namespace, {"": size})
    if size > settings.MAX_FILE_BYTES:
        raise blobs.TooLarge(settings.MAX_FILE_BYTES)
    name = f"piece-{secrets.token_hex(16)}"
    folder = stores.current().incoming
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch(mode=0o600)
    return signing.dumps([user.pk, model.pk, size, name], salt=SALT)


def state(ticket: str, user: User, model: Model) -> dict:
    """{"received", "size"}. Raises `NotFound` for a ticket that is not this person's, or too old."""
    path, size = _of(ticket, user, model)
    return {"received": size if _done(path).exists() else path.stat().st_size, "size": size}


def receive(ticket: str, user: User, model: Model, start: int, source: BinaryIO) -> int:
    """Append a piece that begins at byte `start`; how many bytes have arrived now. What came before a cut is kept.

    Raises `OutOfPlace`, `Busy`, `TooLarge` (more than was announced) or `NotFound`.
    """
    path, size = _of(ticket, user, model)
    with _held(path) as out:
        received = out.seek(0, os.SEEK_END)
        if start != received:
            raise OutOfPlace(received)
        try:
            for chunk in blobs.chunks(source):
                if received + len(chunk) > size:
                    raise blobs.TooLarge(size)
                out.write(chunk)
                received += len(chunk)
        except OSError as error:
            raise blobs.Incomplete(f"The piece was cut off; {received} bytes have arrived.") from error
    return received


def finish(ticket: str, user: User, model: Model) -> Blob:
    """Hash what arrived and store it; asked again after a lost answer it gives the same blob. Raises `Incomplete`."""
    path, size = _of(ticket, user, model)
    done = _done(path)
    if done.exists():
        blob = Blob.objects.filter(pk=done.read_text()).first()
        if blob is None:
            raise _unknown()
        return blob
    with _held(path):
        received = path.stat().st_size
        if received != size:
            raise blobs.Incomplete(f"{received:,} of {size:,} bytes have arrived.")
        blob = blobs.take(path)
        done.write_text(blob.sha256)
        path.unlink(missing_ok=True)
    return blob


def drop(ticket: str, user: User, model: Model) -> None:
    path, _ = _of(ticket, user, model)
    path.unlink(missing_ok=True)
    _done(path).unlink(missing_ok=True)


def _of(ticket: str, user: User, model: Model) -> tuple[Path, int]:
    try:
        owner, target, size, name = signing.loads(ticket, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise _unknown() from error
    path = stores.current().incoming / name
    if (owner, target) != (user.pk, model.pk) or not (path.exists() or _done(path).exists()):
        raise _unknown()
    return path, size


def _done(path: Path) -> Path:
    return path.with_name(path.name + ".done")


def _unknown() -> NotFound:
    return NotFound("no_upload", "This upload is unknown, too old, or another's.", "Begin it again.")


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """The file, open for appending, by one request at a time."""
    try:
        out = path.open("ab", buffering=0)
    except FileNotFoundError as error:
        raise _unknown() from error
    with out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        if not path.exists():  # finished while we waited to open it
            raise _unknown()
        yield out
