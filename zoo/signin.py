"""Signing in by the house's own accounts: OpenID Connect through allauth, and an LDAP directory.

Both make an account with its namespace at the first sign-in. Neither ever opens an account that has a password here: who
controls the directory does not become an operator of this server by choosing a name.
"""

import logging
import re

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from ldap3 import Connection, Server
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from zoo import accounts
from zoo.models import Namespace, User, validate_namespace

log = logging.getLogger(__name__)

SECONDS = 8  # for the directory to answer


class SocialAdapter(DefaultSocialAccountAdapter):
    """OpenID Connect: the provider says who belongs here, whatever KENSA_SIGNUP says of strangers."""

    def is_open_for_signup(self, request, sociallogin) -> bool:
        return settings.OIDC_SIGNUP

    def populate_user(self, request, sociallogin, data):
        user = super().populate_user(request, sociallogin, data)
        user.username = free_name(data.get("username") or (data.get("email") or "").partition("@")[0] or "user")
        return user

    def save_user(self, request, sociallogin, form=None):
        with transaction.atomic():
            user = super().save_user(request, sociallogin, form)
            Namespace.objects.get_or_create(user=user, defaults={"name": user.username})
        return user


class Directory:
    """An authentication backend that asks the LDAP directory at KENSA_LDAP_URL."""

    def authenticate(self, request, username=None, password=None, **_):
        # An empty password binds as nobody and "succeeds" (RFC 4513, 5.1.2).
        if not settings.LDAP_URL or not username or not password:
            return None
        known = User.objects.filter(username__iexact=username).first()
        if known and (known.has_usable_password() or not known.is_active):
            return None
        try:
            found = _bind(username, password)
        except LDAPException:
            log.exception("the directory could not be asked")
            return None
        if found is None:
            return None
        return known or _make(username, found)

    def get_user(self, pk):
        return User.objects.filter(pk=pk, is_active=True).first()


def _bind(username: str, password: str) -> str | None:
    """The e-mail address ("" where there is none) of whom this password is of; None where it is wrong."""
    server = Server(settings.LDAP_URL, connect_timeout=SECONDS)
    name = settings.LDAP_BIND.format(username=escape_rdn(username)) if settings.LDAP_BIND else _find(server, username)
    if name is None:
        return None
    with Connection(server, name, password, receive_timeout=SECONDS) as own:
        if not own.bound:
            return None
        own.search(name, "(objectClass=*)", search_scope="BASE", attributes=["mail"])
        mails = own.entries[0].mail.values if own.entries and "mail" in own.entries[0] else []
        return str(mails[0]) if mails else ""


def _find(server: Server, username: str) -> str | None:
    """The name of the one entry that the filter finds, by the service's own account."""
    wanted = settings.LDAP_FILTER.format(username=escape_filter_chars(username))
    with Connection(
        server, settings.LDAP_USER or None, settings.LDAP_PASSWORD or None, receive_timeout=SECONDS
    ) as house:
        house.search(settings.LDAP_BASE, wanted, size_limit=2)
        return house.entries[0].entry_dn if len(house.entries) == 1 else None


def _make(username: str, email: str) -> User | None:
    try:
        return accounts.create_user(username.lower(), email=email)
    except ValidationError:
        log.warning("%r of the directory cannot be a name here", username)
        return None


def free_name(wanted: str) -> str:
    """A name like the wanted one that nobody has and that may be one here."""
    base = re.sub(r"[^a-z0-9._-]+", "-", wanted.lower())
    base = re.sub(r"-{2,}|\.{2,}", "-", base).strip("-.")[:80] or "user"
    for number in range(1, 1000):
        name = base if number == 1 else f"{base}{number}"
        try:
            validate_namespace(name)
        except ValidationError:
            continue
        if not Namespace.objects.filter(name__iexact=name).exists():
            return name
    return f"{base}-{User.objects.count()}"
