"""One submission from queue to score, and the list of one's own. What has not ended is shown live."""

from dataclasses import dataclass
from types import SimpleNamespace

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from evaluators import queues
from evaluators.metrics import METRICS, Metric
from evaluators.models import Run
from leaderboard import access, answers, costs, forest, plots, retention, robustness, verdicts
from leaderboard import submissions as verbs
from leaderboard.models import Benchmark, Submission
from leaderboard.rounding import ReleasedScore
from leaderboard.views import refusals
from zoo import access as zoo_access

LISTED = 200

# What ended a run, in words for the team, and what to do next. Keys are classes of error, never a message of ours; what
# the answer itself caused comes with its own faults.
ERRORS = {
    "lost": (
        gettext_lazy("The worker was lost, more than once."),
        gettext_lazy("Hand it in again, and tell the operator if it happens again."),
    ),
    "internal": (
        gettext_lazy("The evaluator met an error of its own, more than once; the operator finds it in the log."),
        gettext_lazy("Hand it in again after the operator has seen to it."),
    ),
}
OTHER = (
    gettext_lazy("The evaluation could not be finished."),
    gettext_lazy("Hand it in again; if it happens again, tell the operator the number of this submission."),
)


STAGES = {
    "starting": gettext_lazy("starting"),
    "fetching": gettext_lazy("fetching the files"),
    "looking": gettext_lazy("looking at the files, with a made-up case"),
    "reading": gettext_lazy("reading the predictions"),
    "predicting": gettext_lazy("running the network"),
    "stressing": gettext_lazy("running the network on corrupted copies"),
    "scoring": gettext_lazy("scoring and resampling"),
}
WORDS = {
    Run.Status.SCORED: gettext_lazy("scored"),
    Run.Status.REJECTED: gettext_lazy("rejected"),
    Run.Status.FAILED: gettext_lazy("failed"),
    Run.Status.CANCELLED: gettext_lazy("cancelled"),
}


@dataclass(frozen=True)
class ScoreRow:
    """One released score as the page shows it."""

    metric: Metric
    subset: str
    part: str
    cell: forest.Cell
    score: ReleasedScore


@require_safe
@refusals.page
def submissions(request):
    if not request.user.is_authenticated:
        return refusals.sign_in(request)
    mine = (
        Submission.objects.filter(access.own(request.user))
        .select_related("benchmark", "team", "contest_team", "run")
        .order_by("-created")[:LISTED]
    )
    return render(request, "leaderboard/submissions.html", {"submissions": mine})


@require_safe
@refusals.page
def submission(request, pk):
    found = _find(request, pk)
    user, run = request.user, found.run
    gone, model = found.withdrawn is not None, _model(found, user)
    allowed = {
        action: access.can(user, action, found) for action in ("see_note", "see_faults", "cancel", "see_log", "rerun")
    }
    context = {
        "submission": found,
        "benchmark": found.benchmark,
        "run": run,
        "open": run.status in Run.OPEN and not gone,
        "erased": (erased := found.name == retention.ERASED),
        "erasable": run.status not in Run.OPEN
        and not erased
        and not found.benchmark.sealed
        and access.can(user, "withdraw", found),
        "withdrawable": run.status == Run.Status.SCORED and not gone and access.can(user, "withdraw", found),
        "place": queues.place(run),
        "stage": STAGES.get(run.stage, run.stage),
        "steps": _steps(run),
        "axis": forest.UNIT,
        "exact": access.can(user, "see_exact", found),
        "plots": bool(plots.open_to(user, found.benchmark, "entry")),
        "inputs_public": _inputs_public(found.benchmark),
        "scores": _scores(found, user) if run.status == Run.Status.SCORED else [],
        "faults": run.faults if allowed["see_faults"] else [],
        "error": ERRORS.get(run.error, OTHER),
        "model": model,
        "entry": _told(found, user),
        "may_ask_safety": run.status == Run.Status.SCORED and not gone and verdicts.may_ask(found, user),
        "earlier": [(old, answers.scores(found, user, old)) for old in verbs.earlier(found)],
        "repeats": run.repetitions.filter(status__in=Run.OPEN).first(),
        "robust": robustness.of(found, user),
        "cost": costs.of(run, whole=model is not None),
        **allowed,
    }
    return render(request, "leaderboard/submission.html", context)


@require_POST
@refusals.page
def cancel(request, pk):
    verbs.cancel(_find(request, pk), request.user)
    messages.success(request, _("Cancelled. It is not evaluated any further."))
    return redirect("submission", pk=pk)


@require_POST
@refusals.page
def erase(request, pk):
    """Take a submission back for good; its number was typed."""
    retention.erase(_find(request, pk), request.user, request.POST.get("confirm", "").strip())
    messages.success(request, _("Erased. A tombstone keeps its number and dates."))
    return redirect("submission", pk=pk)


@require_POST
@refusals.page
def withdraw(request, pk):
    verbs.withdraw(_find(request, pk), request.user)
    messages.success(request, _("Withdrawn. It is off the board, and kept on record."))
    return redirect("submission", pk=pk)


@require_POST
@refusals.page
def rerun(request, pk):
    run = verbs.rerun(_find(request, pk), request.user)
    messages.success(
        request, _("Queued as run %(id)d. The scores there are stand until it is scored.") % {"id": run.pk}
    )
    return redirect("submission", pk=pk)


@require_POST
@refusals.page
def safety(request, pk):
    verdicts.ask(_find(request, pk), request.user)
    messages.success(request, _("The safety verdicts of this entry are told now."))
    return redirect("submission", pk=pk)


def _told(found: Submission, user) -> SimpleNamespace:
    """The safety verdicts that this viewer may know, as an entry of the board has them."""
    told = verdicts.reader(found.benchmark, user, access.headline(found.benchmark))(found)
    return SimpleNamespace(told=told, safety=verdicts.worst(told))


def _find(request, pk) -> Submission:
    rows = access.visible_submissions(request.user).select_related(
        "benchmark__package",
        "benchmark__task",
        "benchmark__owner",
        "team",
        "contest_team",
        "run",
        "model__namespace",
        "author",
    )
    return get_object_or_404(rows, pk=pk)


def _model(found: Submission, user):
    """The model it came from, where the reader may see it."""
    seen = found.model_id and zoo_access.visible_models(user).filter(pk=found.model_id).exists()
    return found.model if seen else None


def _inputs_public(benchmark: Benchmark) -> bool:
    return bool(benchmark.package.manifest.get("release_inputs")) or benchmark.labels == Benchmark.Labels.PUBLIC


def _steps(run: Run) -> list[tuple[str, str, object]]:
    """(name, "done" | "now" | "", time) of the five steps, up to where the run is or ended."""
    going = run.status in Run.OPEN
    names = [
        (_("received"), "done", run.created),
        (_("checked"), "done", None),
        (_("queued"), "now" if run.status == Run.Status.QUEUED else "done", None),
        (_("running"), "now" if run.status == Run.Status.RUNNING else "done" if run.started else "", run.started),
        (_("scored") if going else WORDS[run.status], "" if going else "done", run.finished),
    ]
    if run.status == Run.Status.QUEUED:  # an earlier attempt may have started
        names[3] = (_("running"), "", None)
    return names


def _scores(found: Submission, viewer) -> list[tuple[bool, list[ScoreRow]]]:
    """The headline of each metric first; then, as (True, rows), what is finer, where the viewer may see it."""
    headline, finer = [], []
    for released in answers.scores(found, viewer):
        metric = METRICS[released.metric]
        axis = forest.UNIT if metric.range in ((0.0, 1.0), (-1.0, 1.0)) else None
        cell = forest.cell(released.score, axis, found.run.kind)
        row = ScoreRow(metric, released.subset, released.part, cell, released.score)
        (finer if released.part or released.subset != access.headline(found.benchmark) else headline).append(row)
    return [(whether, rows) for whether, rows in ((False, headline), (True, finer)) if rows]
