"""What corrupted copies of the inputs do to the score of one network, by kind and severity."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, colour, dash, label, plot


@plot(title=gettext_lazy("Robustness"), about="entry", made_of=access.FINER, order=50)
def robustness(material) -> Figure | None:
    """From `robustness:<corruption>` (severities + 1,) in the run's details: the primary metric, first without corruption."""
    found = {name: values for name, values in sorted(material.starting("robustness:").items()) if len(values) > 1}
    if not found:
        return None
    metric = material.metrics[0]
    drops = {name: float(values[-1] - values[0]) for name, values in found.items()}
    worst = (max if metric.direction == "lower" else min)(drops, key=drops.get)
    return Figure(
        lead=_("Under the strongest “%(name)s” the score changes by %(drop)s.") % {"name": worst, "drop": f"{drops[worst]:+.2f}".replace("-", "\N{MINUS SIGN}")},
        note=_("%(metric)s on corrupted copies of the public inputs, by severity; 0 is the inputs as they are.") % {"metric": metric.title},
        alt=_("Score by severity for each kind of corruption; the table has all values."),
        header=[_("Corruption"), *(str(level) for level in range(max(map(len, found.values()))))],
        rows=[[name, *(f"{value:.3f}" for value in values)] for name, values in found.items()],
        data=[
            {"type": "scatter", "mode": "lines+markers", "name": label(name), "x": list(range(len(values))), "y": values,
             "line": {"color": colour(i), "width": 2, "dash": dash(i)}, "marker": {"size": 7, "color": colour(i)}, "hovertemplate": "%{x}: %{y:.3f}<extra></extra>"}
            for i, (name, values) in enumerate(found.items())
        ],
        layout={"xaxis": axis(_("Severity"), dtick=1), "yaxis": axis(metric.symbol), "height": 380},
    )  # fmt: skip
