"""The bytes of large files as Git LFS sends them: basic (one PUT) and multipart (parts, then a completion).

Nobody gains a file by its hash: bytes that somebody else sent have to be sent again. Addresses are signed and short-lived.
Parts wait as files of the store's incoming folder, where what nobody completes is swept away.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from zoo import blobs, quota, stores, uploads
from zoo.errors import NotFound, Refused
from zoo.hub import signatures
from zoo.hub.wire import answers, base, body, model, ok, text_of
from zoo.models import Model, Namespace, User

MAX_OBJECTS = 1000
MULTIPART = 100_000_000  # bytes; from here a broken upload is to cost one part only
PART = 32 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(value) -> bool:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


@answers("POST")
def batch(request, owner: str, name: str):
    net = model(request, owner, name, "write")
    data = body(request)
    if text_of(data, "operation") != "upload" or text_of(data, "hash_algo", "sha256") != "sha256":
        raise Refused("only_uploads", "Only uploads by SHA-256 are answered here.", "Download from /resolve/.")
    objects = data.get("objects")
    if (
        not isinstance(objects, list)
        or len(objects) > MAX_OBJECTS
        or not all(isinstance(each, dict) for each in objects)
    ):
        raise Refused("bad_objects", f"objects is a list of at most {MAX_OBJECTS:,} objects.")
    good = [each for each in objects if _fault(each) is None]
    there = uploads.usable(request.user, [each["oid"] for each in good])
    quota.require(net.namespace, {each["oid"]: each["size"] for each in good})
    transfers = data.get("transfers")
    multipart = isinstance(transfers, list) and "multipart" in transfers
    answered = [_answer(request, net, each, there, multipart) for each in objects]
    used = any("chunk_size" in each.get("actions", {}).get("upload", {}).get("header", {}) for each in answered)
    response = JsonResponse({"transfer": "multipart" if used else "basic", "objects": answered})
    response["Content-Type"] = "application/vnd.git-lfs+json"
    return response


def _fault(given: dict) -> str | None:
    """What is wrong with one object of a batch."""
    size = given.get("size")
    if not is_sha256(given.get("oid")):
        return "oid must be 64 lower-case hex digits"
    if type(size) is not int or size < 0:
        return "size must be a number of bytes"
    if size > settings.MAX_FILE_BYTES:
        return f"a file has at most {settings.MAX_FILE_BYTES:,} bytes here"
    return None


def _answer(request, net: Model, given: dict, there: dict, multipart: bool) -> dict:
    shown = {"oid": given.get("oid"), "size": given.get("size")}
    fault = _fault(given)
    known = there.get(given.get("oid")) if fault is None else None
    if known and known.size != given["size"]:
        fault = f"this file has {known.size:,} bytes"
    if fault:
        return shown | {"error": {"code": 422, "message": fault}}
    if known:
        return shown
    oid, size = given["oid"], given["size"]
    seconds = signatures.lifetime(size)
    place = f"{base(request)}/_lfs"
    verify = {"href": f"{base(request)}/{net}.git/info/lfs/verify"}
    if multipart and size >= MULTIPART:
        count = -(-size // PART)
        header = {"chunk_size": str(PART)} | {
            f"{number:05d}": f"{place}/part/{signatures.sign('part', request.user, net, seconds, oid, size, number)}"
            for number in range(1, count + 1)
        }
        href = f"{place}/complete/{signatures.sign('complete', request.user, net, seconds, oid, size)}"
    else:
        header = {}
        href = f"{place}/object/{signatures.sign('object', request.user, net, seconds, oid, size)}"
    upload = {"href": href, "header": header, "expires_in": seconds}
    return shown | {"authenticated": True, "actions": {"upload": upload, "verify": verify}}


@answers("POST", reads_only=True)
def verify(request, owner: str, name: str):
    model(request, owner, name, "write")
    data = body(request)
    oid = text_of(data, "oid")
    found = uploads.usable(request.user, [oid]) if is_sha256(oid) else {}
    if oid not in found or found[oid].size != data.get("size"):
        raise NotFound("no_object", "These bytes were not uploaded.")
    return ok()


@answers("PUT")
def put_object(request, signed: str):
    """The bytes of one file. Nothing is stored unless length and SHA-256 are the signed ones."""
    user, net, (oid, size) = signatures.read("object", signed, 2)
    uploads.brake(user)
    _require_length(request, size)
    uploads.put(request, user, net.namespace, size, oid)
    return HttpResponse(headers={"ETag": f'"{oid}"'})


@answers("PUT")
def put_part(request, signed: str):
    """One part, whole or not at all; sent again it replaces the one before."""
    user, net, (oid, size, number) = signatures.read("part", signed, 3)
    length = min(PART, size - (number - 1) * PART)
    _require_length(request, length)
    quota.require_room(net.namespace, _staged(net.namespace), length)
    target = _part(user, net, oid, number)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            for chunk in blobs.chunks(request):
                out.write(chunk)
            if out.tell() != length:
                raise blobs.Incomplete("The part did not arrive whole.")
        os.replace(temporary, target)
    except OSError as error:
        raise blobs.Incomplete("The part could not be received whole.") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return HttpResponse(headers={"ETag": f'"{number}-{length}"'})


@answers("POST")
def complete(request, signed: str):
    """Make one file of the parts. Sent again after a lost answer, it finds the file there."""
    user, net, (oid, size) = signatures.read("complete", signed, 2)
    count = -(-size // PART)
    _require_parts(body(request), oid, count)
    parts = [_part(user, net, oid, number) for number in range(1, count + 1)]
    if oid not in uploads.usable(user, [oid]):
        missing = [number for number, part in enumerate(parts, 1) if not part.is_file()]
        if missing:
            raise blobs.Incomplete(f"Part {missing[0]} was not sent.")
        uploads.put(_joined(parts), user, net.namespace, size, oid)
    for part in parts:
        part.unlink(missing_ok=True)
    return ok({"oid": oid, "size": size})


def _require_parts(data: dict, oid: str, count: int) -> None:
    given = data.get("parts")
    numbers = [each.get("partNumber") for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    whole = all(type(number) is int for number in numbers) and sorted(numbers) == list(range(1, count + 1))
    if data.get("oid") != oid or not whole:
        raise Refused("bad_parts", f"The completion must name {oid} and its parts 1 to {count}.")


def _require_length(request, length: int) -> None:
    given = uploads.length(request)
    if given != length:
        raise Refused("bad_length", f"{given:,} bytes are announced where {length:,} belong.", "Send exactly these.")


def _joined(parts: list[Path]) -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as source:
            yield from blobs.chunks(source)


def _part(user: User, net: Model, oid: str, number: int) -> Path:
    """Where a part waits. Everything in the name is a number or was checked."""
    return stores.current().incoming / f"part-{net.namespace_id}-{user.pk}-{net.pk}-{oid}-{number:05d}"


def _staged(space: Namespace) -> int:
    """Bytes of a namespace's parts that wait."""
    total = 0
    for part in stores.current().incoming.glob(f"part-{space.pk}-*"):
        try:
            total += part.stat().st_size
        except FileNotFoundError:  # completed just now
            continue
    return total
