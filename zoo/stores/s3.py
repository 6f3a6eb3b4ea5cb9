"""Blobs in a bucket of an S3-compatible server: s3://bucket/prefix?endpoint=https://host&region=name.

Credentials come as boto3 finds them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or the machine's role.
Reading is by ranges that grow while reading goes on, so a header costs little and a whole file few requests.
"""

import hashlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from storages.backends.s3 import S3Storage

from zoo.stores import is_sha256, relative

FIRST, LARGEST = 1 << 18, 1 << 26  # bytes of the first range after a jump, and of the largest
PART = 16 << 20  # bytes of one part of an upload; up to 4 are in memory at once
KEPT = 20 << 30  # bytes of local copies; the ones used longest ago go first
RECENT = 3600  # seconds for which a local copy is safe


class Store:
    far = True  # adopting sends the bytes over the network, so it comes before any lock

    def __init__(self, url: str):
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        unknown = set(options) - {"endpoint", "region"}
        if not parts.netloc or unknown:
            raise ImproperlyConfigured(
                f"KENSA_STORAGE_URL is {url!r}; it must read s3://bucket/prefix?endpoint=https://host&region=name"
            )
        self.incoming = settings.DATA_DIR / "incoming"
        self.copies = settings.DATA_DIR / "cache" / "blobs"
        self.storage = S3Storage(
            bucket_name=parts.netloc,
            location=parts.path.strip("/"),
            endpoint_url=options.get("endpoint"),
            region_name=options.get("region") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            addressing_style="path" if "endpoint" in options else None,
            file_overwrite=True,
            transfer_config=TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4),
        )

    def _object(self, sha256: str):
        prefix = f"{self.storage.location}/" if self.storage.location else ""
        return self.storage.bucket.Object(prefix + relative(sha256))

    def local(self, sha256: str) -> Path:
        """A copy on this machine, checked against its name; not to be changed."""
        target = self.copies / relative(sha256)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as out:
                try:
                    with self.open(sha256) as source:
                        while chunk := source.read(1 << 20):
                            digest.update(chunk)
                            out.write(chunk)
                    if digest.hexdigest() != sha256:
                        raise OSError(f"blob {sha256} is damaged in the storage")
                    os.replace(out.name, target)
                finally:
                    Path(out.name).unlink(missing_ok=True)
            self._forget()
        os.utime(target)
        return target

    def _forget(self) -> None:
        """Remove the local copies used longest ago, beyond KEPT."""
        known = sorted((path.stat().st_mtime, path) for path in self.copies.rglob("*") if path.is_file())
        total = sum(path.stat().st_size for _, path in known)
        for used, path in known:
            if total <= KEPT or used > time.time() - RECENT:
                break
            total -= path.stat().st_size
            path.unlink(missing_ok=True)

    def size(self, sha256: str) -> int | None:
        with _as_oserror():
            try:
                return self._object(sha256).content_length
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise

    def open(self, sha256: str) -> BinaryIO:
        size = self.size(sha256)
        if size is None:
            raise FileNotFoundError(f"blob {sha256} is not in the storage")
        return io.BufferedReader(_Remote(self._object(sha256), size), FIRST)

    def adopt(self, source: Path, sha256: str, size: int) -> None:
        """Send a whole file. The server shows it when its last part was taken, never before."""
        if self.size(sha256) == size:
            return
        with _as_oserror(), source.open("rb") as content:
            self.storage.save(relative(sha256), File(content))

    def remove(self, sha256: str) -> None:
        with _as_oserror():
            self.storage.delete(relative(sha256))
        (self.copies / relative(sha256)).unlink(missing_ok=True)

    def names(self, before: datetime | None = None) -> Iterator[tuple[str, int]]:
        """(name, size) of what is stored (since before a moment); a name that is no SHA-256 does not belong here."""
        prefix = f"{self.storage.location}/" if self.storage.location else ""
        with _as_oserror():
            for entry in self.storage.bucket.objects.filter(Prefix=prefix):
                path = entry.key.removeprefix(prefix)
                name = path.rpartition("/")[2]
                if before is None or entry.last_modified < before:
                    yield name if is_sha256(name) and relative(name) == path else path, entry.size

    def is_ready(self) -> bool:
        try:
            self.storage.bucket.meta.client.head_bucket(Bucket=self.storage.bucket_name)
        except (BotoCoreError, ClientError):
            return False
        return shutil.disk_usage(settings.DATA_DIR).free > 0


@contextmanager
def _as_oserror():
    """The network's troubles are those of any storage: what callers know of is OSError."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise OSError(f"the storage did not answer: {error}") from error


class _Remote(io.RawIOBase):
    """An object of the bucket as a file to read and seek in."""

    def __init__(self, thing, size: int):
        self.thing, self.length = thing, size
        self.place, self.window = 0, FIRST
        self.body, self.body_place, self.body_end = None, 0, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.length}[whence]
        self.place = max(0, base + offset)
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer) -> int:
        if self.place >= self.length or not len(buffer):
            return 0
        with _as_oserror():
            if self.body is None or self.place != self.body_place or self.body_place >= self.body_end:
                self._ask()
            chunk = self.body.read(min(len(buffer), self.body_end - self.place))
        if not chunk:
            raise OSError("the storage ended in the middle of a file")
        buffer[: len(chunk)] = chunk
        self.place += len(chunk)
        self.body_place = self.place
        return len(chunk)

    def _ask(self) -> None:
        """The next range; twice as long as the last where reading simply goes on."""
        goes_on = self.body is not None and self.place == self.body_place
        self.window = min(LARGEST, self.window * 2) if goes_on else FIRST
        self._drop()
        end = min(self.length, self.place + self.window)
        self.body = self.thing.get(Range=f"bytes={self.place}-{end - 1}")["Body"]
        self.body_place, self.body_end = self.place, end

    def _drop(self) -> None:
        if self.body is not None:
            self.body.close()
            self.body = None

    def close(self) -> None:
        self._drop()
        super().close()
