"""The benchmarks of one task together: teams by their mean rank, each benchmark weighing the same.

A team stands here with its ranked entry on every benchmark of the task; one that is missing somewhere is listed without a
mean. Ranks are those that this viewer sees on the boards.
"""

from dataclasses import dataclass

from leaderboard import standings
from leaderboard.models import Benchmark

MOST = 12  # benchmarks


@dataclass(frozen=True)
class Row:
    """One team. `ranks`: (rank, entries ranked) on each benchmark, or None; `mean`: None where one is missing."""

    place: int | None
    name: str
    ranks: list[tuple[int, int] | None]
    mean: float | None


def of(benchmarks: list[Benchmark], viewer) -> tuple[list[Benchmark], list[Row]]:
    """(benchmarks, rows); no rows where fewer than two benchmarks have ranked entries of others than baselines."""
    shown, teams = [], {}
    for benchmark in [one for one in benchmarks if one.status != Benchmark.Status.DRAFT][:MOST]:
        board = standings.table(benchmark, viewer, whole=False)
        ranked = [entry for entry in board.ranked if not entry.baseline]
        if not ranked:
            continue
        shown.append(benchmark)
        for entry in ranked:
            teams.setdefault(entry.submission.by, {}).setdefault(benchmark.pk, (entry.rank, len(board.ranked)))
    if len(shown) < 2:
        return shown, []
    found = []
    for name, ranks in teams.items():
        own = [ranks.get(benchmark.pk) for benchmark in shown]
        found.append((name, own, sum(rank for rank, _ in own) / len(own) if all(own) else None))
    means = [mean for *_, mean in found if mean is not None]
    rows = [
        Row(1 + sum(m < mean for m in means) if mean is not None else None, name, own, mean)
        for name, own, mean in found
    ]
    return shown, sorted(rows, key=lambda row: (row.mean is None, row.mean or 0, row.name.casefold()))
