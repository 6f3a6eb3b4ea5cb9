"""Competitions as people meet them: the list, the page of one, entering it, choosing final submissions."""

import itertools
import math
import unicodedata
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evaluators.metrics import METRICS
from leaderboard import access, cases
from leaderboard.contests import finals, ladders, making, people, phases, reveals, teams
from leaderboard.models import Competition, Participant, Phase, Submission
from leaderboard.views import boards, refusals
from zoo.errors import Refused

DRAWN = 30  # teams in the plot of moved ranks
MOST = 50  # of one's own submissions that the page lists


@require_safe
def competitions(request):
    rows = access.visible_competitions(request.user).select_related("benchmark__task", "benchmark__owner")
    rows = rows.annotate(team_count=Count("teams", filter=Q(teams__merged_into=None), distinct=True))
    listed = sorted(rows, key=lambda row: (row.status == "revealed", -(row.published or row.created).timestamp()))
    context = {
        "competitions": [(row, timeline(row), phases.reveals(row)) for row in listed],
        "may_organise": access.organisable(request.user).exists(),
    }
    return render(request, "leaderboard/competitions.html", context)


@require_safe
@refusals.page
def competition(request, slug):
    found = making.find(slug, request.user)
    with timezone.override(found.zone):
        return render(request, "leaderboard/competition.html", _page(request, found))


def _page(request, found: Competition) -> dict:
    revealed = found.status == Competition.Status.REVEALED
    shakeup = finals.shakeup(found, request.user) if revealed else None
    board = shakeup.board if shakeup else finals.public(found, request.user)
    benchmark, manifest = found.benchmark, found.benchmark.package.manifest
    mine = Participant.objects.filter(competition=found, user=request.user.pk).select_related("team").first()
    return {
        "competition": found, "benchmark": benchmark, "manifest": manifest, "board": board, "revealed": revealed,
        "layout": boards.layout(board, with_claims=False), "metric": board.metric,
        "phases": timeline(found), "reveals": phases.reveals(found), "deadline": phases.deadline(found),
        "waits_for": reveals.waits_for(found), "due": _due(found),
        "shares": {share: cases.count(benchmark.package, share)[0] for share in ("public", "private")},
        "counts": counts(found), "moves": _moves(shakeup), "shakeup": shakeup, "chart": chart(shakeup),
        "teams": found.teams.filter(merged_into=None).count(),
        "handed_in": _handed_in(found).count(),
        "late": finals.late(found, request.user).entries if revealed else [],
        "disqualified": list(found.teams.exclude(disqualified=None)), "taken_back": _taken_back(found) if revealed else [],
        "latest": found.announcements.first(),
        "next_phase": found.phases.filter(starts__gt=timezone.now()).first(), "certified": _certified(shakeup, mine),
        "mine": mine, "source": manifest.get("source", {}), "traps": manifest.get("traps", []),
        **_own(found, mine), "may": access.allowed(request.user, found),
        "may_enter": _may_enter(request.user, found, mine),
    }  # fmt: skip


def _certified(shakeup, mine: Participant | None) -> bool:
    """Whether the viewer's team has a rank in the result, which a certificate needs."""
    ranked = shakeup.board.ranked if shakeup and mine and mine.team else []
    return any(entry.submission.contest_team_id == mine.team_id for entry in ranked)


def _taken_back(found: Competition):
    """Final submissions that their teams took off the board after the reveal."""
    rows = Submission.objects.filter(contest_team__competition=found, final=True).exclude(withdrawn=None)
    return rows.select_related("contest_team", "team").order_by("withdrawn")


def _due(found: Competition) -> bool:
    when = phases.reveals(found)
    return found.status == Competition.Status.PUBLISHED and when is not None and when <= timezone.now()


def _may_enter(user, found: Competition, mine: Participant | None) -> bool:
    last = phases.deadline(found)
    open_ = found.status == Competition.Status.PUBLISHED and last is not None and last > timezone.now()
    return open_ and (mine is None or mine.team is None) and (
        not user.is_authenticated or access.can(user, "enter", found)
    )  # fmt: skip


def _own(found: Competition, mine: Participant | None) -> dict:
    """What one's team has used, and the submissions among which it chooses."""
    if mine is None or mine.team is None:
        return {"team": None}
    phase = phases.now_in(found)
    rows = mine.team.submissions.select_related("run", "phase").order_by("-created")[:MOST]
    held, deciding = ladders.held_back(found.benchmark), phases.deciding(found)
    choosable = (
        found.status == Competition.Status.PUBLISHED and not _due(found) and phases.deadline(found) > timezone.now()
    )
    budget = phases.budget(mine.team, phase) if phase else None
    return {
        "team": mine.team, "phase": phase, "budget": budget, "deciding": deciding,
        "numbers_used": _released(mine.team, held), "bits": _bits(found, _released(mine.team, held)),
        "own": [(row, row.pk in held, choosable and row.phase.kind == deciding and not row.withdrawn) for row in rows],
        "chosen": mine.team.submissions.exclude(chosen=None).count(),
    }  # fmt: skip


def _bits(found: Competition, numbers: int) -> int | None:
    """What so many released numbers can say of the labels, at most; None where the metric has no bounds."""
    (low, high), step = (
        METRICS[found.benchmark.primary_metric].range,
        found.benchmark.steps.get(found.benchmark.primary_metric),
    )
    if not step or not math.isfinite(high - low):
        return None
    return math.floor(numbers * math.log2((high - low) / step + 1))


def _released(team, held) -> int:
    return team.submissions.filter(run__status="scored").exclude(pk__in=held).values("run").distinct().count()


def _handed_in(found: Competition):
    return Submission.objects.filter(contest_team__competition=found, run__status="scored", withdrawn=None)


def counts(found: Competition) -> dict[int, int]:
    """Scored submissions by team."""
    return dict(_handed_in(found).values_list("contest_team").annotate(count=Count("run", distinct=True)))


@dataclass(frozen=True)
class Stretch:
    """A phase on the timeline: done, now, or neither."""

    phase: Phase
    state: str


def timeline(found: Competition) -> list[Stretch]:
    moment, now = timezone.now(), phases.now_in(found)
    state = lambda phase: "now" if phase == now else "done" if phase.ends and phase.ends <= moment else ""  # noqa: E731
    return [Stretch(phase, state(phase)) for phase in found.phases.all()]


def _moves(shakeup) -> dict:
    """By submission, how its team moved."""
    return {move.entry.submission.pk: move for move in shakeup.moves} if shakeup else {}


def chart(shakeup) -> dict | None:
    """Where the lines between public and private ranks are drawn; ranks that are shared get a place each."""
    moves = [move for move in shakeup.moves if move.by is not None][:DRAWN] if shakeup else []
    if len(moves) < 2:
        return None
    before = sorted(moves, key=lambda move: (move.public, move.private))
    after = sorted(moves, key=lambda move: (move.private, move.public))
    y = lambda order, move: 44 + 34 * next(place for place, other in enumerate(order) if other is move)  # noqa: E731
    lines = [
        {"name": _short(move.entry.submission.by), "public": move.public, "private": move.private, "first": move.private == 1,
         "before": y(before, move), "after": y(after, move), "before_text": y(before, move) + 4,
         "after_text": y(after, move) + 4, "kind": move.entry.evidence}
        for move in moves
    ]  # fmt: skip
    return {"height": 40 + 34 * len(moves), "lines": lines}


def _short(name: str, most: int = 18) -> str:
    """So much of a name as the plot has room for, in widths of a Latin letter; the table behind it has the whole."""
    widths = itertools.accumulate(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)
    kept = sum(width <= most for width in widths)
    return name if kept == len(name) else name[: kept - 1] + "…"


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def enter(request, slug):
    code = request.POST.get("code") or request.GET.get("code", "")
    found = people.invited(slug, code) if code else making.find(slug, request.user)
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    if request.method != "POST":
        return render(request, "leaderboard/competition_enter.html", _entering(request, found, code))
    try:
        accepted = request.POST.get("terms") == "yes"
        name = request.POST.get("team", "")
        mine = people.enter(found, request.user, invitation=code, accept_terms=accepted, team=name)
    except Refused as refusal:
        context = _entering(request, found, code) | {"refusal": refusal, "name": request.POST.get("team", "")}
        return render(request, "leaderboard/competition_enter.html", context, status=refusal.status)
    if mine.status == Participant.Status.ADMITTED:
        messages.success(request, _("You are in. Invite others to your team, or hand something in."))
        return redirect("competition", slug=slug)
    messages.info(request, _("You have asked to enter; an organiser decides."))
    return redirect("competitions" if found.private else "competition", **({} if found.private else {"slug": slug}))


def _entering(request, found: Competition, code: str) -> dict:
    mine = Participant.objects.filter(competition=found, user=request.user).first()
    known = access.visible_competitions(request.user).filter(pk=found.pk).exists()
    return {"competition": found, "code": code, "mine": mine, "known": known, "benchmark": found.benchmark}


@require_POST
@refusals.page
def choose(request, slug):
    found = making.find(slug, request.user)
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    number = request.POST.get("submission", "")
    team = teams.of(found, request.user)
    rows = Submission.objects.filter(contest_team=team).exclude(contest_team=None)
    row = get_object_or_404(rows, pk=int(number) if number.isascii() and number.isdecimal() and len(number) < 18 else 0)
    wanted = request.POST.get("wanted") == "yes"
    reveals.choose(row, request.user, wanted)
    messages.success(request, _("Chosen as final.") if wanted else _("No longer chosen."))
    return redirect("competition", slug=slug)
