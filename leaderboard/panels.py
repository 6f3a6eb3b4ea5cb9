"""What the leaderboard adds to a model's page: the scores that were measured here, each linked to its board and run.

Importing this module registers it with the zoo's pages.
"""

from django.template.loader import render_to_string

from leaderboard import access, costs
from leaderboard.contests import ladders
from leaderboard.models import Submission, Task
from leaderboard.rounding import release
from leaderboard.standings import ON_BOARD, metrics_of
from zoo import panels


@panels.register
def measured_here(request, model) -> dict | None:
    """Scored submissions of this model on boards that the reader sees, the newest of each revision first; or None."""
    rows = (
        access.visible_submissions(request.user)
        .filter(model=model, **ON_BOARD)
        .select_related("benchmark__package", "benchmark__owner", "run", "team", "contest_team")
        .order_by("benchmark__title", "-created")
    )
    measured = [found for row in rows[:200] if (found := _row(request.user, row))]
    if not measured:
        return None
    html = render_to_string("leaderboard/measured_here.html", {"measured": measured}, request=request)
    return {"title": "Measured here", "html": html}


def _row(viewer, submission: Submission) -> dict | None:
    benchmark = submission.benchmark
    metric = metrics_of(benchmark)[0]
    if submission.pk in ladders.held_back(benchmark):
        return None
    score = submission.run.scores.filter(metric=metric.name, subset=access.headline(benchmark), part="").first()
    if score is None:
        return None
    exact = access.is_organiser(viewer, benchmark)
    return {
        "submission": submission, "benchmark": benchmark, "metric": metric,
        "cost": costs.of(submission.run),
        "score": release(score, benchmark.steps.get(metric.name), exact),
    }  # fmt: skip


@panels.name_tasks
def task_titles(slugs) -> dict[str, str]:
    """Titles of tasks by slug, for the zoo's pages."""
    return dict(Task.objects.filter(slug__in=slugs).values_list("slug", "title"))
