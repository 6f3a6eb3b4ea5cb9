"""The spread of one entry's scores over single cases, by label: what a mean hides."""

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, colour, label, plot

METRICS_SHOWN, OUTLIERS = 3, 60


@plot(
    title=gettext_lazy("Single cases by label"),
    about="entry",
    made_of=access.FINER,
    kinds=("segmentation", "restoration"),
    order=40,
)
def case_boxes(material) -> Figure | None:
    data, rows = [], []
    shown = [(metric, parts) for metric in material.metrics if (parts := material.per_case(metric.name))][
        :METRICS_SHOWN
    ]
    axes = {}
    for number, (metric, parts) in enumerate(shown):
        suffix = "" if number == 0 else str(number + 1)
        for place, (part, values) in enumerate((part, values) for part, values in parts.items() if len(values)):
            box = _box(values)
            data.append(
                {"type": "box", "name": label(part or metric.symbol), "xaxis": f"x{suffix}", "yaxis": f"y{suffix}", "showlegend": False,
                 "marker": {"color": colour(place), "size": 4}, "line": {"color": colour(place), "width": 1.5}, "boxpoints": "outliers"}
                | {key: [box[key]] for key in ("lowerfence", "q1", "median", "q3", "upperfence", "mean")} | {"x": [label(part or metric.symbol)], "y": [box["outliers"]]}
            )  # fmt: skip
            rows.append(
                [
                    metric.title,
                    part,
                    *(f"{box[key]:.3f}" for key in ("lowest", "q1", "median", "q3", "highest")),
                    len(values),
                ]
            )
        axes[f"yaxis{suffix}"] = axis(metric.symbol)
        axes[f"xaxis{suffix}"] = {"type": "category"}
    if not rows:
        return None
    if len(shown) > 1:
        axes["grid"] = {"rows": len(shown), "columns": 1, "pattern": "independent", "ygap": 0.35}
    return Figure(
        lead=_("Half of the cases lie inside each box; what lies far out are the failures to look at."),
        note=_("Values of single cases; box: quartiles, whiskers: 1.5 quartile ranges, at most 60 of the cases beyond are drawn."),
        alt=_("Boxes of case values by label; the table has their quartiles."),
        header=[_("Metric"), _("Label"), _("Lowest"), _("First quartile"), _("Median"), _("Third quartile"), _("Highest"), "n"],
        rows=rows,
        data=data,
        layout=axes | {"height": 120 + 250 * len(shown)},
    )  # fmt: skip


def _box(values: np.ndarray) -> dict:
    """Quartiles, fences and the outermost cases, so that the size does not grow with the cases."""
    q1, median, q3 = (float(number) for number in np.quantile(values, [0.25, 0.5, 0.75]))
    reach = 1.5 * (q3 - q1)
    inside = values[(values >= q1 - reach) & (values <= q3 + reach)]
    outside = np.sort(values[(values < q1 - reach) | (values > q3 + reach)])
    if len(outside) > OUTLIERS:
        outside = outside[np.argsort(-np.abs(outside - median))[:OUTLIERS]]
    return {
        "q1": q1, "median": median, "q3": q3, "mean": float(values.mean()), "lowerfence": float(inside.min()), "upperfence": float(inside.max()),
        "lowest": float(values.min()), "highest": float(values.max()), "outliers": outside,
    }  # fmt: skip
