"""Around a competition: announcements, discussion, calendar, certificates, webhooks."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from leaderboard import access, webhooks
from leaderboard.contests import calendars, certificates, making, talk, teams
from leaderboard.models import Post, Team, Webhook
from leaderboard.views import refusals
from zoo.errors import NotFound, Refused

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def announcements(request, slug):
    found = making.find(slug, request.user)
    given = {name: request.POST.get(name, "") for name in ("title", "text")}
    refusal = None
    if request.method == "POST":
        try:
            talk.announce(found, request.user, **given)
            messages.success(request, _("Everyone in the competition is told."))
            return redirect("competition_announcements", slug)
        except Refused as refused:
            refusal = _kept(refused)
    told = {"rows": found.announcements.select_related("author"), "given": given, "refusal": refusal}
    return _page(request, found, "announcements", told)


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def discussion(request, slug):
    """The list of threads; a POST begins one."""
    found = making.find(slug, request.user)
    given = {name: request.POST.get(name, "") for name in ("title", "text")}
    refusal = None
    if request.method == "POST":
        try:
            return redirect(talk.open_thread(found, request.user, **given))
        except Refused as refused:
            refusal = _kept(refused)
    threads = (
        found.threads.select_related("author").annotate(count=Count("posts")).order_by("-pinned", "-active", "-pk")
    )
    rows = Paginator(threads, PAGE).get_page(request.GET.get("page"))
    return _page(request, found, "discussion", {"rows": rows, "given": given, "refusal": refusal})


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def thread(request, slug, pk: int):
    """One discussion; a POST replies."""
    found = making.find(slug, request.user)
    row = talk.find(found, pk)
    given, refusal = {"text": request.POST.get("text", "")}, None
    if request.method == "POST":
        try:
            post = talk.reply(row, request.user, given["text"])
            return redirect(f"{row.get_absolute_url()}?page=last#post-{post.pk}")
        except Refused as refused:
            refusal = _kept(refused)
    pages = Paginator(row.posts.select_related("author"), PAGE)
    posts = pages.get_page(pages.num_pages if request.GET.get("page") == "last" else request.GET.get("page"))
    return _page(request, found, "thread", {"thread": row, "rows": posts, "given": given, "refusal": refusal})


@require_POST
@refusals.page
def moderate(request, slug, pk: int):
    """Hide or show a post, close, open or pin the discussion."""
    found = making.find(slug, request.user)
    row = talk.find(found, pk)
    deed = request.POST.get("deed", "")
    if deed in ("hide", "show"):
        number = request.POST.get("post", "")
        post = get_object_or_404(Post, thread=row, pk=number if number.isdecimal() else 0)
        talk.hide(post, request.user, request.POST.get("why")) if deed == "hide" else talk.show(post, request.user)
    elif deed in ("close", "open"):
        talk.settle(row, request.user, closed=deed == "close")
    elif deed in ("pin", "unpin"):
        talk.settle(row, request.user, pinned=deed == "pin")
    else:
        raise Refused("deed", "Nothing was chosen.", "Go back and use one of the buttons.", status=422)
    messages.success(request, _("Done."))
    return redirect(row)


@require_safe
@refusals.page
def calendar(request, slug):
    found = making.find(slug, request.user)
    response = HttpResponse(calendars.write(found), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}.ics"'
    return response


@require_safe
@refusals.page
def certificate(request, slug):
    """The certificate of the viewer's own team."""
    found = making.find(slug, request.user)
    team: Team | None = teams.of(found, request.user) if request.user.is_authenticated else None
    if team is None:
        raise NotFound("no_team", "You are in no team of this competition.", "A certificate is for its teams.")
    response = HttpResponse(certificates.write(found, team, request.user), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-certificate.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def hooks(request, slug):
    """The webhooks of a competition and what became of their deliveries, for its house."""
    found = making.find(slug, request.user)
    access.require(request.user, "change", found)
    refusal = None
    if request.method == "POST":
        try:
            _change_hooks(request, found)
            return redirect("competition_webhooks", slug)
        except Refused as refused:
            refusal = _kept(refused)
    rows = [(hook, hook.deliveries.all()[:10]) for hook in found.webhooks.filter(active=True).order_by("pk")]
    told = {"rows": rows, "refusal": refusal, "given": request.POST.get("url", "")}
    return _page(request, found, "webhooks", told | {"any_host": bool(settings.WEBHOOK_HOSTS)})


def _change_hooks(request, found) -> None:
    number = request.POST.get("webhook", "")
    if not number:
        made = webhooks.add(found, request.user, request.POST.get("url", "").strip())
        messages.success(
            request, _("Its secret: {secret}. It is shown on this page to the house.").format(secret=made.secret)
        )
        return
    hook = get_object_or_404(Webhook, competition=found, pk=number if number.isdecimal() else 0)
    if request.POST.get("deed") == "ping":
        webhooks.ping(hook, request.user)
        messages.success(request, _("A worker sends it within seconds; load this page again to see the answer."))
    else:
        webhooks.remove(hook, request.user)
        messages.success(request, _("Removed."))


def _kept(refused: Refused) -> Refused:
    """A refusal that is shown beside the form; one of rights is a page of its own."""
    if refused.status in (401, 403):
        raise refused
    return refused


def _page(request, found, name: str, told: dict):
    may = access.allowed(request.user, found)
    context = {"competition": found, "may": may, "PAGE": PAGE} | told
    status = told["refusal"].status if told.get("refusal") else 200
    with timezone.override(found.zone):
        return render(request, f"leaderboard/contest_{name}.html", context, status=status)
