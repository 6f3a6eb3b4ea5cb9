"""What a board's page depends on, told by a few questions to the database: the same stamp, the same board.

Names of people and teams are not in it, so what is kept under a stamp is kept for a minute at most.
"""

from django.db.models import Count, Max, Q, Sum

from evaluators.models import Run
from leaderboard import computations
from leaderboard.models import Benchmark, Competition, Computation, Submission

MINUTE = 60


def of(benchmark: Benchmark) -> str:
    """The stamp of everything about a benchmark that its board shows, to whomever."""
    rows = Submission.objects.filter(benchmark=benchmark)
    handed_in = rows.aggregate(
        Count("pk"), Max("pk"), Sum("run_id"), Count("withdrawn"), Count("disqualified"), Count("safety_asked"), Sum("model_id"),
        Max("model__updated"), hidden=Sum("model_id", filter=Q(model__private=True)), out=Count("contest_team__disqualified"),
    )  # fmt: skip
    runs = Run.objects.filter(package=benchmark.package_id, status=Run.Status.SCORED).aggregate(
        Count("pk"), Max("finished")
    )
    made = Computation.objects.filter(benchmark=benchmark).aggregate(Count("content"), Max("computed"), Count("pk"))
    contest = Competition.objects.filter(benchmark=benchmark).values_list("status", "ladder").first()
    own = [benchmark.pk, benchmark.status, benchmark.current, benchmark.private, benchmark.labels, benchmark.sealed,
           benchmark.steps, benchmark.title, benchmark.published]  # fmt: skip
    more = [benchmark.yardsticks.aggregate(Count("pk"), Max("pk")), benchmark.claims.aggregate(Count("pk"), Max("pk"))]
    return computations.digest(*(str(item) for item in (own, handed_in, runs, made, contest, more)))
