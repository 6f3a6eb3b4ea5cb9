"""Bytes that come in: streamed into the store while they arrive, then named in a commit by a signed receipt.

A receipt says that this user sent this blob to this model, so that knowing a SHA-256 gains nobody a file.
"""

from django.core import signing
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers

from zoo import blobs, throttle
from zoo.errors import Refused
from zoo.models import Blob, Model, User

SALT = "zoo.upload"
LIFETIME = 24 * 3600  # seconds between the bytes and their commit
PER_HOUR = 5000  # files from one user


def receive(request, model: Model) -> Blob:
    """Store the raw body of a request. Raises `Refused`: 411, 413, 429, or 400 for a body that was cut off."""
    brake(request.user)
    length = request.META.get("CONTENT_LENGTH", "")
    if not length.isdigit():
        hint = "Send the file with its length, not in chunks (curl -T FILE does)."
        raise Refused("length_required", "The request has no Content-Length.", hint, status=411)
    try:
        return blobs.put(request, size=int(length))
    except OSError as error:
        # the sender is gone, or the disk is full; either way nothing was stored
        raise blobs.Incomplete("The file could not be received whole.") from error


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
