"""Bearer tokens: made, recognised, revoked. The database keeps only a SHA-256, so the plain text is seen once."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from zoo.errors import Refused
from zoo.models import Token, User

PREFIX = "kensa_"
NOTED = timedelta(minutes=10)  # `last_used` is as coarse as this, so that reading does not write each time


def digest(plain: str) -> str:
    # 240 random bits need no slow hash: there is no dictionary to run through.
    return hashlib.sha256(plain.encode()).hexdigest()


def create(user: User, name: str, scope: str = Token.Scope.READ) -> tuple[Token, str]:
    """A new token and its plain text. A token of scope `admin` carries the powers of an operator, so only an operator
    has one; raises `Refused` otherwise."""
    if scope not in Token.Scope.values:
        raise Refused("bad_scope", f"There is no scope {scope!r}.", "Use read, write or admin.")
    if scope == Token.Scope.ADMIN and not user.is_superuser:
        raise Refused(
            "forbidden", "Only an operator can hold a token of scope admin.", "Use read or write.", status=403
        )
    plain = PREFIX + secrets.token_urlsafe(30)
    with transaction.atomic():
        token = Token.objects.create(user=user, name=name[:100], digest=digest(plain), hint=plain[-4:], scope=scope)
    return token, plain


def authenticate(plain: str) -> Token | None:
    """The token of this text, if its user may sign in."""
    token = Token.objects.select_related("user").filter(digest=digest(plain), user__is_active=True).first()
    if token:
        now = timezone.now()
        if token.last_used is None or now - token.last_used > NOTED:
            Token.objects.filter(pk=token.pk).update(last_used=now)
    return token


def revoke(user: User, pk: int) -> bool:
    """Whether there was such a token of this user."""
    return bool(Token.objects.filter(user=user, pk=pk).delete()[0])
