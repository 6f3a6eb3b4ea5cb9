"""What is shown outside of these pages: Atom feeds, and a board in another site's frame."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from leaderboard import benchmarks as library
from leaderboard import feeds, standings
from leaderboard.middleware import POLICY
from leaderboard.models import Task
from leaderboard.views import refusals, tasks

ROWS = 10  # of an embedded board


@require_safe
@refusals.page
def board_feed(request, slug):
    found = library.find(slug, request.user)
    title = _("%(title)s: latest entries") % {"title": found.title}
    rows = feeds.latest(request.user, benchmark=found)
    return _feed(request, title, found.description or found.task.question, found.get_absolute_url(), rows)


@require_safe
@refusals.page
def task_feed(request, slug):
    found = get_object_or_404(Task, slug=slug)
    title = _("%(title)s: latest entries") % {"title": found.title}
    rows = feeds.latest(request.user, benchmark__in=tasks.seen(request.user, found))
    return _feed(request, title, found.question, found.get_absolute_url(), rows)


def _feed(request, title, about, page, rows) -> HttpResponse:
    site = request.build_absolute_uri("/").rstrip("/")
    text = feeds.write(title, about, page, request.path, rows, request.user, site)
    return HttpResponse(text, content_type="application/atom+xml; charset=utf-8")


@require_safe
@xframe_options_exempt
@refusals.page
def embed(request, slug):
    """The leading entries as everyone sees them, whoever is signed in: another site's page is around it."""
    everyone = AnonymousUser()
    found = library.find(slug, everyone, request.GET.get("version"))
    board = standings.table(found, everyone, metric=request.GET.get("metric") or None)
    context = {"board": board, "benchmark": found, "entries": board.entries[:ROWS]}
    response = render(request, "leaderboard/embed.html", context)
    response["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", "frame-ancestors *")
    return response
