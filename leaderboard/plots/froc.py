"""Lesions found against false positives per image of one entry (free-response ROC)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, band, colour, dash, interval_text, label, plot


@plot(
    title=gettext_lazy("Free-response curve (FROC)"),
    about="entry",
    made_of=access.FINER,
    kinds=("detection",),
    order=41,
)
def froc(material) -> Figure | None:
    parts = material.curves("froc")
    if not parts:
        return None
    data, rows = [], []
    for number, (name, curve) in enumerate(parts.items()):
        data += band(curve["rate"], curve["low"], curve["high"], number, name)
        data.append(
            {"type": "scatter", "mode": "lines+markers", "name": label(name), "legendgroup": name, "x": curve["rate"], "y": curve["sensitivity"],
             "line": {"color": colour(number), "width": 2, "dash": dash(number)}, "marker": {"size": 5, "color": colour(number)},
             "hovertemplate": "%{x:.3g}: %{y:.3f}<extra></extra>"}
        )  # fmt: skip
        rows += [
            [name, f"{rate:.3g}", interval_text(value, low, high)]
            for rate, value, low, high in zip(
                *(curve[key] for key in ("rate", "sensitivity", "low", "high")), strict=True
            )
        ]
    one = min(rows, key=lambda row: abs(float(row[1]) - 1))
    return Figure(
        lead=_("At one false positive per image, the share of “%(name)s” found is %(value)s.") % {"name": one[0], "value": one[2]},
        note=_("By the hit rule of the benchmark's FROC metric; band: pointwise 95 %, patients resampled."),
        alt=_("Sensitivity against false positives per image; the table has all points."),
        header=[_("Class"), _("False positives per image"), _("Sensitivity")],
        rows=rows,
        data=data,
        layout={"xaxis": axis(_("False positives per image"), type="log"), "yaxis": axis(_("Sensitivity"), range=[0, 1.01]), "height": 400},
    )  # fmt: skip
