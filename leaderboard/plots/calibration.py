"""Predicted against observed frequency of one entry, in bins of equally many cases."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, colour, dash, interval_text, label, plot, positive_classes


@plot(title=gettext_lazy("Calibration"), about="entry", made_of=access.FINER, kinds=("classification",), order=22)
def calibration(material) -> Figure | None:
    parts = material.curves("calibration")
    if not parts:
        return None
    data = [{"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": _("perfect"), "line": {"width": 1, "dash": "dash", "color": "--edge"}, "hoverinfo": "skip"}]  # fmt: skip
    rows = []
    for number, (name, bins) in enumerate(parts.items()):
        data.append(
            {"type": "scatter", "mode": "lines+markers", "name": label(name), "x": bins["predicted"], "y": bins["observed"],
             "line": {"color": colour(number), "width": 1.5, "dash": dash(number)}, "marker": {"size": 8, "color": colour(number)},
             "error_y": {"type": "data", "symmetric": False, "array": bins["high"] - bins["observed"], "arrayminus": bins["observed"] - bins["low"], "color": colour(number), "thickness": 1.5, "width": 0},
             "hovertemplate": "%{x:.3f}, %{y:.3f}<extra></extra>"}
        )  # fmt: skip
        rows += [
            [name, f"{p:.3f}", interval_text(o, low, high), int(n)]
            for p, o, low, high, n in zip(
                *(bins[key] for key in ("predicted", "observed", "low", "high", "n")), strict=True
            )
        ]
    return Figure(
        lead=_("How often it is so where the answer says how probable it is."),
        note=positive_classes(list(parts)) + " " + _("Bins of equally many cases; bars: 95 % (Wilson)."),
        alt=_("Observed against predicted frequency; points on the diagonal are calibrated."),
        header=[_("Class"), _("Predicted"), _("Observed"), "n"],
        rows=rows,
        data=data,
        layout={"xaxis": axis(_("Predicted probability"), range=[0, 1], constrain="domain"), "yaxis": axis(_("Observed frequency"), range=[0, 1.01], scaleanchor="x"), "height": 440},
    )  # fmt: skip
