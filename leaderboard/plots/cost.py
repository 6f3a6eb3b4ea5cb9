"""Score against what it takes: parameters of the network and the time that its predictions took here."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from evaluators.models import Run
from leaderboard import access
from leaderboard.plots.registry import Figure, axis, label, plot
from leaderboard.standings import goodness

SHOWN = 200


@plot(title=gettext_lazy("Score against cost"), about="board", made_of=access.RELEASED, order=14)
def cost(board) -> Figure | None:
    metric = board.metric
    entries = [e for e in board.entries if e.evidence == Run.Kind.WEIGHTS and metric.name in e.scores][:SHOWN]
    known = dict(Run.objects.filter(pk__in=[e.run.pk for e in entries]).values_list("pk", "provenance"))
    rows = [row for e in entries if e.scores[metric.name].value is not None and (row := _row(e, known[e.run.pk]))]
    if not rows:
        return None
    best = max(rows, key=lambda row: goodness(metric, row[0].scores[metric.name].value))
    score = [row[0].scores[metric.name] for row in rows]
    return Figure(
        lead=_("The best network here takes about %(seconds)s s for all cases.") % {"seconds": f"{best[1]:g}"},
        note=_("%(metric)s against the time of all predictions, start included, on the machine of the worker; two digits.") % {"metric": metric.title},
        alt=ngettext("%(n)d network by time and score.", "%(n)d networks by time and score.", len(rows)) % {"n": len(rows)},
        header=[_("Entry"), metric.symbol, _("Seconds"), _("Parameters"), _("Device")],
        rows=[[e.name, e.scores[metric.name].text, f"{seconds:g}", f"{size:g}" if size else "", device] for e, seconds, size, device in rows],
        data=[
            {"type": "scatter", "mode": "markers", "showlegend": False, "x": [row[1] for row in rows], "y": [s.value for s in score],
             "error_y": {"type": "data", "symmetric": False, "thickness": 1.5, "width": 0, "color": "--ev-weights",
                         "array": [(s.high - s.value) if s.high is not None else 0 for s in score],
                         "arrayminus": [(s.value - s.low) if s.low is not None else 0 for s in score]},
             "text": [label(row[0].name) for row in rows], "marker": {"size": 9, "color": "--ev-weights"},
             "hovertemplate": "%{text}<br>%{x} s: %{y}<extra></extra>"}
        ],
        layout={"xaxis": axis(_("Seconds for all cases"), type="log"), "yaxis": axis(metric.symbol), "height": 380},
    )  # fmt: skip


def _row(entry, provenance: dict):
    """(entry, seconds, parameters, device), coarse: two digits. What a private model is made of stays its own."""
    seconds = (provenance.get("seconds") or {}).get("predict")
    if not seconds:
        return None
    size = (provenance.get("cost") or {}).get("parameters") if entry.model else None
    return (
        entry,
        float(f"{seconds:.2g}"),
        float(f"{size:.2g}") if size else None,
        str(provenance.get("device", ""))[:40],
    )
