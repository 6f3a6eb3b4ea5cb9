"""How often each class was taken for each other by one entry."""

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.registry import Figure, axis, label, plot


@plot(title=gettext_lazy("Confusion matrix"), about="entry", made_of=access.FINER, kinds=("classification",), order=23)
def confusion(material) -> Figure | None:
    found = material.curves("confusion")
    if not found:
        return None
    counts, names = found[""]["counts"], material.manifest["classes"]
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    short = [label(name) for name in names]
    off = counts.copy()
    np.fill_diagonal(off, 0)
    truth, taken = np.unravel_index(off.argmax(), off.shape)
    words = {"truth": names[truth], "taken": names[taken], "n": int(off[truth, taken])}
    lead = (
        _("Most often “%(truth)s” is taken for “%(taken)s”: %(n)d cases.")
        if words["n"]
        else _("No case is taken for another class.")
    )
    return Figure(
        lead=lead % words,
        note=_("Cases by truth (rows) and most probable class (columns); shade: share of the row."),
        alt=_("%(right)d of %(all)d cases lie on the diagonal; the table has all counts.") % {"right": int(np.trace(counts)), "all": int(counts.sum())},
        header=[_("Truth"), *names],
        rows=[[name, *(int(count) for count in row)] for name, row in zip(names, counts, strict=True)],
        data=[
            {"type": "heatmap", "z": shares, "x": short, "y": short, "zmin": 0, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2,
             "colorscale": [[0, "--sunk"], [0.01, "--h1"], [0.25, "--h3"], [0.6, "--h4"], [1, "--h5"]],
             "text": [[str(int(count)) for count in row] for row in counts] if len(names) <= 20 else [], "texttemplate": "%{text}",
             "hovertemplate": "%{y} → %{x}: %{z:.2f}<extra></extra>"}
        ],
        layout={
            "height": 180 + 36 * min(len(names), 20), "xaxis": axis(_("Predicted"), type="category"),
            "yaxis": axis(_("Truth"), type="category", autorange="reversed"),
        },
    )  # fmt: skip
