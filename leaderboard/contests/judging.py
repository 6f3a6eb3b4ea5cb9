"""What organisers and judges do to a running or revealed competition: look at private scores, disqualify, evaluate anew.

Each of them asks for a reason and leaves a row in the record. Nothing on a board is edited by hand.
"""

from functools import partial

from django.db import transaction
from django.utils import timezone

from evaluators import runs
from evaluators.models import Run
from leaderboard import access, audits
from leaderboard.contests import finals, phases
from leaderboard.models import Competition, Submission, Team
from leaderboard.standings import Board
from zoo.errors import Refused


def private_scores(competition: Competition, viewer, why: str) -> Board:
    """Every entry on the private cases, before or after the reveal; the record says who looked, and why. Raises Refused."""
    access.require(viewer, "see_private", competition)
    audits.record(competition, viewer, "saw private scores", "the whole board", audits.reason(why))
    return finals.private(competition, viewer)


@transaction.atomic
def disqualify(thing: Submission | Team, by, why: str, *, undo: bool = False):
    """Take a submission or a whole team off the boards, or put it back. Raises Refused."""
    competition = _competition(thing)
    access.require(by, "disqualify", competition)
    why = audits.reason(why)
    phases.locked(competition)
    if bool(thing.disqualified) != undo:
        return thing
    thing.disqualified = None if undo else timezone.now()
    thing.save(update_fields=["disqualified"])
    kind = "team" if isinstance(thing, Team) else "submission"
    details = {"team": thing.pk} if kind == "team" else {"submission": thing.pk, "team": thing.contest_team_id}
    action = "reinstated" if undo else "disqualified"
    audits.record(competition, by, f"{action} a {kind}", f"{kind} {thing.pk}: {thing}", why, **details)
    return thing


@transaction.atomic
def rerun(submission: Submission, by, why: str) -> Submission:
    """Evaluate a submission's answer anew; the run there was is superseded and kept. Its place in the limits stays.

    A reveal waits for the new run. Raises Refused.
    """
    competition = _competition(submission)
    access.require(by, "rerun", competition)
    why = audits.reason(why)
    phases.locked(competition)
    old = Run.objects.select_related("package").get(pk=submission.run_id)
    if old.status in Run.OPEN:
        raise Refused("open", "This submission is being evaluated.", "Wait until it has ended.", status=409)
    new = runs.create(old.package, old.kind, old.answer, old.scope, old.queue, old.priority)
    Run.objects.filter(pk=new.pk).update(created=old.created)  # counted on the day it was handed in
    Run.objects.filter(pk=old.pk).update(superseded_by=new)
    Submission.objects.filter(run=old).update(run=new)
    audits.record(
        competition, by, "evaluated anew", f"submission {submission.pk}: {submission}", why, before=old.pk, after=new.pk
    )
    transaction.on_commit(partial(runs.ring, new))
    submission.refresh_from_db()
    return submission


def _competition(thing: Submission | Team) -> Competition:
    team = thing if isinstance(thing, Team) else thing.contest_team
    if team is None:
        raise Refused("no_contest", "This submission is in no competition.", "Withdraw it instead.", status=409)
    return team.competition
