"""Tasks by specialty, and one task: its clinical question, benchmarks, models, and published claims apart from them."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard import benchmarks as library
from leaderboard import forest
from leaderboard.models import Claim, Task
from leaderboard.views import overview
from zoo import access as zoo_access


@require_safe
def tasks(request):
    return render(request, "leaderboard/tasks.html", {"specialties": overview.tasks_by_specialty(request.user)})


@require_safe
def task(request, slug):
    found = get_object_or_404(Task, slug=slug)
    benchmarks = list(library.visible(request.user).filter(task=found))
    if not benchmarks and not found.claims.exists() and found.benchmarks.exists():
        # Known from a benchmark that this person may not know of.
        get_object_or_404(Task, pk=None)
    leaders = overview.leaders(request.user, benchmarks)
    claims = Claim.objects.filter(task=found, benchmark=None) | Claim.objects.filter(benchmark__in=benchmarks)
    context = {
        "task": found,
        "benchmarks": benchmarks,
        "specialties": [("", leaders)] if leaders else [],
        "axis": forest.UNIT,
        "claims": claims.order_by("name", "metric"),
        "models": zoo_access.visible_models(request.user).filter(task=found.slug).order_by("-updated")[:200],
    }
    return render(request, "leaderboard/task.html", context)
