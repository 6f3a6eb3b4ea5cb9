"""Score against what the network costs: the time of one case, or its size where no time was measured."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from leaderboard import access, costs
from leaderboard.plots.registry import Figure, axis, label, plot
from leaderboard.ranking import goodness
from zoo.templatetags.kensa import seconds

SHOWN = 200
TITLES = {name: (title, unit) for name, title, unit in costs.AXES}


@plot(title=gettext_lazy("Score against cost"), about="board", made_of=access.RELEASED, order=14)
def cost(board) -> Figure | None:
    metric = board.metric
    known = [(e, e.scores[metric.name], c) for e, c in costs.of_board(board) if metric.name in e.scores]
    known = [row for row in known if row[1].value is not None][:SHOWN]
    name = max(
        TITLES, key=lambda field: (sum(bool(getattr(c, field)) for _e, _s, c in known), field == "latency_median")
    )
    rows = [(entry, score, getattr(c, name), c) for entry, score, c in known if getattr(c, name)]
    if not rows:
        return None
    title, unit = TITLES[name]
    best = max(rows, key=lambda row: goodness(metric, row[1].value))
    words = {
        "cost": str(title),
        "value": seconds(best[2]) if unit == "s" else f"{best[2]:g} {unit}".strip(),
        "metric": metric.title,
    }
    return Figure(
        lead=_("%(cost)s of the best network here: %(value)s.") % words,
        note=_("%(metric)s against %(cost)s, to two digits, as measured by the worker that ran it; bars: 95 %% intervals.") % words,
        alt=ngettext("%(n)d network by cost and score.", "%(n)d networks by cost and score.", len(rows)) % {"n": len(rows)},
        header=[_("Entry"), metric.symbol, *(f"{t}{f' ({u})' if u else ''}" for t, u in TITLES.values()), _("Device")],
        rows=[[e.name, s.text, *(_text(getattr(c, field)) for field in TITLES), c.device] for e, s, _x, c in rows],
        data=[
            {"type": "scatter", "mode": "markers", "showlegend": False, "x": [row[2] for row in rows], "y": [row[1].value for row in rows],
             "error_y": {"type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": "--ev-weights",
                         "array": [(s.high - s.value) if s.high is not None else 0 for _e, s, _x, _c in rows],
                         "arrayminus": [(s.value - s.low) if s.low is not None else 0 for _e, s, _x, _c in rows]},
             "text": [label(row[0].name) for row in rows], "marker": {"size": 9, "color": "--ev-weights"},
             "hovertemplate": "%{text}<br>%{x}: %{y}<extra></extra>"}
        ],
        layout={"xaxis": axis(f"{title}{f', {unit}' if unit else ''}", type="log"), "yaxis": axis(metric.symbol), "height": 380},
    )  # fmt: skip


def _text(value) -> str:
    return "" if value is None else f"{value:.6g}"
