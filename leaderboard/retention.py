"""What is not kept for ever: uploaded answers beyond their benchmark's time, what a team takes back for good, and what
tells of deleted accounts.

Scores and receipts stay, so a board never changes by it; what went leaves a tombstone that says when. The bytes themselves
are collected by `manage.py collect_garbage`, once nothing refers to them.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from evaluators import chores, runs
from evaluators.models import Run
from leaderboard import access, submissions
from leaderboard.models import Benchmark, Notice, Submission, Team, Wish
from zoo.errors import Refused
from zoo.models import User

ERASED = "erased by its team"
BATCH = 200


@chores.register
def sweep() -> int:
    """Forget the uploaded answers whose time is over; how many."""
    count = 0
    for benchmark in Benchmark.objects.exclude(keep_days=None).filter(sealed=False):
        before = timezone.now() - timedelta(days=benchmark.keep_days)
        old = Run.objects.filter(package=benchmark.package, kind=Run.Kind.PREDICTIONS, finished__lt=before)
        count += sum(runs.forget(run) for run in old.exclude(answer__files={})[:BATCH])
    return count


@chores.register
def forget_people() -> int:
    """After accounts were deleted: what they were told goes, a team that is left goes on under its next member, and one
    without anybody gets a name that tells nothing. How many teams were touched.
    """
    gone = User.objects.filter(is_active=False, username__startswith="deleted-")
    for table in (Notice, Wish):
        table.objects.filter(user__in=gone).delete()
    led = Team.objects.filter(leader__in=gone, merged_into=None).exclude(name__startswith="deleted-")
    touched = list(led[:BATCH])
    for team in touched:
        left = team.members.filter(user__is_active=True).order_by("created", "pk").first()
        changes = {"leader": left.user} if left else {"name": f"deleted-team-{team.pk}"}
        Team.objects.filter(pk=team.pk).update(**changes)
    return len(touched)


def keep(benchmark: Benchmark, by, days: int | None) -> Benchmark:
    """For how many days uploaded answers are kept after their run; None: for ever."""
    access.require(by, "publish", benchmark)
    if days is not None and not 1 <= days <= 36_500:
        raise Refused("bad_days", "That is no number of days.", "Write 1 to 36,500, or nothing.", status=422)
    Benchmark.objects.filter(pk=benchmark.pk).update(keep_days=days)
    benchmark.keep_days = days
    return benchmark


def erase(submission: Submission, user, confirm: str) -> Submission:
    """Take a submission back for good: off the board, its words and files gone, a tombstone in its place. Raises Refused."""
    access.require(user, "withdraw", submission)
    if submission.benchmark.sealed:
        hint = "Withdraw it now, and erase it after the reveal."
        raise Refused("contest", "Until the reveal nothing that was handed in is erased.", hint, status=409)
    if confirm != str(submission.pk):
        raise Refused(
            "confirm", "Nothing was erased.", f"Type the number of the submission, {submission.pk}.", status=422
        )
    with transaction.atomic():
        submissions.withdraw(submission, user)
        shared = Submission.objects.filter(run=submission.run_id).exclude(pk=submission.pk).exists()
        gone = dict.fromkeys(("description", "paper_url", "code_url", "external_data", "note", "filename"), "")
        Submission.objects.filter(pk=submission.pk).update(name=ERASED, author=None, model=None, revision="", **gone)
        if not shared:
            runs.forget(Run.objects.get(pk=submission.run_id))
    submission.refresh_from_db()
    return submission
