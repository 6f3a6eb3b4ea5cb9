"""Two to six entries of a board side by side."""

from types import SimpleNamespace

from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard import benchmarks as library
from leaderboard import compare as comparisons
from leaderboard import forest, standings
from leaderboard.views import boards, refusals

OFFERED = 50  # entries to choose among


@require_safe
@refusals.page
def compare(request, slug):
    found = library.find(slug, request.user, request.GET.get("version"))
    metric, subset = request.GET.get("metric", ""), request.GET.get("subset", "")
    chosen = [int(pk) for pk in request.GET.getlist("s") if pk.isdecimal() and len(pk) < 19]
    board = standings.table(found, request.user, metric=metric or None, subset=subset or None, whole=False)
    if not chosen and len(board.ranked) >= comparisons.LEAST:
        chosen = [entry.submission.pk for entry in board.ranked[:3]]
    made = None
    if chosen:
        made = comparisons.of(found, request.user, chosen, metric=metric, subset=subset)
    axis, pairs = _pairs(made)
    context = {
        "benchmark": found, "board": board, "offered": board.ranked[:OFFERED], "chosen": chosen, "made": made, "pairs": pairs,
        "axis": axis, "least": comparisons.LEAST, "most": comparisons.MOST,
        "tabs": [(m, boards.query(version=request.GET.get("version"), metric=m.name, s=chosen)) for m in board.metrics],
        "readers": [(made.entries[row["entry"]], row) for row in made.readers] if made else [],
    }  # fmt: skip
    return render(request, "leaderboard/compare.html", context)


def _pairs(made):
    """Each difference on one axis; zero is the strong line."""
    if made is None:
        return forest.UNIT, []
    numbers = [
        float(t.replace("\N{MINUS SIGN}", "-")) for p in made.pairs for t in (p.text, p.low_text, p.high_text) if t
    ]
    axis = forest.fit([*numbers, 0.0], chance=0.0, about=3)
    rows = []
    for pair in made.pairs:
        ends = [
            float(t.replace("\N{MINUS SIGN}", "-")) if t else None for t in (pair.text, pair.low_text, pair.high_text)
        ]
        score = SimpleNamespace(value=ends[0], low=ends[1], high=ends[2], few=False, reason="", text=pair.text,
                                low_text=pair.low_text, high_text=pair.high_text)  # fmt: skip
        rows.append((pair, forest.cell(score, axis, pair.a.evidence)))
    return axis, rows
