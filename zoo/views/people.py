"""Tokens, organisations, invitations: what a person settles for themselves. Never with a token, only when signed in."""

from functools import wraps

from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zoo import access, accounts, forms, text, tokens
from zoo.errors import NotFound, Refused
from zoo.models import Invite, Namespace, User


def in_person(view):
    """Only for people at the page: a token could otherwise make itself a stronger one."""

    @never_cache
    @wraps(view)
    def checked(request, *args, **kwargs):
        if request.token is not None:
            raise Refused(
                "page_only", "This is done on the page, not with a token.", "Sign in with a browser.", status=403
            )
        if not request.user.is_authenticated:
            raise Refused("sign_in", "You need to be signed in for this.", "Sign in.", status=401)
        return view(request, *args, **kwargs)

    return checked


@require_http_methods(["GET", "POST"])
@in_person
def my_tokens(request):
    """List, and make one: its text is in this one answer and nowhere else."""
    form = forms.NewToken(request.POST or None, operator=request.user.is_superuser)
    plain = ""
    if request.method == "POST" and form.is_valid():
        _, plain = tokens.create(request.user, form.cleaned_data["name"], form.cleaned_data["scope"])
        form = forms.NewToken(operator=request.user.is_superuser)
    context = {"form": form, "plain": plain, "tokens": request.user.tokens.order_by("-created")}
    return render(request, "zoo/tokens.html", context, status=422 if form.errors else 200)


@require_POST
@in_person
def revoke_token(request, pk: int):
    if not tokens.revoke(request.user, pk):
        raise NotFound("no_token", "You have no such token.", "The page of tokens lists yours.")
    messages.success(request, _("The token no longer works."))
    return redirect("tokens")


@require_http_methods(["GET", "POST"])
@in_person
def organisations(request):
    access.require(request, "create organisation")
    form = forms.NewOrganisation(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = accounts.create_organisation(form.cleaned_data["name"], request.user, form.cleaned_data["title"])
        except ValidationError as error:
            form.add_error("name", error)
        else:
            return redirect("organisation", made.name)
    memberships = request.user.memberships.select_related("organisation").order_by("organisation__name")
    context = {"form": form, "memberships": memberships}
    return render(request, "zoo/organisations.html", context, status=422 if form.errors else 200)


@require_safe
@in_person
def organisation(request, name: str):
    return _page(request, _organisation(request, name))


@require_POST
@in_person
def add_member(request, name: str):
    """Add a user, or change the role of one."""
    mine = _organisation(request, name, manage=True)
    form = forms.AddMember(request.POST)
    if not form.is_valid():
        return _page(request, mine, form=form, status=422)
    membership = accounts.add_member(mine, form.cleaned_data["user"], form.cleaned_data["role"])
    messages.success(request, _("{user} is {role} now.").format(user=membership.user, role=_(membership.role)))
    return redirect("organisation", name)


@require_POST
@in_person
def remove_member(request, name: str):
    """Owners remove anybody; everybody may leave."""
    leaving = request.POST.get("user") == request.user.username
    mine = _organisation(request, name, manage=not leaving)
    user = User.objects.filter(
        username=text.clean(request.POST.get("user", "")), memberships__organisation=mine
    ).first()
    if user is None:
        raise NotFound("no_member", "There is no such member.", "The page lists the members.")
    accounts.remove_member(mine, user)
    messages.success(request, _("{user} is no longer a member of {organisation}.").format(user=user, organisation=mine))
    return redirect("organisations") if leaving else redirect("organisation", name)


@require_POST
@in_person
def invite_member(request, name: str):
    mine = _organisation(request, name, manage=True)
    _, code = accounts.invite(request.user, mine)
    return _page(request, mine, link=_link(request, code))


@require_http_methods(["GET", "POST"])
@in_person
def invitations(request):
    """Links to sign up with, made by operators."""
    access.require(request, "invite")
    link = _link(request, accounts.invite(request.user)[1]) if request.method == "POST" else ""
    invites = (
        Invite.objects.filter(organisation=None).select_related("created_by", "used_by").order_by("-created")[:100]
    )
    return render(request, "zoo/invitations.html", {"link": link, "invites": invites, "now": timezone.now()})


@never_cache
@require_http_methods(["GET", "POST"])
def accept(request, code: str):
    """What an invitation's link opens: sign up, or join with the account one has."""
    invite = accounts.find_invite(code)
    if invite is None:
        raise NotFound("no_invite", "This invitation is used up, expired or unknown.", "Ask for a new one.")
    if not request.user.is_authenticated:
        request.session[accounts.Adapter.SESSION_KEY] = code
        return redirect("account_signup")
    if request.method == "POST" and invite.organisation:
        accounts.accept_invite(code, request.user)
        messages.success(request, _("You are a member of {organisation} now.").format(organisation=invite.organisation))
        return redirect("profile", invite.organisation.name)
    return render(request, "zoo/invite.html", {"invite": invite})


def _organisation(request, name: str, manage: bool = False) -> Namespace:
    """One's own organisation (an operator's is every one); any other is not found."""
    found = Namespace.objects.filter(name=name, user=None).first()
    role = access.role(request.user, found) if found else access.READER
    if found is None or role not in (access.OPERATOR, access.OWNER, access.MEMBER):
        raise NotFound(
            "no_organisation", "You belong to no organisation of this name.", "The page of organisations lists yours."
        )
    if manage:
        access.require(request, "manage namespace", found)
    return found


def _page(request, mine: Namespace, *, form=None, link: str = "", status: int = 200):
    context = {
        "organisation": mine,
        "form": form or forms.AddMember(),
        "link": link,
        "may_manage": access.can(request.user, "manage namespace", mine),
        "memberships": mine.memberships.select_related("user").order_by("-role", "user__username"),
        "open_invites": Invite.objects.filter(organisation=mine, used_by=None, expires__gt=timezone.now()).count(),
    }
    return render(request, "zoo/organisation.html", context, status=status)


def _link(request, code: str) -> str:
    return request.build_absolute_uri(reverse("invite", args=[code]))


@require_http_methods(["GET", "POST"])
@in_person
def account(request):
    """Delete one's own account; the name was typed."""
    refusal = None
    if request.method == "POST":
        try:
            accounts.delete_user(request.user, request.POST.get("confirm", "").strip())
            logout(request)
            return redirect("home")
        except Refused as refused:
            refusal = refused
    return render(request, "zoo/account.html", {"refusal": refusal}, status=refusal.status if refusal else 200)
