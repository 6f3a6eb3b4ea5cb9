"""One search box over tasks, benchmarks, models and organisations; only what the searcher may see."""

from django.db.models import Q
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard import access
from leaderboard.models import Task
from zoo import access as zoo_access
from zoo.models import Namespace

LIMIT = 50  # of each kind


def _matching(queryset, words, fields):
    """Rows in which every word occurs in one of the fields."""
    for word in words:
        condition = Q()
        for field in fields:
            condition |= Q(**{f"{field}__icontains": word})
        queryset = queryset.filter(condition)
    return queryset[:LIMIT]


@require_safe
def search(request):
    text = request.GET.get("q", "")[:200].replace("\x00", "").strip()
    words = text.split()[:8]
    context = {"q": text, "found": False}
    if words:
        benchmarks = access.listed_benchmarks(request.user).filter(current=True).select_related("task", "owner")
        models = zoo_access.visible_models(request.user)
        tasks = Task.objects.filter(Q(benchmarks__in=benchmarks) | Q(benchmarks=None)).distinct().order_by("title")
        context |= {
            "tasks": _matching(tasks, words, ("title", "question", "specialty", "modality", "anatomy", "slug")),
            "benchmarks": _matching(
                benchmarks.order_by("title"),
                words,
                ("title", "description", "slug", "task__title", "task__modality", "task__anatomy"),
            ),
            "models": _matching(
                models.order_by("-updated"), words, ("name", "title", "namespace__name", "task", "library", "licence")
            ),
            "namespaces": _matching(Namespace.objects.order_by("name"), words, ("name", "title")),
        }
        context["found"] = any(len(context[name]) for name in ("tasks", "benchmarks", "models", "namespaces"))
    return render(request, "leaderboard/search.html", context)
