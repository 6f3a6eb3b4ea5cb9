"""How often each of the leading entries takes each rank over the resamples."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.forest_plot import distinct
from leaderboard.plots.registry import Figure, axis, label, plot

SHOWN = 30


@plot(title=gettext_lazy("Rank stability"), about="board", made_of=access.FINER, order=12)
def rank_stability(board) -> Figure | None:
    shown = [(e, board.stability[e.submission.pk]) for e in board.ranked if e.submission.pk in board.stability][:SHOWN]
    if len(shown) < 2:
        return None
    names = distinct([label(entry.name) for entry, _shares in shown])
    ranks = min(SHOWN, max(len(shares) for _e, shares in shown))
    shares = [list(row[:ranks]) for _e, row in shown]
    points = [
        (rank + 1, name, share)
        for name, row in zip(names, shares, strict=True)
        for rank, share in enumerate(row)
        if share
    ]
    first = shares[0][0]
    return Figure(
        lead=_("%(name)s is first in %(share)d %% of the resamples.") % {"name": shown[0][0].name, "share": first},
        note=_("The area of a disc is the share of resamples in which an entry takes a rank."),
        alt=_("Entries by rank; the table has the shares."),
        header=[_("Entry"), *(str(rank + 1) for rank in range(ranks))],
        rows=[[e.name, *(f"{share} %" if share else "" for share in row)] for (e, _s), row in zip(shown, shares, strict=True)],
        data=[
            {"type": "scatter", "mode": "markers", "showlegend": False, "x": [p[0] for p in points], "y": [p[1] for p in points],
             "text": [f"{p[2]} %" for p in points], "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>",
             "marker": {"size": [p[2] for p in points], "sizemode": "area", "sizeref": 0.25, "sizemin": 1.5, "color": "--accent", "opacity": 0.85, "line": {"width": 0}}}
        ],
        layout={
            "xaxis": axis(_("Rank"), dtick=1 if ranks <= 15 else 5, range=[0.4, ranks + 0.6]), "height": 110 + 26 * len(shown),
            "yaxis": {"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        },
    )  # fmt: skip
