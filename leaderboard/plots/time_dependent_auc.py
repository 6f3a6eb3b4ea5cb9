"""How well one entry tells who has had the event by a time from who has not, over time."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, band, colour, interval_text, of_time, plot


@plot(title=gettext_lazy("Time-dependent AUC"), about="entry", made_of=access.FINER, kinds=("survival",), order=31)
def time_dependent_auc(material) -> Figure | None:
    found = material.curves("time_dependent_auc")
    if not found:
        return None
    curve = found[""]
    name, unit = "AUC(t)", material.manifest.get("time_unit", "")
    rows = [[f"{t:.4g}", interval_text(v, low, high)] for t, v, low, high in zip(*(curve[key] for key in ("time", "value", "low", "high")), strict=True)]  # fmt: skip
    return Figure(
        lead=_("At time %(time)s the AUC is %(value)s.") % {"time": f"{rows[len(rows) // 2][0]} {unit}".strip(), "value": rows[len(rows) // 2][1]},
        note=_("Cumulative/dynamic AUC at quantiles of the event times, censoring undone by inverse probability; band: pointwise 95 %, patients resampled."),
        alt=_("AUC over time; one half is chance."),
        header=[of_time(material.manifest), name],
        rows=rows,
        data=[
            *band(curve["time"], curve["low"], curve["high"], 0, name),
            {"type": "scatter", "mode": "lines+markers", "name": name, "showlegend": False, "x": curve["time"], "y": curve["value"],
             "line": {"color": colour(0), "width": 2}, "marker": {"size": 7, "color": colour(0)}, "hovertemplate": "%{x:.4g}: %{y:.3f}<extra></extra>"},
        ],
        layout={"xaxis": axis(of_time(material.manifest)), "yaxis": axis(name), "height": 360,
                "shapes": [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line": {"width": 1, "dash": "dash", "color": "--edge"}}]},
    )  # fmt: skip
