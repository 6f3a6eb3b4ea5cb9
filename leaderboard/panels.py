"""What the leaderboard adds to the zoo's pages: the scores that were measured here, each linked to its board and run, and
what it knows of tasks.

Importing this module registers it with the zoo's pages.
"""

from django.template.loader import render_to_string
from django.utils.translation import gettext

from leaderboard import benchmarks, measured
from leaderboard.models import Task
from zoo import panels, statements


@panels.register
def measured_here(request, model) -> dict | None:
    """Scored submissions of this model on boards that the reader sees, the newest of each revision first, and beside them
    what its card declares; or None."""
    found = measured.of(request.user, [model.pk], costs_too=True)[:200]
    if not found:
        return None
    against = measured.versus(statements.declared(model.card), found)
    context = {"measured": found, "versus": against}
    html = render_to_string("leaderboard/measured_here.html", context, request=request)
    return {"title": gettext("Measured here"), "html": html, "declared": {each.declared for each in against}}


@panels.register_owner
def on_boards(request, namespace) -> dict | None:
    """Where a person or an organisation stands on boards, and the benchmarks that they organise; or None."""
    found = measured.of_team(request.user, namespace)
    organised = list(benchmarks.visible(request.user).filter(owner=namespace).select_related("task").order_by("title"))
    if not found and not organised:
        return None
    html = render_to_string("leaderboard/owner_boards.html", {"found": found, "organised": organised}, request=request)
    return {"title": gettext("On boards"), "html": html}


@panels.measure
def measured_in_lists(viewer, models) -> dict[int, panels.Score]:
    """For lists of models: one score each, of those that were measured."""
    return {
        pk: panels.Score(
            order=(each.benchmark.task.title, each.benchmark.title, -each.goodness),
            symbol=each.metric.symbol,
            text=each.score.text,
            low_text=each.score.low_text,
            high_text=each.score.high_text,
            board=each.benchmark.title,
            url=each.submission.get_absolute_url(),
        )
        for pk, each in measured.chosen(measured.of(viewer, models)).items()
    }


@panels.name_tasks
def task_titles(slugs) -> dict[str, str]:
    """Titles of tasks by slug, for the zoo's pages."""
    return dict(Task.objects.filter(slug__in=slugs).values_list("slug", "title"))


@panels.describe_tasks
def task_facts() -> dict[str, dict[str, str]]:
    """Modality and anatomy of every task, for models whose card names the task alone."""
    rows = Task.objects.values("slug", "modality", "anatomy")
    return {row["slug"]: {"modality": row["modality"], "anatomy": row["anatomy"]} for row in rows}
