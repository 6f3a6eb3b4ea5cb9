"""The ROC curve of one entry with its band and operating points; after a reveal, coarse points alone."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, band, colour, dash, interval_text, label, plot, positive_classes
from leaderboard.plots.wilson import share

AT = (gettext_lazy("threshold 0.5"), gettext_lazy("specificity 0.90"), gettext_lazy("sensitivity 0.90"))


@plot(title=gettext_lazy("ROC curve"), about="entry", made_of=access.CURVES, kinds=("classification",), order=20)
def roc(material) -> Figure | None:
    parts = material.curves("coarse_roc" if material.coarse else "roc")
    if not parts:
        return None
    points = {} if material.coarse else material.curves("operating_points")
    data = [{"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "name": _("chance"), "line": {"width": 1, "dash": "dash", "color": "--edge"}, "hoverinfo": "skip"}]  # fmt: skip
    rows = []
    for number, (name, curve) in enumerate(parts.items()):
        if "grid" in curve:
            data += band(curve["grid"], curve["low"], curve["high"], number, name)
        line = {"color": colour(number), "width": 2, "dash": dash(number), "shape": "linear"}
        data.append(
            {"type": "scatter", "mode": "lines+markers" if material.coarse else "lines", "name": label(name), "legendgroup": name,
             "x": curve["fpr"], "y": curve["tpr"], "line": line, "hovertemplate": "%{x:.3f}, %{y:.3f}<extra></extra>"}
        )  # fmt: skip
        if name in points:
            found = [_at(counts) for counts in points[name]["counts"]]
            data.append(
                {"type": "scatter", "mode": "markers", "name": label(name), "legendgroup": name, "showlegend": False,
                 "x": [1 - p[1][0] for p in found], "y": [p[0][0] for p in found], "text": [str(words) for words in AT],
                 "marker": {"size": 9, "color": colour(number), "symbol": ["circle", "square", "diamond"]},
                 "hovertemplate": "%{text}: %{x:.3f}, %{y:.3f}<extra></extra>"}
            )  # fmt: skip
            rows += [
                [name, str(words), f"{threshold:.4g}", *(interval_text(*number) for number in p)]
                for words, threshold, p in zip(AT, points[name]["threshold"], found, strict=True)
            ]
    if not rows:
        rows = [[name, "", "", f"{y:.3f}", f"{1 - x:.3f}", "", ""] for name, c in parts.items() for x, y in zip(c["fpr"], c["tpr"], strict=True)]  # fmt: skip
    note = positive_classes(list(parts)) + " "
    note += _("At most 20 points, with 10 cases of each class or more between them.") if material.coarse else _("Band: pointwise 95 %, patients resampled. Points: thresholds at one half, at specificity 0.90 and at sensitivity 0.90.")  # fmt: skip
    return Figure(
        lead=_lead(rows) if points else _("How sensitivity is bought with false positives."),
        note=note,
        alt=_("Sensitivity against the false positive rate; the table has the operating points.") if points else _("Sensitivity against the false positive rate; the table has the points."),
        header=[_("Class"), _("At"), _("Threshold"), _("Sensitivity"), _("Specificity"), _("Positive predictive value"), _("Negative predictive value")],
        rows=rows,
        data=data,
        layout={
            "xaxis": axis(_("1 − specificity"), range=[0, 1], constrain="domain"), "yaxis": axis(_("Sensitivity"), range=[0, 1.01], scaleanchor="x"), "height": 440,
        },
    )  # fmt: skip


def _at(counts) -> list[tuple[float, float, float]]:
    """Sensitivity, specificity and predictive values, each with its Wilson interval."""
    tp, fp, fn, tn = counts
    return [share(tp, tp + fn), share(tn, tn + fp), share(tp, tp + fp), share(tn, tn + fn)]


def _lead(rows) -> str:
    row = rows[1]
    return _("At specificity 0.90 or more, sensitivity for “%(name)s” is %(value)s.") % {
        "name": row[0],
        "value": row[3],
    }
