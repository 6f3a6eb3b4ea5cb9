"""One's team in a competition: its members and its link; joining, merging and leaving. Checks are the verbs'."""

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from leaderboard.contests import making, phases, teams
from leaderboard.models import Competition
from leaderboard.views import refusals
from zoo.errors import NotFound, Refused


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def team(request, slug):
    if not request.user.is_authenticated:
        making.find(slug, request.user)
        return refusals.sign_in(request)
    found = making.find(slug, request.user)
    if request.method == "POST":
        return _act(request, found)
    mine = teams.of(found, request.user)
    if mine is None:
        return redirect("competition_enter", slug=slug)
    with timezone.override(found.zone):
        return render(request, "leaderboard/competition_team.html", _context(request, found, mine))


def _context(request, found: Competition, mine) -> dict:
    code = request.GET.get("code", "")
    try:
        other = teams.invited(found, code) if code else None
    except NotFound:
        other = None
        messages.error(request, _("This invitation has ended; ask the leader for a new link."))
    path = f"/competitions/{found.slug}/team/?{urlencode({'code': teams.code(mine)})}"
    until = phases.changes_until(found)
    return {
        "competition": found, "team": mine, "members": mine.members.select_related("user").order_by("created", "pk"),
        "leading": mine.leader_id == request.user.pk, "link": request.build_absolute_uri(path), "until": until,
        "changing": found.status == Competition.Status.PUBLISHED and (until is None or until > timezone.now()),
        "other": other if other and other.pk != mine.pk else None, "code": code,
        "with_submissions": mine.submissions.exists(),
    }  # fmt: skip


def _act(request, found: Competition):
    """Do what the form asks: one verb for each of its buttons."""
    user, value = request.user, request.POST.get("value", "")
    verbs = {
        "join": lambda: teams.join(found, user, value),
        "merge": lambda: teams.merge(found, user, value),
        "leave": lambda: teams.leave(found, user),
        "rename": lambda: teams.rename(found, user, value),
        "lead": lambda: teams.lead(found, user, value),
        "renew": lambda: teams.renew_link(found, user),
    }
    action = request.POST.get("action")
    if action not in verbs:
        raise Refused("action", "Nothing was chosen.", f"Choose one of {', '.join(verbs)}.", status=422)
    verbs[action]()
    messages.success(request, _("Done."))
    return redirect("competition_team", slug=found.slug)
