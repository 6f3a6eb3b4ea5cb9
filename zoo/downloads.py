"""The byte path: files with ETag, one Range, HEAD, 304 and 416, at a constant cost of memory.

Bytes leave through nginx (KENSA_ACCEL), else through the server's sendfile. Users' files come from our own origin, so none
is ever shown as a page: see `CONTENT_SECURITY` and `content_type`.
"""

import contextlib
import hashlib
import re
import socket
from datetime import timedelta
from urllib.parse import quote

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import F
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from zoo import blobs, stores, throttle
from zoo.models import Commit, Download, File, Model

CONTENT_SECURITY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
ACCEL = "/_blobs/"
HOUR = 3600
LONG = 8 << 20  # bytes that may take a while
INLINE = {
    ".txt": "text/plain", ".md": "text/plain", ".json": "text/plain", ".yaml": "text/plain", ".yml": "text/plain",
    ".csv": "text/plain", ".py": "text/plain", ".cfg": "text/plain", ".toml": "text/plain",
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
}  # fmt: skip
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """No byte of the file lies in the range that was asked for."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """`bytes=a-b` as (first, last), both included and cut to the file; None where the whole file is the answer.

    Malformed headers, other units and several ranges mean the whole file (RFC 9110, 14.2). Raises `Unsatisfiable`.
    """
    match = _RANGE.fullmatch(header.strip())
    if not match or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        length = int(last)
        if length == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - length), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last), size - 1) if last else size - 1


def etag_matches(header: str, etag: str) -> bool:
    """If-None-Match: a list of tags, compared weakly, or `*`."""
    return any(tag.strip().removeprefix("W/") in ("*", f'"{etag}"') for tag in header.split(","))


def content_type(path: str) -> str:
    """What a browser may show by itself is text or a picture; everything else, HTML and SVG too, is bytes."""
    suffix = "." + path.rpartition(".")[2].lower()
    kind = INLINE.get(suffix, "application/octet-stream")
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def disposition(path: str, attachment: bool) -> str:
    """Content-Disposition with a name that is safe in a header, and the true one percent-encoded."""
    name = path.rpartition("/")[2]
    plain = re.sub(r"[^A-Za-z0-9._ +=@()-]", "_", name)
    kind = "attachment" if attachment else "inline"
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"


def respond(request, commit: Commit, file: File) -> HttpResponseBase:
    """The answer to GET or HEAD of one file. Whoever calls has checked that this person may have it."""
    etag, size = file.etag, file.blob.size
    header = request.META.get("HTTP_RANGE", "")
    condition = request.META.get("HTTP_IF_RANGE", "").strip()
    if condition and condition != f'"{etag}"':
        header = ""
    part, status = None, 200
    if etag_matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
        response = HttpResponse(status=304)
        del response.headers["Content-Type"]
        return _described(response, commit, file)
    try:
        part = parse_range(header, size) if header else None
    except Unsatisfiable:
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        return _described(response, commit, file)
    first, last = part or (0, size - 1)
    length = last - first + 1
    if part:
        status = 206
    response = _body(request, file.blob_id, first, length, status)
    if response.has_header("X-Accel-Redirect"):  # nginx cuts the range out itself
        response.status_code = 200
    else:
        response["Content-Length"] = str(length)
        if part:
            response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Type"] = content_type(file.path)
    response["Content-Disposition"] = disposition(file.path, bool(request.GET.get("download")))
    if request.method == "GET":
        _note(request, commit, file)
        if length > LONG and not connection.in_atomic_block:
            connection.close()  # a slow reader may take hours, for which no database is needed
    return _described(response, commit, file)


def _body(request, sha256: str, first: int, length: int, status: int) -> HttpResponseBase:
    if request.method == "HEAD":  # never open the file
        return HttpResponse(status=status)
    # nginx compares If-Range with an ETag of its own, so a download that goes on where it was cut is ours
    on_disk = not stores.current().far
    if settings.ACCEL and on_disk and not (status == 206 and "HTTP_IF_RANGE" in request.META):
        return HttpResponse(headers={"X-Accel-Redirect": ACCEL + blobs.relative(sha256)})
    file = blobs.open(sha256)
    file.seek(first)
    corked = Corked if length > LONG and "gunicorn.socket" in request.META else FileResponse
    response = corked(Slice(file, length), status=status)
    if corked is Corked:
        response.hold(request.META["gunicorn.socket"])
    response.block_size = blobs.CHUNK  # where the server has no sendfile
    return response


def _described(response: HttpResponseBase, commit: Commit, file: File) -> HttpResponseBase:
    response["ETag"] = f'"{file.etag}"'
    response["X-Repo-Commit"] = commit.oid
    if file.lfs:
        response["X-Linked-Etag"] = f'"{file.blob_id}"'
        response["X-Linked-Size"] = str(file.blob.size)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"  # ask again: access may have been taken back
    response["Vary"] = "Authorization, Cookie"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = CONTENT_SECURITY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


class Corked(FileResponse):
    """A long answer whose packets leave full, as nginx's `tcp_nopush` does: measured a quarter faster than half-full ones."""

    def hold(self, client: socket.socket) -> None:
        self._client = client
        self._cork(1)

    def _cork(self, on: int) -> None:
        with contextlib.suppress(OSError, AttributeError):  # closed by then, no TCP, or not Linux
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

    def close(self) -> None:
        super().close()
        self._cork(0)


class Slice:
    """The next `length` bytes of an open file. Servers with sendfile use its descriptor, place and the Content-Length."""

    def __init__(self, file, length: int):
        self.file, self.left = file, length
        self.fileno, self.close = file.fileno, file.close

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size is None or size < 0 else min(size, self.left)
        chunk = self.file.read(min(wanted, blobs.CHUNK) if size is None or size < 0 else wanted)
        self.left -= len(chunk)
        return chunk

    def __iter__(self):
        return iter(lambda: self.read(blobs.CHUNK), b"")


def _note(request, commit: Commit, file: File) -> None:
    """Count the model's download, and log who took which file of a gated one: once an hour for each user or address.

    A busy database does not stop a download that is only counted; one that must be logged is.
    """
    model = commit.model
    who = f"user {request.user.pk}" if request.user.is_authenticated else throttle.client_ip(request)
    try:
        if cache.add(f"download:{_key(model.pk, who)}", 1, HOUR):
            Model.objects.filter(pk=model.pk).update(downloads=F("downloads") + 1)
    except DatabaseError:
        pass
    if not model.gated:
        return
    user = request.user if request.user.is_authenticated else None
    name = user.username if user else who
    since = timezone.now() - timedelta(seconds=HOUR)
    same = Download.objects.filter(model=model, name=name, revision=commit.oid, path=file.path, created__gt=since)
    if not same.exists():
        Download.objects.create(model=model, user=user, name=name, revision=commit.oid, path=file.path)


def _key(*parts) -> str:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()
