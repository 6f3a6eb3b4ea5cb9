"""Survival by thirds of the risk that one entry predicts."""

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evaluators.behind.survival import GROUPS
from leaderboard import access
from leaderboard.plots.registry import Figure, axis, band, colour, dash, interval_text, of_time, plot

NAMES = dict(zip(GROUPS, (gettext_lazy("lowest third of risk"), gettext_lazy("middle third of risk"), gettext_lazy("highest third of risk")), strict=True))  # fmt: skip


@plot(
    title=gettext_lazy("Kaplan-Meier by risk group"), about="entry", made_of=access.FINER, kinds=("survival",), order=30
)
def kaplan_meier(material) -> Figure | None:
    parts = material.curves("kaplan_meier")
    if not parts:
        return None
    data, rows = [], []
    time = of_time(material.manifest)
    end = max(curve["time"][-1] for curve in parts.values())
    at = np.linspace(0, end, 6)[1:]
    for number, name in enumerate(name for name in GROUPS if name in parts):
        curve = parts[name]
        for shade in band(curve["time"], curve["low"], curve["high"], number, name):
            data.append(shade | {"line": shade["line"] | {"shape": "hv"}})
        data.append(
            {"type": "scatter", "mode": "lines", "name": str(NAMES[name]), "legendgroup": name, "x": curve["time"], "y": curve["survival"],
             "line": {"color": colour(number), "width": 2, "shape": "hv", "dash": dash(number)}, "hovertemplate": "%{x:.4g}: %{y:.3f}<extra></extra>"}
        )  # fmt: skip
        for moment in at:
            place = np.searchsorted(curve["time"], moment, side="right") - 1
            left = np.searchsorted(curve["time"], moment, side="left")
            risk = int(curve["at_risk"][left]) if left < len(curve["time"]) else 0
            values = (curve[key][place] for key in ("survival", "low", "high"))
            rows.append([str(NAMES[name]), f"{moment:.4g}", interval_text(*values), risk])
    return Figure(
        lead=_("How well the predicted risk parts those who have the event early from those who have it late."),
        note=_("Kaplan-Meier of thirds of the predicted risk; bands: 95 % (log-log, Greenwood)."),
        alt=_("Survival over time in three groups of predicted risk; the table has values and numbers at risk."),
        header=[_("Group"), time, _("Survival"), _("At risk")],
        rows=rows,
        data=data,
        layout={"xaxis": axis(time, rangemode="tozero"), "yaxis": axis(_("Survival"), range=[0, 1.01]), "height": 420},
    )  # fmt: skip
