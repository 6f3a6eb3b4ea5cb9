"""People and organisations: making them, joining, inviting, and who may sign up (KENSA_SIGNUP). No mail server needed.

Every user has a namespace of the same name, made in the same transaction.
"""

import hashlib
import secrets
from contextlib import contextmanager
from datetime import timedelta

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.shortcuts import redirect
from django.utils import timezone

from zoo import text, throttle
from zoo.errors import NotFound, Refused
from zoo.models import Invite, Membership, Namespace, User, validate_namespace

INVITE_DAYS = 14
TAKEN = "This name is taken; choose another."


def validate_new_namespace(name: str) -> None:
    """Raises ValidationError where the name breaks the rule, is reserved, or is taken in any spelling of case."""
    validate_namespace(name)
    if Namespace.objects.filter(name__iexact=name).exists() or User.objects.filter(username__iexact=name).exists():
        raise ValidationError(TAKEN)


@contextmanager
def _taken_meanwhile():
    """Two people may ask for one name in the same moment; the database lets one through."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ValidationError(TAKEN) from error


@transaction.atomic
def create_user(username: str, *, password: str | None = None, email: str = "", operator: bool = False) -> User:
    """A person and their namespace. Without a password they can only use tokens. Raises ValidationError."""
    validate_new_namespace(username)
    make = User.objects.create_superuser if operator else User.objects.create_user
    with _taken_meanwhile():
        return make(username, email, password)


def make_operator(user: User) -> None:
    """Give a user the powers of an operator."""
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    user.is_superuser = user.is_staff = True


@transaction.atomic
def create_organisation(name: str, owner: User, title: str = "") -> Namespace:
    """An organisation with its first owner. Raises ValidationError."""
    validate_new_namespace(name)
    with _taken_meanwhile():
        organisation = Namespace.objects.create(name=name, title=text.clean(title)[:200])
    Membership.objects.create(organisation=organisation, user=owner, role=Membership.Role.OWNER)
    return organisation


def add_member(organisation: Namespace, user: User, role: str = Membership.Role.MEMBER) -> Membership:
    """Add a user, or change the role they have; the last owner stays one. Raises `Refused`."""
    if not organisation.is_organisation:
        raise Refused("not_an_organisation", f"{organisation} is a person.", "Make an organisation to work together.")
    with transaction.atomic():
        _keep_an_owner(organisation, user, role)
        membership, _ = Membership.objects.update_or_create(
            organisation=organisation, user=user, defaults={"role": Membership.Role(role)}
        )
    return membership


def remove_member(organisation: Namespace, user: User) -> None:
    """Raises `Refused` for the last owner."""
    with transaction.atomic():
        _keep_an_owner(organisation, user, None)
        Membership.objects.filter(organisation=organisation, user=user).delete()


def _keep_an_owner(organisation: Namespace, user: User, role: str | None) -> None:
    if role == Membership.Role.OWNER:
        return
    owners = (
        organisation.memberships.select_for_update().filter(role=Membership.Role.OWNER).values_list("user", flat=True)
    )
    if list(owners) == [user.pk]:
        raise Refused(
            "last_owner", f"{user} is the only owner of {organisation}.", "Make somebody else an owner first."
        )


def delete_user(user: User, confirm: str) -> None:
    """Delete an account: its models, tokens, memberships and everything that says who it was. What it handed in stays on
    record under a name that tells nothing, since scores and receipts rest on it. Raises Refused.
    """
    if confirm != user.username:
        raise Refused("confirm", "Nothing was deleted.", f"Type {user.username} to delete the account.", status=422)
    with transaction.atomic():
        for membership in Membership.objects.filter(user=user).select_related("organisation"):
            remove_member(membership.organisation, user)
        user.namespace.models.all().delete()
        user.tokens.all().delete()
        for table in (EmailAddress, SocialAccount, Authenticator):
            table.objects.filter(user=user).delete()
        gone = f"deleted-{user.pk}"
        Namespace.objects.filter(user=user).update(name=gone, title="")
        user.username, user.email, user.first_name, user.last_name = gone, "", "", ""
        user.is_active = user.is_superuser = user.is_staff = False
        user.set_unusable_password()
        user.save()


def invite(created_by: User, organisation: Namespace | None = None, days: int = INVITE_DAYS) -> tuple[Invite, str]:
    """A single-use invitation and its code, to be handed over by the inviter: to sign up, and to join `organisation`."""
    code = secrets.token_urlsafe(24)
    row = Invite.objects.create(
        digest=_digest(code),
        created_by=created_by,
        organisation=organisation,
        expires=timezone.now() + timedelta(days=days),
    )
    return row, code


def find_invite(code: str) -> Invite | None:
    """The invitation of this code if it can still be used."""
    if not code:
        return None
    open_ones = Invite.objects.filter(used_by=None, expires__gt=timezone.now(), created_by__is_active=True)
    return open_ones.select_related("organisation", "created_by").filter(digest=_digest(code)).first()


@transaction.atomic
def accept_invite(code: str, user: User) -> Invite:
    """Use an invitation up: exactly one user wins it. Raises `Refused`."""
    row = find_invite(code)
    if row is None or not Invite.objects.filter(pk=row.pk, used_by=None).update(used_by=user):
        raise NotFound("no_invite", "This invitation is used up, expired or unknown.", "Ask for a new one.")
    if row.organisation and not Membership.objects.filter(organisation=row.organisation, user=user).exists():
        add_member(row.organisation, user)
    return row


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


class Adapter(DefaultAccountAdapter):
    """Sign-up through the pages: `open` to all, by `invite`, or `closed` (then only `create_token` makes users)."""

    SESSION_KEY = "invite"

    def is_open_for_signup(self, request) -> bool:
        if settings.SIGNUP == "closed":
            return False
        return settings.SIGNUP == "open" or find_invite(self._code(request)) is not None

    def clean_username(self, username, shallow=False):
        validate_namespace(username)
        if not shallow:
            validate_new_namespace(username)
        return super().clean_username(username, shallow)

    def save_user(self, request, user, form, commit=True):
        user = super().save_user(request, user, form, commit=False)
        if not commit:
            return user
        code = self._code(request)
        try:
            with transaction.atomic(), _taken_meanwhile():
                user.save()
                Namespace.objects.create(name=user.username, user=user)
                if find_invite(code) or settings.SIGNUP == "invite":
                    accept_invite(code, user)
        except ValidationError as error:
            messages.error(request, TAKEN)
            raise ImmediateHttpResponse(redirect("account_signup")) from error
        request.session.pop(self.SESSION_KEY, None)
        return user

    def get_client_ip(self, request) -> str:
        return throttle.client_ip(request)

    def _code(self, request) -> str:
        return request.session.get(self.SESSION_KEY, "") or request.GET.get("invite", "")
