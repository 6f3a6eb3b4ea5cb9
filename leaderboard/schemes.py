"""The ranking schemes of the field on one board, and how far they agree: aggregate then rank, rank then aggregate, tests.

Where a metric is a mean of cases, ranks are made case by case and the tests are Wilcoxon's; else resamples take the place of
cases (an AUROC has no value of a single case). A worker makes it; for whom finer things are.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from evaluators import statistics
from evaluators.metrics import METRICS
from evaluators.statistics import ranks
from leaderboard import cases, computations, ranking
from leaderboard.models import Benchmark
from zoo import blobs

MOST = 30  # of the leading entries
METHOD = "schemes 1"
NAMES = ("mean_then_rank", "rank_then_mean", "test_then_rank")


@dataclass(frozen=True)
class Schemes:
    """Ranks of each entry under NAMES, sorted by one of them; Kendall's tau-b of each two."""

    rows: list[tuple[object, list[int]]]
    taus: list[tuple[str, str, float | None]]
    by_case: bool
    chosen: str


def of(board, chosen: str = "") -> Schemes | None:
    """None where it is not for this viewer, nothing is to compare, or a worker still makes it."""
    shown = [entry for entry in board.ranked if entry.run.details and entry.safety != "broken"][:MOST]
    if not board.finer or len(shown) < 3:
        return None
    state = [(entry.submission.pk, entry.run.pk, entry.run.details) for entry in shown]
    content, fresh = computations.find(
        board.benchmark, f"schemes {board.metric.name} {board.subset}",
        computations.digest(METHOD, board.metric.name, board.subset, state),
        lambda: {"metric": board.metric.name, "subset": board.subset, "entries": state}, len(shown) * 20_000,
    )  # fmt: skip
    if not fresh or content is None:
        return None
    chosen = chosen if chosen in NAMES else NAMES[0]
    by = {pk: [content["ranks"][name][place] for name in NAMES] for place, pk in enumerate(content["entries"])}
    rows = sorted(((entry, by[entry.submission.pk]) for entry in shown), key=lambda row: row[1][NAMES.index(chosen)])
    return Schemes(rows, [tuple(item) for item in content["kendall"]], content["by_case"], chosen)


@computations.makes("schemes")
def make(benchmark: Benchmark, ask: dict) -> dict:
    """Ranks under each scheme, of entries [(submission, run, details)]."""
    metric, details = METRICS[ask["metric"]], [sha256 for _, _, sha256 in ask["entries"]]
    direction = "lower" if metric.direction == "lower" else "higher"
    values = [_per_case(sha256, metric.name) for sha256 in details]
    # Without the case list nothing is resampled by patient: what the runs left of their own resamples stands in.
    by_case = all(value is not None for value in values) and "cases.csv" in benchmark.package.files
    if by_case:
        mask = cases.chosen(benchmark.package, ask["subset"])
        patients = np.asarray(cases.of(benchmark.package).patients)[mask]
        found = statistics.rank(np.stack(values)[:, mask], patients, direction, resamples=200)
        made = {name: found.ranks[name].tolist() for name in NAMES}
    else:
        made = _by_resamples(ranking.resampled_values(metric.name, ask["subset"], details), metric, direction)
    taus = [(a, b, statistics.kendall_tau(made[a], made[b])) for a, b in itertools.combinations(NAMES, 2)]
    taus = [(a, b, tau if np.isfinite(tau) else None) for a, b, tau in taus]
    return {"entries": [pk for pk, _, _ in ask["entries"]], "ranks": made, "kendall": taus, "by_case": by_case}


def _per_case(sha256: str, metric: str) -> np.ndarray | None:
    """Mean over labels of each case, (n,); None where the run left none."""
    with blobs.open(sha256) as file, np.load(file, allow_pickle=False) as arrays:
        parts = [arrays[name] for name in arrays.files if name.startswith(f"per_case:{metric}:")]
    if not parts:
        return None
    stacked = np.stack(parts)
    there = ~np.isnan(stacked)
    count = there.sum(axis=0)
    return np.divide(np.where(there, stacked, 0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)


def _by_resamples(resampled: np.ndarray, metric, direction: str) -> dict[str, list[int]]:
    if metric.direction == "target":
        resampled, direction = -np.abs(resampled - metric.best), "higher"
    resampled = resampled[:, np.isfinite(resampled).all(axis=0)]
    good = resampled if direction == "higher" else -resampled
    better = (good[:, None, :] > good[None, :, :]).mean(axis=2)  # share of resamples in which row beats column
    wins = (better > 0.95).sum(axis=1)
    made = (ranks.order(good.mean(axis=1)), ranks.rank_then_mean(good), ranks.order(wins))
    return {name: one.tolist() for name, one in zip(NAMES, made, strict=True)}
