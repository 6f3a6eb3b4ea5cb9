"""Safety verdicts as a viewer may know them: broken, holds, or not shown.

Where labels are hidden, a verdict answers a question to the hidden data (a yes or no finds twelve severe cases in 127
questions), so before a reveal it is told for one entry a team and month, which its team chooses; never with counts.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from evaluators import safety
from leaderboard import access
from leaderboard.models import Benchmark, Competition, Submission
from zoo.errors import Refused
from zoo.models import Namespace


@dataclass(frozen=True)
class Told:
    """One constraint's verdict in words. `detail`: what was counted, where the viewer may know it."""

    verdict: str  # broken | holds | not shown
    rule: str
    detail: str


def rules(benchmark: Benchmark) -> list[dict]:
    return benchmark.package.manifest.get("safety") or []


def reader(benchmark: Benchmark, viewer, subset: str):
    """`told(submission) -> list[Told]` for this viewer on this board; empty where nothing may be told."""
    stated = rules(benchmark)
    if not stated or benchmark.sealed or subset not in safety.SUBSETS:
        return lambda submission: []
    finer = access.sees_finer(viewer, benchmark)
    everything = finer or Competition.objects.filter(benchmark=benchmark, status=Competition.Status.REVEALED).exists()

    def told(submission: Submission) -> list[Told]:
        if not everything and submission.safety_asked is None:
            return []
        found = [verdict for verdict in submission.run.safety if verdict["subset"] == subset]
        return [Told(one["verdict"], words(stated[one["rule"]]), counts(stated[one["rule"]], one) if finer else "")
                for one in found if one["rule"] < len(stated)]  # fmt: skip

    return told


def words(rule: dict) -> str:
    """A constraint in words."""
    if "never" in rule:
        facts = {"truth": ", ".join(rule["never"]["truth"]), "said": ", ".join(rule["never"]["predicted"])}
        facts["most"] = _share(rule["at_most"]) if 0 < rule["at_most"] < 1 else f"{rule['at_most']:g}"
        return _("%(truth)s taken for %(said)s: at most %(most)s") % facts
    if "cost" in rule:
        return _("mean cost at most %(most)s") % {"most": f"{rule['at_most']:g}"}
    kind = "sensitivity" if "sensitivity" in rule else "specificity"
    facts = {"classes": ", ".join(rule[kind]["positive"]), "least": _share(rule["at_least"])}
    if kind == "sensitivity":
        return _("sensitivity for %(classes)s at least %(least)s") % facts
    return _("specificity for %(classes)s at least %(least)s") % facts


def counts(rule: dict, one: dict) -> str:
    """What was counted, with the one-sided 95 % bound: "0 of 10, up to 26 %"."""
    if one["value"] is None:
        return _("no case is at risk")
    upward = "at_most" in rule
    if one["events"] is None:
        bound = "" if one["bound"] is None else f"{one['bound']:.3g}"
        facts = {"value": f"{one['value']:.3g}", "bound": bound}
        return _("%(value)s, up to %(bound)s") % facts if bound else facts["value"]
    facts = {"events": one["events"], "trials": one["trials"], "bound": _share(one["bound"])}
    if upward:
        return _("%(events)d of %(trials)d, up to %(bound)s") % facts
    return _("%(events)d of %(trials)d, down to %(bound)s") % facts


def _share(value: float) -> str:
    return f"{100 * value:.3g} %" if value >= 0.995 or value < 0.1 else f"{100 * value:.2g} %"


def worst(told: list[Told]) -> str:
    """The verdict of an entry: broken if any constraint is, holds if all do, else not shown; "" where nothing is told."""
    found = {one.verdict for one in told}
    return next((verdict for verdict in (safety.BROKEN, safety.NOT_SHOWN, safety.HOLDS) if verdict in found), "")


def may_ask(submission: Submission, user) -> bool:
    """Whether this user could have this entry's verdicts told, as far as this month's choice allows."""
    board = submission.benchmark
    return (
        bool(rules(board)) and board.labels == Benchmark.Labels.HIDDEN and not board.sealed
        and submission.safety_asked is None and access.can(user, "ask_safety", submission) and not _used(submission)
    )  # fmt: skip


def _used(submission: Submission) -> bool:
    month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _mine(submission).filter(safety_asked__gte=month).exists()


def _mine(submission: Submission):
    return Submission.objects.filter(benchmark=submission.benchmark, team=submission.team)


def ask(submission: Submission, user) -> datetime:
    """Have an entry's verdicts told on the board: one entry a team and calendar month. Raises Refused."""
    access.require(user, "ask_safety", submission)
    if not rules(submission.benchmark) or submission.benchmark.sealed:
        raise Refused("no_verdicts", "No verdicts are told here now.", "In a competition they come at the reveal.", 409)
    with transaction.atomic():
        Namespace.objects.select_for_update().get(pk=submission.team_id)  # one of a team's posts after the other
        if _used(submission):
            hint = "The count starts again with the next month; labels could be found out by asking often."
            raise Refused("one_a_month", "Your team has chosen its entry of this month.", hint, status=409)
        now = timezone.now()
        Submission.objects.filter(pk=submission.pk, safety_asked=None).update(safety_asked=now)
    submission.refresh_from_db(fields=["safety_asked"])
    return submission.safety_asked
