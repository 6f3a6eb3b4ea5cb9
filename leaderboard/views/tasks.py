"""Tasks by specialty, and one task: its clinical question, benchmarks, models, and published claims apart from them."""

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard import across, forest
from leaderboard import benchmarks as library
from leaderboard.models import Claim, Task
from leaderboard.views import cited, overview
from zoo import access as zoo_access
from zoo import blobs


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
    leaders = overview.leaders(request.user, benchmarks)
    claims = Claim.objects.filter(task=found, benchmark=None) | Claim.objects.filter(benchmark__in=benchmarks)
    across_benchmarks, rows = across.of(benchmarks, request.user) if len(benchmarks) > 1 else ([], [])
    context = {
        "task": found,
        "across": rows,
        "across_benchmarks": across_benchmarks,
        "claims": cited.tables(claims),
        "benchmarks": benchmarks,
        "specialties": [("", leaders)] if leaders else [],
        "axis": forest.UNIT,
        "models": zoo_access.visible_models(request.user).filter(task=found.slug).order_by("-updated")[:200],
    }
    return render(request, "leaderboard/task.html", context)


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
