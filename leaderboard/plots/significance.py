"""Which of the leading entries is significantly better than which: the same max-T as the ranks of the board."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leaderboard import access
from leaderboard.plots.forest_plot import distinct
from leaderboard.plots.registry import Figure, label, plot

SHOWN = 40


@plot(title=gettext_lazy("Pairwise significance"), about="board", made_of=access.FINER, order=13)
def significance(board) -> Figure | None:
    shown = [entry for entry in board.ranked if entry.submission.pk in board.worse][:SHOWN]
    if len(shown) < 2:
        return None
    pks = [entry.submission.pk for entry in shown]
    names = distinct([label(entry.name) for entry in shown])
    signs = [[(b in board.worse[a]) - (a in board.worse[b]) for b in pks] for a in pks]
    pairs = sum(sign == 1 for row in signs for sign in row)
    words = {"pairs": pairs, "all": len(pks) * (len(pks) - 1) // 2}
    told = {1: _("better"), -1: _("worse"), 0: _("not told apart")}
    return Figure(
        lead=_("%(pairs)d of %(all)d pairs can be told apart.") % words,
        note=_("The row against the column, by one studentised max-T over all pairs, 95 %."),
        alt=_("A square of rows against columns; %(pairs)d of %(all)d pairs differ. The table has each.") % words,
        header=["", *(entry.name for entry in shown)],
        rows=[[e.name, *("" if i == j else told[sign] for j, sign in enumerate(row))] for i, (e, row) in enumerate(zip(shown, signs, strict=True))],
        data=[
            {"type": "heatmap", "z": signs, "x": names, "y": names, "showscale": False, "zmin": -1, "zmax": 1, "xgap": 2, "ygap": 2,
             "colorscale": [[0, "--p2"], [0.33, "--p2"], [0.34, "--sunk"], [0.66, "--sunk"], [0.67, "--p1"], [1, "--p1"]],
             "text": [[{1: "+", -1: "\N{MINUS SIGN}", 0: ""}[sign] for sign in row] for row in signs], "texttemplate": "%{text}",
             "hovertemplate": "%{y} / %{x}: %{text}<extra></extra>"}
        ],
        layout={
            "height": 240 + 24 * len(shown), "xaxis": {"type": "category", "tickangle": -90, "side": "bottom"},
            "yaxis": {"type": "category", "autorange": "reversed"},
        },
    )  # fmt: skip
