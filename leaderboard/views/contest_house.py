"""What organisers and judges do with a competition: its rules, people, flags, record, and the door to private scores."""

import yaml
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from evaluators.faults import Faults
from evaluators.metrics import METRICS
from leaderboard import access, audits
from leaderboard.contests import checkups, drafting, judging, making, people, phases, probing, rules
from leaderboard.models import Competition, Participant, Submission, Team
from leaderboard.views import boards, refusals
from zoo.errors import Refused

LISTED = 200


@require_http_methods(["GET", "HEAD", "POST"])
@refusals.page
def manage(request, slug):
    found = making.find(slug, request.user)
    access.require(request.user, "see_audit", found)
    if request.method != "POST":
        return _page(request, found)
    try:
        _act(request, found)
    except Faults as faults:
        return _page(request, found, status=422, faults=faults)
    except Refused as refusal:
        return _page(request, found, status=refusal.status, refusal=refusal)
    messages.success(request, _("Done; the record says so."))
    return redirect("competition_manage", slug=found.slug)


def _page(request, found: Competition, *, status=200, faults: Faults | None = None, refusal: Refused | None = None):
    may, revealed = access.allowed(request.user, found), found.status == Competition.Status.REVEALED
    invitation = f"/competitions/{found.slug}/enter/?{urlencode({'code': people.code(found)})}"
    rows = Submission.objects.filter(contest_team__competition=found).select_related("contest_team", "run", "phase")
    context = {
        "competition": found, "may": may, "refusal": refusal,
        "faults": [fault.as_dict() for fault in faults.faults] if faults else [],
        "text": request.POST.get("rules") or written(found), "why": request.POST.get("why", ""),
        "invitation": request.build_absolute_uri(invitation) if "invite" in may else "",
        "asking": list(_people(found, Participant.Status.ASKED)) if "see_people" in may else [],
        "teams": list(found.teams.filter(merged_into=None).prefetch_related("members__user").order_by("name")),
        "officers": found.officers.select_related("user").order_by("role", "pk"),
        "submissions": rows.order_by("-created", "-pk")[:LISTED], "deadline": phases.deadline(found),
        "flags": probing.flags(found) if "see_flags" in may else [],
        "leaks": checkups.leaks(METRICS[found.benchmark.primary_metric]) if not (found.ladder or revealed) else [],
        "record": found.audit.order_by("-pk")[:LISTED], "broken": audits.broken(found),
    }  # fmt: skip
    with timezone.override(found.zone):
        return render(request, "leaderboard/competition_manage.html", context, status=status)


def _people(found: Competition, status: str):
    return found.participants.filter(status=status).select_related("user").order_by("created")


def written(found: Competition) -> str:
    """The rules as YAML, as the form and the export show them."""
    return yaml.safe_dump(rules.described(found), sort_keys=False, allow_unicode=True, width=100)


def _act(request, found: Competition) -> None:
    """Do what the form asks: one verb for each of its buttons."""
    user, given, why = request.user, request.POST, request.POST.get("why", "")
    person, role = given.get("user", ""), given.get("role", "")
    verbs = {
        "change": lambda: making.change(found, user, why, **rules.read(given.get("rules", ""))),
        "publish": lambda: making.publish(found, user),
        "appoint": lambda: making.appoint(found, user, person, role, why),
        "dismiss": lambda: making.dismiss(found, user, person, why),
        "admit": lambda: people.decide(found, user, person, True, why),
        "refuse": lambda: people.decide(found, user, person, False, why),
        "renew": lambda: people.renew_link(found, user),
        "disqualify": lambda: judging.disqualify(_thing(found, given), user, why),
        "reinstate": lambda: judging.disqualify(_thing(found, given), user, why, undo=True),
        "rerun": lambda: judging.rerun(_thing(found, given), user, why),
    }
    action = given.get("action")
    if action not in verbs:
        raise Refused("action", "Nothing was chosen.", f"Choose one of {', '.join(verbs)}.", status=422)
    verbs[action]()


def _thing(found: Competition, given) -> Submission | Team:
    kind = Team if given.get("team") else Submission
    number = given.get("team") or given.get("submission") or ""
    pk = int(number) if number.isascii() and number.isdecimal() and len(number) < 18 else 0
    rows = found.teams.all() if kind is Team else Submission.objects.filter(contest_team__competition=found)
    return get_object_or_404(rows, pk=pk)


@require_POST
@refusals.page
def private(request, slug):
    """Private scores, with a reason that is kept."""
    found = making.find(slug, request.user)
    board = judging.private_scores(found, request.user, request.POST.get("why", ""))
    context = {"competition": found, "board": board, "layout": boards.layout(board, with_claims=False)}
    return render(request, "leaderboard/competition_private.html", context)


@require_POST
@refusals.page
def export(request, slug):
    """The whole competition as a zip; dropped on the form for a new one, it makes the same again."""
    found = making.find(slug, request.user)
    response = HttpResponse(drafting.export(found, request.user), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-competition.zip"'
    return response


@require_POST
@refusals.page
def duplicate(request, slug):
    found = making.find(slug, request.user)
    try:
        made = drafting.duplicate(found, request.user, request.POST.get("slug", ""))
    except Faults as faults:
        return _page(request, found, status=422, faults=faults)
    return redirect("competition_manage", slug=made.slug)
