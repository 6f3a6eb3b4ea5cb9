"""Plots of a board and of one entry: each with its first line, its table, and the address that its drawing comes from."""

from dataclasses import dataclass

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from leaderboard import access, plots, standings
from leaderboard import benchmarks as library
from leaderboard.views import boards, refusals

ROWS = 200  # of a table on the page; the CSV has all
ENTRIES = 30  # linked from a board's plots


@dataclass(frozen=True)
class Shown:
    """A figure on a page: under which heading, where its drawing is fetched, what its files are called."""

    figure: plots.Figure
    address: str
    id: str
    title: object
    file: str

    @property
    def rows(self) -> list[list]:
        return self.figure.rows[:ROWS]


def show(figure: plots.Figure, about: str, query: str = "", title: object = "", name: str = "") -> Shown:
    """about: "benchmarks/<slug>" or "submissions/<id>", as the API has it; name: what it is called where another stands on
    the same page."""
    plot = figure.plot
    file = f"{about.removeprefix('benchmarks/').replace('submissions/', 'submission-')}-{plot.name}"
    return Shown(figure, f"/api/v1/{about}/plots/{plot.name}{query}", name or plot.name, title or plot.title, file)


@require_safe
@refusals.page
def board(request, slug):
    found = library.find(slug, request.user, request.GET.get("version"))
    shown = standings.table(found, request.user, metric=request.GET.get("metric") or None)
    kept = {"version": None if found.current else found.version}
    query = boards.query(**kept, metric=shown.metric.name)
    figures = [show(one, f"benchmarks/{found.slug}", query) for one in plots.of_board(shown, request.user)]
    context = _context(request.user, found, figures)
    behind = plots.open_to(request.user, found, "entry")
    context |= {
        "heading": found.title, "back_url": context["board_url"], "chosen": shown.metric,
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
    figures = [show(one, f"submissions/{found.pk}") for one in plots.of_entry(found, request.user)]
    context = _context(request.user, found.benchmark, figures)
    context |= {
        "heading": found.name, "submission": found, "back_url": found.get_absolute_url(),
    }  # fmt: skip
    return render(request, "leaderboard/plots.html", context)


def _context(user, benchmark, figures: list[Shown]) -> dict:
    whole = access.sees_finer(user, benchmark)
    return {
        "benchmark": benchmark,
        "board_url": benchmark.get_absolute_url() + ("" if benchmark.current else f"?version={benchmark.version}"),
        "figures": figures,
        "whole": whole,
        "coarse": not whole and access.detail(user, benchmark, access.CURVES) == "coarse",
    }
