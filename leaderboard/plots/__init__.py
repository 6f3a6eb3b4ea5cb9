"""Plots of boards and entries, for whoever may see what they are made of; one file a plot (see registry.py)."""

import csv
import io

from leaderboard import access
from leaderboard.plots import material
from leaderboard.plots.registry import PLOTS, Figure, Plot, load
from leaderboard.spreadsheets import cell
from zoo.errors import NotFound

__all__ = ["PLOTS", "Figure", "Plot", "as_csv", "draw", "of_board", "of_entry", "one_of_board", "open_to"]

load("leaderboard.plots")


def open_to(viewer, benchmark, about: str) -> list[Plot]:
    """The plots of a board or of its entries that this viewer may see, in order."""
    found = [
        plot
        for plot in PLOTS.values()
        if plot.about == about
        and (not plot.kinds or benchmark.kind in plot.kinds)
        and access.detail(viewer, benchmark, plot.made_of)
    ]
    return sorted(found, key=lambda plot: (plot.order, plot.name))


def of_board(board, viewer) -> list[Figure]:
    """Every plot of a board that this viewer may see and that has something to show."""
    return _draw_all(open_to(viewer, board.benchmark, "board"), board)


def one_of_board(name: str, board, viewer) -> Figure | None:
    """One plot of a board by name; None where there is nothing to show, or not to this viewer."""
    chosen = [plot for plot in open_to(viewer, board.benchmark, "board") if plot.name == name]
    return next(iter(_draw_all(chosen, board)), None)


def of_entry(submission, viewer) -> list[Figure]:
    """Every plot of one entry that this viewer may see and that has something to show."""
    behind = material.of(submission, viewer)
    return _draw_all(open_to(viewer, submission.benchmark, "entry"), behind)


def draw(name: str, about: str, benchmark, viewer, make_source) -> Figure:
    """One plot by name, of `make_source()`. Raises NotFound in the same words whether there is none, or not for this viewer."""
    chosen = [plot for plot in open_to(viewer, benchmark, about) if plot.name == name]
    figures = _draw_all(chosen, make_source()) if chosen else []
    if not figures:
        hint = "GET the list of plots without a name for those there are."
        raise NotFound("no_plot", "There is no such plot here, or you may not see it.", hint)
    return figures[0]


def _draw_all(plots: list[Plot], source) -> list[Figure]:
    figures = []
    for plot in plots:
        figure = plot.draw(source)
        if figure is not None:
            figure.plot = plot
            figures.append(figure)
    return figures


def as_csv(figure: Figure) -> str:
    """The table behind a plot, whole."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerows([[cell(value) for value in row] for row in [figure.header, *figure.rows]])
    return out.getvalue()
