"""Plots of a board and of one entry: each with its first line, its table, and the address that its drawing comes from."""

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard import access, plots, standings
from leaderboard import benchmarks as library
from leaderboard.views import boards, refusals

ROWS = 200  # of a table on the page; the CSV has all
ENTRIES = 30  # linked from a board's plots


@require_safe
@refusals.page
def board(request, slug):
    found = library.find(slug, request.user, request.GET.get("version"))
    shown = standings.table(found, request.user, metric=request.GET.get("metric") or None)
    kept = {"version": None if found.current else found.version}
    query = boards.query(**kept, metric=shown.metric.name)
    address = f"/api/v1/benchmarks/{found.slug}/plots/"
    context = _context(request.user, found, plots.of_board(shown, request.user), lambda name: f"{address}{name}{query}")
    behind = plots.open_to(request.user, found, "entry")
    context |= {
        "heading": found.title, "slug": found.slug, "back_url": context["board_url"], "chosen": shown.metric,
        "tabs": [(metric, boards.query(**kept, metric=metric.name)) for metric in shown.metrics],
        "entries": shown.entries[:ENTRIES] if behind else [],
    }  # fmt: skip
    return render(request, "leaderboard/plots.html", context)


@require_safe
@refusals.page
def submission(request, pk):
    rows = access.visible_submissions(request.user).select_related(
        "benchmark__package", "benchmark__task", "benchmark__owner", "team", "run"
    )
    found = get_object_or_404(rows, pk=pk)
    figures = plots.of_entry(found, request.user)
    address = f"/api/v1/submissions/{found.pk}/plots/"
    context = _context(request.user, found.benchmark, figures, lambda name: f"{address}{name}")
    context |= {
        "heading": found.name, "slug": f"submission-{found.pk}", "submission": found,
        "back_url": found.get_absolute_url(),
    }  # fmt: skip
    return render(request, "leaderboard/plots.html", context)


def _context(user, benchmark, figures, address) -> dict:
    whole = access.sees_finer(user, benchmark)
    return {
        "benchmark": benchmark,
        "board_url": benchmark.get_absolute_url() + ("" if benchmark.current else f"?version={benchmark.version}"),
        "figures": [(figure, address(figure.plot.name), figure.rows[:ROWS]) for figure in figures],
        "whole": whole,
        "coarse": not whole and access.detail(user, benchmark, access.CURVES) == "coarse",
    }
