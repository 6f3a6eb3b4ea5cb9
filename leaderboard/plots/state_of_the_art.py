"""The best released score over time, with the frontier that each new best entry set."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, label, plot
from leaderboard.ranking import goodness

FEW = 3  # days
SHOWN = 500  # entries drawn; the frontier is always whole
STYLE = {"weights": ("circle", "--ev-weights"), "predictions": ("square", "--ev-predictions")}


@plot(title=gettext_lazy("State of the art over time"), about="board", made_of=access.RELEASED, order=10)
def state_of_the_art(board) -> Figure | None:
    metric = board.metric
    scored = [e for e in board.entries if (s := e.scores.get(metric.name)) is not None and s.value is not None]
    scored.sort(key=lambda entry: (entry.date, entry.submission.pk))
    if not scored:
        return None
    frontier = []
    for entry in scored:
        value = entry.scores[metric.name].value
        if not frontier or goodness(metric, value) > goodness(metric, frontier[-1].scores[metric.name].value):
            frontier.append(entry)
    best, kept = set(map(id, frontier)), scored[-SHOWN:]
    data = []
    for kind, (symbol, colour) in STYLE.items():
        own = [entry for entry in kept if entry.evidence == kind]
        if own:
            data.append(
                {"type": "scatter", "mode": "markers", "name": kind, "x": [e.date.isoformat() for e in own],
                 "y": [e.scores[metric.name].value for e in own], "text": [label(e.name) for e in own],
                 "marker": {"symbol": symbol, "size": 8, "color": colour}, "hovertemplate": "%{text}<br>%{x|%Y-%m-%d}: %{y}<extra></extra>"}
            )  # fmt: skip
    steps = frontier[-SHOWN:]
    line = {
        "type": "scatter", "mode": "lines", "name": _("frontier"), "x": [e.date.isoformat() for e in [*steps, scored[-1]]],
        "y": [e.scores[metric.name].value for e in [*steps, frontier[-1]]], "line": {"shape": "hv", "width": 2, "color": "--ink-2"},
        "hoverinfo": "skip",
    }  # fmt: skip
    last = frontier[-1]
    words = {"name": last.name, "value": last.scores[metric.name].text, "n": len(frontier)}
    return Figure(
        lead=_("The best score so far is %(value)s, by %(name)s.") % words,
        note=f"{metric.title}{f', {metric.unit}' if metric.unit else ''}. " + _("A step is an entry that was better than all before it; whether significantly, the board says."),
        alt=_("Scores by date of %(count)d entries; the frontier has %(n)d steps and ends at %(value)s.") % (words | {"count": len(scored)}),
        header=[_("Date"), _("Entry"), _("Team"), _("Evidence"), metric.symbol, _("On the frontier")],
        rows=[
            [f"{e.date:%Y-%m-%d}", e.name, e.submission.by, e.evidence, e.scores[metric.name].text, _("yes") if id(e) in best else ""]
            for e in reversed(scored)
        ],
        data=[line, *data],
        layout={"xaxis": axis(_("Date"), type="date", **_days(scored[0].date, scored[-1].date)), "yaxis": axis(metric.symbol), "height": 380},
    )  # fmt: skip


def _days(first: datetime, last: datetime) -> dict:
    """An axis of whole days where all came within a few: not of the seconds between them."""
    if last - first > timedelta(days=FEW):
        return {}
    return {"range": [(first - timedelta(days=1)).isoformat(), (last + timedelta(days=1)).isoformat()],
            "dtick": 86_400_000, "tickformat": "%Y-%m-%d"}  # fmt: skip
