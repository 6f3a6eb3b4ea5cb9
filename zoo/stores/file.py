"""Blobs in a folder of this machine, or one it mounts: file:///path."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from zoo.stores import is_sha256, relative

INCOMING = "incoming"


class Store:
    far = False  # adopting is a rename: quick enough for a transaction

    def __init__(self, url: str):
        self.root = Path(unquote(urlsplit(url).path))
        self.incoming = self.root / INCOMING

    def path(self, sha256: str) -> Path:
        return self.root / relative(sha256)

    def local(self, sha256: str) -> Path:
        """The bytes as a file of this machine; not to be changed."""
        return self.path(sha256)

    def size(self, sha256: str) -> int | None:
        """Bytes stored under this name; None where there is nothing."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def adopt(self, source: Path, sha256: str, size: int) -> None:
        """Give a whole, synced file of `incoming` its name. A power cut leaves either nothing or all of it."""
        if self.size(sha256) == size:
            return
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.chmod(source, 0o644)
        os.replace(source, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

    def names(self, before: datetime | None = None) -> Iterator[tuple[str, int]]:
        """(name, size) of what is stored (since before a moment); a name that is no SHA-256 does not belong here."""
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root and INCOMING in folders:
                folders.remove(INCOMING)
            for name in files:
                path = Path(folder) / name
                try:
                    facts = path.stat()
                except FileNotFoundError:  # removed just now
                    continue
                if before is None or facts.st_mtime < before.timestamp():
                    fits = is_sha256(name) and self.path(name) == path
                    yield name if fits else str(path.relative_to(self.root)), facts.st_size

    def is_ready(self) -> bool:
        """Whether files could be written."""
        folder = self.root
        while not folder.exists() and folder != folder.parent:  # made at the first write
            folder = folder.parent
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
