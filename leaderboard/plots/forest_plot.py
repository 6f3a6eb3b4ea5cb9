"""The released scores of a board with their intervals, best first."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, label, plot
from leaderboard.plots.state_of_the_art import STYLE

SHOWN = 60


@plot(title=gettext_lazy("Forest plot"), about="board", made_of=access.RELEASED, order=11)
def forest_plot(board) -> Figure | None:
    metric = board.metric
    scored = [e for e in board.entries if (s := e.scores.get(metric.name)) is not None and s.value is not None]
    if not scored:
        return None
    shown, data = scored[:SHOWN], []
    names = distinct([label(entry.name) for entry in shown])
    for kind, (symbol, colour) in STYLE.items():
        own = [(name, e.scores[metric.name]) for name, e in zip(names, shown, strict=True) if e.evidence == kind]
        if own:
            reach = [
                [(s.high - s.value) if s.high is not None else 0 for _n, s in own],
                [(s.value - s.low) if s.low is not None else 0 for _n, s in own],
            ]
            data.append(
                {"type": "scatter", "mode": "markers", "name": kind, "x": [s.value for _n, s in own], "y": [n for n, _s in own],
                 "error_x": {"type": "data", "symmetric": False, "array": reach[0], "arrayminus": reach[1], "color": colour, "thickness": 2, "width": 0},
                 "marker": {"symbol": symbol, "size": 9, "color": colour}, "hovertemplate": "%{y}: %{x}<extra></extra>"}
            )  # fmt: skip
    tied = sum(entry.tied for entry in board.entries)
    lead = (
        _("No entry is significantly better than all others.") if tied > 1 else _("One entry stands alone at the top.")
    )
    return Figure(
        lead=lead if board.ranked else _("No entry is ranked."),
        note=f"{metric.title}{f', {metric.unit}' if metric.unit else ''}, " + _("with 95 % intervals from resampled patients. Intervals that overlap may still differ: comparisons are paired."),
        alt=ngettext("%(n)d entry with its interval, best first.", "%(n)d entries with their intervals, best first.", len(scored)) % {"n": len(scored)},
        header=[_("Rank"), _("Entry"), metric.symbol, _("Low"), _("High"), "n"],
        rows=[[e.rank or "", e.name, e.scores[metric.name].text, e.scores[metric.name].low_text, e.scores[metric.name].high_text, e.scores[metric.name].n] for e in scored],
        data=data,
        layout={
            "xaxis": axis(metric.symbol), "height": 110 + 24 * len(shown),
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        },
    )  # fmt: skip


def distinct(names: list[str]) -> list[str]:
    """Equal names told apart, since a category axis would lay them on one line."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return found
