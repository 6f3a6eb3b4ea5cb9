"""The Ladder of a competition: which public scores are released while it runs.

A team's first score is released, and then only those that beat its best by more than the standard error of the paired
difference on the public cases (Blum & Hardt 2015, ICML, arXiv 1502.04585, on the shared resamples, so that it holds for
every metric). What is held back shows nothing at all, so that small steps teach nothing of the labels.
"""

import functools

import numpy as np

from evaluators.metrics import METRICS
from evaluators.models import Run
from leaderboard.models import Benchmark, Competition, Submission
from zoo import blobs

FEWEST = 100  # resamples in which both are defined


def held_back(benchmark: Benchmark) -> frozenset[int]:
    """Submissions whose scores are not released: none without the Ladder, and none after the reveal."""
    if not benchmark.sealed or not Competition.objects.filter(benchmark=benchmark, ladder=True).exists():
        return frozenset()
    rows = Submission.objects.filter(benchmark=benchmark, run__status=Run.Status.SCORED).exclude(contest_team=None)
    rows = rows.order_by("run__finished", "run", "pk").values_list("contest_team", "pk", "run", "run__details")
    teams: dict[int, list] = {}
    for team, pk, run, details in rows:
        teams.setdefault(team, []).append((pk, run, details))
    held = set()
    for handed_in in teams.values():
        climbed = _climbed(benchmark.primary_metric, tuple(dict.fromkeys((run, sha) for _, run, sha in handed_in)))
        held |= {pk for pk, run, _ in handed_in if run not in climbed}
    return frozenset(held)


@functools.lru_cache(maxsize=4096)
def _climbed(metric: str, runs: tuple[tuple[int, str], ...]) -> frozenset[int]:
    """Of one team's runs, in the order they were scored, those that climb."""
    climbed, best = [], None
    for run, details in runs:
        score = Run.objects.get(pk=run).scores.filter(metric=metric, subset="public", part="").first()
        if score is None or score.value is None:
            continue
        mine = (_good(METRICS[metric], score.value), _good(METRICS[metric], _resampled(details, metric)))
        if best is None or climbs(mine, best):
            best = mine
            climbed.append(run)
    return frozenset(climbed)


def climbs(mine: tuple[float, np.ndarray], best: tuple[float, np.ndarray]) -> bool:
    """Whether a value beats the best by more than one standard error of the paired difference; larger is better.

    mine, best: (value, resampled values (B,) on the same draws).
    """
    (value, resampled), (top, before) = mine, best
    if len(resampled) != len(before):
        return False
    difference = resampled - before
    difference = difference[np.isfinite(difference)]
    return len(difference) >= FEWEST and bool(value > top + difference.std(ddof=1))


def _good(metric, values):
    if metric.direction == "target":
        return -np.abs(np.asarray(values, float) - metric.best)
    return np.asarray(values, float) * (1 if metric.direction == "higher" else -1)


def _resampled(details: str, metric: str) -> np.ndarray:
    if not details:
        return np.zeros(0)
    with blobs.open(details) as file, np.load(file, allow_pickle=False) as arrays:
        name = f"resampled:{metric}:public"
        return np.asarray(arrays[name], float) if name in arrays else np.zeros(0)
