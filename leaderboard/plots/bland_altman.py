"""Agreement of one entry with the reference: difference against mean (Bland & Altman 1986)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, plot


@plot(title=gettext_lazy("Bland-Altman plot"), about="entry", made_of=access.FINER, kinds=("regression",), order=42)
def bland_altman(material) -> Figure | None:
    found = material.curves("bland_altman")
    if not found:
        return None
    points = found[""]
    names = (_("lower limit of agreement"), _("bias"), _("upper limit of agreement"))
    lines = [
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": {"width": 2 if i == 1 else 1.5, "dash": "solid" if i == 1 else "dash", "color": "--p2"}}
        for i, value in enumerate(points["limits"])
    ]  # fmt: skip
    bands = [
        {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "line": {"width": 0}, "fillcolor": "--p2/0.12", "layer": "below"}
        for low, high in zip(points["low"], points["high"], strict=True)
    ]  # fmt: skip
    rows = [
        [name, f"{value:.4g}", f"{low:.4g}", f"{high:.4g}"]
        for name, value, low, high in zip(names, points["limits"], points["low"], points["high"], strict=True)
    ]
    words = {"bias": rows[1][1], "low": rows[0][1], "high": rows[2][1]}
    return Figure(
        lead=_("The answer is %(bias)s too high on average; 95 %% of the differences lie between %(low)s and %(high)s.") % words,
        note=_("Answer minus reference against their mean, one point a case, at most 1,500 of them; bands: 95 %, patients resampled."),
        alt=_("Differences scattered around a bias of %(bias)s, limits %(low)s and %(high)s.") % words,
        header=["", _("Value"), _("Low"), _("High")],
        rows=rows,
        data=[
            {"type": "scatter", "mode": "markers", "showlegend": False, "x": points["mean"], "y": points["difference"],
             "marker": {"size": 5, "color": "--p1", "opacity": 0.6}, "hovertemplate": "%{x:.4g}: %{y:.4g}<extra></extra>"}
        ],
        layout={"xaxis": axis(_("Mean of answer and reference")), "yaxis": axis(_("Answer minus reference")), "shapes": [*bands, *lines], "height": 420},
    )  # fmt: skip
