"""For whom an entry fails: its score in each group of each column, the worst group, and the gap between worst and best.

For whom finer things are (access.sees_finer). Groups with fewer than ten events have no score, and say so.
"""

import math
from dataclasses import dataclass, field

from evaluators.metrics.registry import Metric
from evaluators.models import Score
from leaderboard.ranking import goodness
from leaderboard.rounding import ReleasedScore, release, text

ENTRIES = 6  # side by side
Z = 1.959963984540054


@dataclass(frozen=True)
class Gap:
    """Best group minus worst; groups are other patients, so their errors add up."""

    worst: str
    best: str
    text: str
    low_text: str
    high_text: str


@dataclass
class Column:
    """One column of groups. `groups`: (value, n, patients, [score of each entry, or None])."""

    name: str
    groups: list[tuple[str, int, int, list[ReleasedScore | None]]] = field(default_factory=list)
    gaps: list[Gap | None] = field(default_factory=list)  # of each entry


def of(board) -> list[Column]:
    """The columns of a board's groups for its leading entries, by the primary metric; [] where they are not for this viewer."""
    names = board.benchmark.package.manifest.get("groups") or []
    shown = board.ranked[:ENTRIES]
    if not board.finer or not names or not shown or board.metric is not board.metrics[0]:
        return []
    metric, step = board.metric, board.benchmark.steps.get(board.metric.name)
    runs = [entry.run.pk for entry in shown]
    rows = Score.objects.filter(run__in=runs, metric=metric.name, part="", subset__contains="=")
    by = {(row.subset, row.run_id): row for row in rows}
    return [_column(name, shown, by, metric, step, board.exact) for name in names]


def _column(name: str, shown, by: dict, metric: Metric, step, exact: bool) -> Column:
    column = Column(name)
    for subset in sorted({subset for subset, _ in by if subset.startswith(f"{name}=")}):
        rows = [by.get((subset, entry.run.pk)) for entry in shown]
        first = next(row for row in rows if row)
        scores = [release(row, step, exact) if row else None for row in rows]
        column.groups.append((subset.partition("=")[2], first.n, first.patients, scores))
    for place, entry in enumerate(shown):
        own = [
            (value, by.get((f"{name}={value}", entry.run.pk)), scores[place]) for value, _, _, scores in column.groups
        ]
        column.gaps.append(_gap(own, metric, step))
    return column


def _gap(own, metric: Metric, step) -> Gap | None:
    known = [(value, row, score) for value, row, score in own if score and score.value is not None]
    if len(known) < 2:
        return None
    known.sort(key=lambda item: goodness(metric, item[2].value))
    (worst, low, a), (best, high, b) = known[0], known[-1]
    gap = abs(b.value - a.value)
    if low.error is None or high.error is None:
        return Gap(worst, best, text(gap, step), "", "")
    half = Z * math.hypot(low.error, high.error)
    return Gap(worst, best, text(gap, step), text(gap - half, step), text(gap + half, step))
