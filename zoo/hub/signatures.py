"""Addresses and tokens that stand for a right for a while: signed, so that nobody makes or changes one.

The bytes of an upload come without the token of their sender. What is signed names user and model, and both are looked up
again when it is used, with the rights they have then.
"""

import time

from django.core import signing

from zoo import access
from zoo.errors import Refused
from zoo.models import Model, User

SALT = "zoo.hub"
HOUR = 3600
SLOWEST = 256 * 1024  # bytes a second, of a line on which an upload still succeeds
LONGEST = 24 * HOUR


def lifetime(size: int) -> int:
    """Seconds that an upload of this many bytes may take."""
    return min(HOUR + size // SLOWEST, LONGEST)


def sign(kind: str, user: User, model: Model, seconds: int, *parts) -> str:
    return signing.dumps([kind, user.pk, model.pk, int(time.time()) + seconds, *parts], salt=SALT)


def read(kind: str, signed: str, count: int) -> tuple[User, Model, list]:
    """Who signed for what, and the `count` parts. Raises `Refused` (403) where it is forged, too old, or the right is gone."""
    try:
        found, user, model, until, *parts = signing.loads(signed, salt=SALT)
        good = found == kind and len(parts) == count and until >= time.time()
    except (signing.BadSignature, ValueError, TypeError, UnicodeError):
        good = False
    if good:
        user = User.objects.filter(pk=user, is_active=True).first()
        model = Model.objects.select_related("namespace").filter(pk=model).first()
        if user and model:
            user.token_scope = "write"
            if access.can(user, "write", model) and not model.disabled:
                return user, model, parts
    raise Refused("bad_signature", "This upload address is not valid, or not any more.", "Start again.", status=403)
