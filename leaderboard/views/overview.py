"""What several pages say about several boards at once: leaders by specialty, latest entries, counts."""

from itertools import groupby

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluators.models import Run
from leaderboard import access, standings
from leaderboard import benchmarks as library
from leaderboard.models import Benchmark, Submission, Task
from leaderboard.views.boards import Leader, lead
from zoo import access as zoo_access

LESSONS = "methodology"  # the specialty of boards that were made to mislead, on the page "How a benchmark lies"


def leaders(user, benchmarks=None) -> list[Leader]:
    """The leading row of each board."""
    return [lead(board.benchmark, board) for board in boards(user, benchmarks)]


def state_of_the_art(user) -> list[Leader]:
    """The leading row of each board that asks a clinical question: none of those that were made to mislead."""
    chosen = [benchmark for benchmark in library.visible(user) if _specialty(benchmark.task) != LESSONS]
    return leaders(user, chosen)


def boards(user, benchmarks=None) -> list[standings.Board]:
    """The board of each, drafts left out (they have none yet)."""
    chosen = library.visible(user) if benchmarks is None else benchmarks
    return [standings.table(b, user) for b in chosen if b.status != Benchmark.Status.DRAFT]


def _specialty(task) -> str:
    return (task.specialty or _("Other")).strip()


def by_specialty(found: list[Leader]) -> list[tuple[str, list[Leader]]]:
    key = lambda leader: _specialty(leader.benchmark.task).casefold()  # noqa: E731
    return [(_specialty(rows[0].benchmark.task), rows) for rows in _grouped(found, key)]


def _grouped(things, key):
    return [list(rows) for _name, rows in groupby(sorted(things, key=key), key=key)]


GROUPINGS = {
    "specialty": gettext_lazy("By specialty"),
    "modality": gettext_lazy("By modality"),
    "anatomy": gettext_lazy("By anatomy"),
}


def tasks_by(user, grouping: str = "specialty") -> list[tuple[str, list[Task]]]:
    """Tasks with `benchmark_count` and `model_count` of what this user may see, in groups; tasks with neither are left out.

    grouping: specialty, modality or anatomy. A modality counts up to its first comma: all MRI together.
    """
    seen = access.listed_benchmarks(user).filter(current=True)
    tasks = list(
        Task.objects.annotate(benchmark_count=Count("benchmarks", filter=Q(benchmarks__in=seen), distinct=True))
        .filter(Q(benchmark_count__gt=0) | Q(claims__isnull=False))
        .distinct()
        .order_by("title")
    )
    models = dict(
        zoo_access.visible_models(user).order_by().values_list("task").annotate(count=Count("pk")).exclude(task="")
    )
    for task in tasks:
        task.model_count = models.get(task.slug, 0)
    name = lambda task: (getattr(task, grouping).partition(",")[0] or _("Other")).strip()  # noqa: E731
    return [(name(rows[0]), rows) for rows in _grouped(tasks, lambda task: name(task).casefold())]


def recent(user, count: int = 5) -> list[Submission]:
    """The runs that were scored last, of benchmarks this user may see; none that were made to mislead."""
    return list(
        access.visible_submissions(user)
        .filter(**standings.ON_BOARD, benchmark__in=access.listed_benchmarks(user))
        .exclude(benchmark__task__specialty=LESSONS)
        .select_related("benchmark", "team", "contest_team", "run", "model")
        .order_by("-run__finished")[:count]
    )


def facts(user) -> dict:
    """Counts for the stat line."""
    runs = dict(Run.objects.order_by().values_list("status").annotate(count=Count("pk")))
    return {
        "tasks": Task.objects.filter(benchmarks__in=access.listed_benchmarks(user)).distinct().count(),
        "benchmarks": access.listed_benchmarks(user).filter(current=True).count(),
        "models": zoo_access.visible_models(user).count(),
        "scored": runs.get(Run.Status.SCORED, 0),
        "running": runs.get(Run.Status.RUNNING, 0),
        "queued": runs.get(Run.Status.QUEUED, 0),
    }
