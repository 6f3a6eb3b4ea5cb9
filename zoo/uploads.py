"""Bytes that come in: streamed into the store while they arrive, then named in a commit by a signed receipt.

A receipt says that this user sent this blob to this model, so that knowing a SHA-256 gains nobody a file.
"""

from datetime import timedelta

from django.core import signing
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.db import transaction
from django.utils import timezone

from zoo import access, blobs, quota, throttle
from zoo.errors import Refused
from zoo.models import Blob, File, Model, Namespace, Upload, User

SALT = "zoo.upload"
LIFETIME = 24 * 3600  # seconds between the bytes and their commit
PER_HOUR = 5000  # files from one user


def receive(request, model: Model) -> Blob:
    """Store the raw body of a request. Raises `Refused`: 411, 413, 429, or 400 for a body that was cut off."""
    brake(request.user)
    return put(request, request.user, model.namespace, length(request))


def length(request) -> int:
    """How many bytes the body has. Raises `Refused` (411) where the request does not say."""
    given = request.META.get("CONTENT_LENGTH") or ""
    if not (given.isascii() and given.isdigit()) or request.META.get("HTTP_TRANSFER_ENCODING"):
        hint = "Send the file with its length, not in chunks (curl -T FILE does)."
        raise Refused("length_required", "The request has no Content-Length.", hint, status=411)
    return int(given)


def put(source, user: User, namespace: Namespace, size: int, sha256: str | None = None) -> Blob:
    """Store bytes that a person sends on behalf of a namespace, and note that they did. Raises `Refused` (400, 413)."""
    quota.require(namespace, {sha256 or "": size})
    try:
        blob = blobs.put(source, size=size, expect_sha256=sha256)
    except OSError as error:
        # the sender is gone, or the disk is full; either way nothing was stored
        raise blobs.Incomplete("The file could not be received whole.") from error
    keep(user, namespace, blob)
    return blob


@transaction.atomic
def keep(user: User, namespace: Namespace, blob: Blob) -> None:
    """Note that this person sent these bytes: they may commit them for `LIFETIME` from now."""
    blobs.hold([blob.sha256])
    Upload.objects.update_or_create(user=user, namespace=namespace, blob=blob, defaults={"created": timezone.now()})


def usable(user: User, sha256s: list[str]) -> dict[str, Blob]:
    """Of these blobs, those that this person sent lately, or may download from some model: only these may be committed."""
    since = timezone.now() - timedelta(seconds=LIFETIME)
    sent = Upload.objects.filter(user=user, blob__in=sha256s, created__gt=since).values_list("blob", flat=True)
    found = set(sent)
    rest = [sha256 for sha256 in sha256s if sha256 not in found]
    if rest:
        models = access.downloadable_models(user).values("pk")
        files = File.objects.filter(blob__in=rest, commit__model__in=models)
        found.update(files.values_list("blob", flat=True).distinct())
    return Blob.objects.in_bulk(found)


def brake(user: User) -> None:
    if not throttle.hit(f"zoo-upload:{user.pk}", PER_HOUR, 3600):
        raise Refused(
            "too_many", f"More than {PER_HOUR:,} files in an hour.", "Pack them, or wait an hour.", status=429
        )


def receipt(user: User, model: Model, blob: Blob) -> str:
    return signing.dumps([user.pk, model.pk, blob.sha256], salt=SALT)


def blob_of(text: str, user: User, model: Model) -> Blob:
    """The blob of a receipt of this user and model. Raises `Refused` for any other."""
    try:
        owner, target, sha256 = signing.loads(text, salt=SALT, max_age=LIFETIME)
        found = (owner, target) == (user.pk, model.pk)
    except (signing.BadSignature, ValueError, TypeError):
        found = False
    blob = Blob.objects.filter(sha256=sha256).first() if found else None
    if blob is None:
        raise Refused("bad_receipt", "This upload is unknown, too old, or another's.", "Send the file again.")
    return blob


class ToBlob(FileUploadHandler):
    """Django's parser of forms hands the bytes of each file straight to the store; `FILES` then has `StoredFile`s."""

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self.writer = blobs.Writer()
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data, start):
        try:
            self.writer.write(raw_data)
        except Exception:
            self.writer.abandon()
            raise

    def file_complete(self, file_size):
        try:
            return StoredFile(self.file_name, self.writer.finish())
        finally:
            self.writer.abandon()

    def upload_interrupted(self):
        if hasattr(self, "writer"):
            self.writer.abandon()


class StoredFile:
    """A file of a form, in the store already."""

    def __init__(self, name: str, blob: Blob):
        self.name, self.blob, self.size = name, blob, blob.size

    def close(self) -> None:
        """Nothing is open."""
