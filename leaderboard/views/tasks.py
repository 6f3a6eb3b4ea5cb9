"""Tasks by specialty, and one task: its clinical question, benchmarks, models, and published claims apart from them."""

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard import across, forest
from leaderboard import benchmarks as library
from leaderboard import plots as figures
from leaderboard.models import Claim, Task
from leaderboard.views import cited, overview, plots
from leaderboard.views.boards import lead
from zoo import access as zoo_access
from zoo import blobs

OVER_TIME = "state_of_the_art"
PLOTTED = 12  # benchmarks


@require_safe
def tasks(request):
    by = request.GET.get("by", "")
    by = by if by in overview.GROUPINGS else "specialty"
    context = {"groups": overview.tasks_by(request.user, by), "by": by, "groupings": overview.GROUPINGS}
    return render(request, "leaderboard/tasks.html", context)


@require_safe
def task(request, slug):
    found = get_object_or_404(Task, slug=slug)
    benchmarks = seen(request.user, found)
    boards = overview.boards(request.user, benchmarks)
    leaders = [lead(board.benchmark, board) for board in boards]
    claims = Claim.objects.filter(task=found, benchmark=None) | Claim.objects.filter(benchmark__in=benchmarks)
    across_benchmarks, rows = across.of(benchmarks, request.user) if len(benchmarks) > 1 else ([], [])
    context = {
        "task": found,
        "across": rows,
        "across_benchmarks": across_benchmarks,
        "claims": cited.tables(claims),
        "benchmarks": benchmarks,
        "figures": _over_time(boards, request.user),
        "specialties": [("", leaders)] if leaders else [],
        "axis": forest.UNIT,
        "models": zoo_access.visible_models(request.user).filter(task=found.slug).order_by("-updated")[:200],
    }
    return render(request, "leaderboard/task.html", context)


def _over_time(boards: list, viewer) -> list[plots.Shown]:
    """The state of the art over time of each benchmark on which anything was measured."""
    found = [(board.benchmark, figures.one_of_board(OVER_TIME, board, viewer)) for board in boards[:PLOTTED]]
    return [
        plots.show(figure, f"benchmarks/{benchmark.slug}", title=benchmark.title, name=f"{OVER_TIME}-{benchmark.slug}")
        for benchmark, figure in found
        if figure
    ]


@require_safe
def picture(request, slug):
    """The task's picture, a PNG that the house itself made or loaded."""
    found = get_object_or_404(Task, slug=slug)
    seen(request.user, found)
    if not found.picture:
        raise Http404
    return FileResponse(blobs.open(found.picture), content_type="image/png", headers={"Cache-Control": "max-age=3600"})


def seen(user, found: Task) -> list:
    """The benchmarks of a task that this person may see. Raises Http404 where it is known from others alone."""
    benchmarks = list(library.visible(user).filter(task=found))
    if not benchmarks and not found.claims.exists() and found.benchmarks.exists():
        raise Http404
    return benchmarks
