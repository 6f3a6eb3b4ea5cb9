"""The precision-recall curve of one entry with its band; after a reveal it follows from the coarse ROC and is left out."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, band, colour, dash, label, plot, positive_classes
from leaderboard.plots.wilson import share


@plot(
    title=gettext_lazy("Precision-recall curve"),
    about="entry",
    made_of=access.FINER,
    kinds=("classification",),
    order=21,
)
def precision_recall(material) -> Figure | None:
    parts, points = material.curves("precision_recall"), material.curves("operating_points")
    if not parts:
        return None
    data, rows = [], []
    for number, (name, curve) in enumerate(parts.items()):
        data += band(curve["grid"], curve["low"], curve["high"], number, name)
        prevalence = float(curve["prevalence"][0])
        data += [
            {"type": "scatter", "mode": "lines", "name": label(name), "legendgroup": name, "x": curve["recall"], "y": curve["precision"],
             "line": {"color": colour(number), "width": 2, "dash": dash(number)}, "hovertemplate": "%{x:.3f}, %{y:.3f}<extra></extra>"},
            {"type": "scatter", "mode": "lines", "legendgroup": name, "showlegend": False, "x": [0, 1], "y": [prevalence] * 2,
             "line": {"color": colour(number), "width": 1, "dash": "dot"}, "hoverinfo": "skip"},
        ]  # fmt: skip
        found = [(share(c[0], c[0] + c[2]), share(c[0], c[0] + c[1])) for c in points[name]["counts"]]
        data.append(
            {"type": "scatter", "mode": "markers", "legendgroup": name, "showlegend": False, "x": [p[0][0] for p in found], "y": [p[1][0] for p in found],
             "marker": {"size": 9, "color": colour(number), "symbol": ["circle", "square", "diamond"]}, "hovertemplate": "%{x:.3f}, %{y:.3f}<extra></extra>"}
        )  # fmt: skip
        step = max(1, len(curve["recall"]) // 20)
        rows += [
            [name, f"{t:.4g}", f"{r:.3f}", f"{p:.3f}"]
            for t, r, p in zip(
                curve["threshold"][::step], curve["recall"][::step], curve["precision"][::step], strict=True
            )
        ]
    return Figure(
        lead=_("What share of the alarms is right, at each share of the positives found."),
        note=positive_classes(list(parts)) + " " + _("Band: pointwise 95 %, patients resampled. Dotted: the prevalence, which is the precision of chance."),
        alt=_("Precision against recall; the table has points along the curve."),
        header=[_("Class"), _("Threshold"), _("Recall"), _("Precision")],
        rows=rows,
        data=data,
        layout={"xaxis": axis(_("Recall"), range=[0, 1]), "yaxis": axis(_("Precision"), range=[0, 1.01]), "height": 440},
    )  # fmt: skip
