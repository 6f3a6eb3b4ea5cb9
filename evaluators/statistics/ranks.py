"""Who is better than whom: ranks with intervals from one studentised max-T over all pairs on the shared resamples.

Guarantees that two entries that cannot be told apart are never split, at a chance of 5 % over the whole field.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evaluators.kernels import LANES, pairs, sums
from evaluators.statistics.draws import Draws, draw, patients_of
from evaluators.statistics.paired import wilcoxon

DECIMALS = 12  # means are compared after rounding, so that the order of summation cannot break an exact tie


@dataclass(frozen=True)
class Ranks:
    """Ranks (K,) by value, their simultaneous intervals, who is tied with the first, and which pairs differ."""

    rank: np.ndarray  # (K,) int, 1 is best; equal values share the lower number; 0: no value, unranked
    low: np.ndarray  # (K,) int
    high: np.ndarray
    tied_with_first: np.ndarray  # (K,) bool: not significantly worse than the first
    significant: np.ndarray  # (K, K) bool: row is significantly better than column
    critical: float  # of the studentised differences
    standard_error: np.ndarray  # (K, K) of each paired difference


def max_t(values, resampled, direction: str = "higher", level: float = 0.95, patients: int | None = None) -> Ranks:
    """All-pairs studentised max-T (Mogstad, Romano, Shaikh & Wilhelm 2024, Rev Econ Stud, doi:10.1093/restud/rdad006).

    values (K,), resampled (K, B) on the same resamples; NaN values are unranked, resamples with any NaN among the ranked
    are dropped. Rank interval: 1 + number significantly better ... K - number significantly worse. Identical entries
    (no difference on any resample) are tied. With `patients` (how many were resampled) standard errors and critical value are
    corrected for a small sample, as Student's t does.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(3, 2000))
    >>> found = max_t([9.0, 9.1, 1.0], noise + [[9.0], [9.1], [1.0]])
    >>> found.rank.tolist(), found.low.tolist(), found.high.tolist()
    ([2, 1, 3], [1, 1, 3], [2, 2, 3])
    """
    values, resampled = np.asarray(values, np.float64), np.asarray(resampled, np.float64)
    if values.ndim != 1 or resampled.ndim != 2 or len(resampled) != values.size:
        raise ValueError(f"values {values.shape} and resampled {resampled.shape}; expected (K,) and (K, B)")
    ranked = np.flatnonzero(~np.isnan(values))
    sign = -1.0 if direction == "lower" else 1.0
    v, r = sign * values[ranked], sign * resampled[ranked]
    if np.isnan(r).any():
        r = r[:, ~np.isnan(r).any(axis=0)]
    k = ranked.size
    error, significant, critical = np.zeros((k, k)), np.zeros((k, k), bool), np.inf
    if k > 1 and r.shape[1] > 1:
        error, centred = paired_errors(r)
        critical = _critical(v, r, centred, error, level)
        if patients is not None and patients > 1:
            error = error * np.sqrt(patients / (patients - 1))
            critical = float(stats.t.isf(stats.norm.sf(critical), patients - 1))
        significant = (v[:, None] - v[None, :] > critical * error) & (error > 0)
    return _spread(values.size, ranked, v, significant, critical, error)


def paired_errors(resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of every paired difference, (K, K), from resampled (K, B); and the values centred, (K, B)."""
    centred = resampled - resampled.mean(axis=1, keepdims=True)
    cov = centred @ centred.T / (resampled.shape[1] - 1)
    spread = np.diag(cov)
    squared = spread[:, None] + spread[None, :] - 2 * cov
    floor = 1e-12 * (spread[:, None] + spread[None, :])
    return np.sqrt(np.where(squared > floor, squared, 0)), centred


def _critical(v, r, centred, error, level) -> float:
    """The `level` quantile over resamples of the largest studentised distance of a difference from the observed one."""
    moved = centred + (r.mean(axis=1) - v)[:, None]
    inverse = np.divide(1.0, error, out=np.zeros_like(error), where=error > 0)
    found, many = np.zeros((1, LANES)), r.shape[1]
    tops = np.empty(many)
    for start in range(0, many, LANES):
        block = np.zeros((len(v), LANES))
        width = min(LANES, many - start)
        block[:, :width] = moved[:, start : start + width]
        pairs.largest(block, inverse, found)
        tops[start : start + width] = found[0, :width]
    return float(np.quantile(tops, level, method="higher"))


def _spread(k_all, ranked, v, significant, critical, error) -> Ranks:
    k = ranked.size
    rank, low, high = (np.zeros(k_all, int) for _ in range(3))
    rank[ranked] = 1 + (v[None, :] > v[:, None]).sum(axis=1)
    low[ranked] = 1 + significant.sum(axis=0)
    high[ranked] = k - significant.sum(axis=1)
    tied, full, errors = np.zeros(k_all, bool), np.zeros((k_all, k_all), bool), np.full((k_all, k_all), np.nan)
    if k:
        tied[ranked] = ~significant[np.argmax(v)]
        full[np.ix_(ranked, ranked)], errors[np.ix_(ranked, ranked)] = significant, error
    return Ranks(rank, low, high, tied, full, critical, errors)


def order(values, direction: str = "higher") -> np.ndarray:
    """Ranks (K,) of values, equal ones sharing the lower number; NaN is last and gets 0.

    >>> order([0.7, float("nan"), 0.9, 0.7]).tolist()
    [2, 0, 1, 2]
    """
    v = np.round(np.asarray(values, np.float64) * (-1 if direction == "lower" else 1), DECIMALS)
    rank = 1 + (v[None, :] > v[:, None]).sum(axis=1)
    return np.where(np.isnan(v), 0, rank)


@dataclass(frozen=True)
class Ranking:
    """Ranks under three schemes, how alike the schemes are, max-T intervals and the rank histogram over resamples."""

    ranks: dict[str, np.ndarray]  # mean_then_rank, rank_then_mean, test_then_rank: (K,) int
    kendall: dict[tuple[str, str], float]  # tau-b between each two schemes
    max_t: Ranks
    histogram: np.ndarray  # (K, K) int: how often entry i was ranked j + 1
    resampled: np.ndarray  # (K, B) means on each resample

    @property
    def tied_with_first(self) -> np.ndarray:
        return self.max_t.tied_with_first


def rank(
    values,
    groups=None,
    direction: str = "higher",
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    alpha: float = 0.05,
    draws: Draws | None = None,
    tests: bool = True,
) -> Ranking:
    """Rank entries from per-case values (entries, cases): three schemes, max-T intervals, tie group, stability histogram.

    groups (cases,): the patient of each case. NaN: a case that does not count for that entry. `draws`: resamples made
    elsewhere. `tests=False` leaves out test_then_rank (one Wilcoxon test a pair, slow for many entries).

    >>> found = rank([[0.9, 0.8, 0.9], [0.5, 0.6, 0.4]], resamples=200)
    >>> found.ranks["mean_then_rank"].tolist()
    [1, 2]
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"values: shape {values.shape}; expected (entries, cases)")
    codes, patients = patients_of(groups, values.shape[1])
    draws = draws or draw(patients, resamples, seed)
    there = ~np.isnan(values)
    means = _Means(values, there)
    resampled = draws.apply(means, codes)
    observed = means.of(means.columns.sum(axis=1, keepdims=True))[:, 0]
    schemes = {"mean_then_rank": order(observed, direction), "rank_then_mean": rank_then_mean(values, direction)}
    if tests:
        schemes["test_then_rank"] = test_then_rank(values, direction, alpha)
    names = list(schemes)
    kendall = {(a, b): kendall_tau(schemes[a], schemes[b]) for i, a in enumerate(names) for b in names[i + 1 :]}
    found = max_t(observed, resampled, direction, level, patients)
    return Ranking(schemes, kendall, found, histogram(resampled, direction), resampled)


class _Means:
    """Means of values (K, n) on resamples; where nothing is missing one count of rows serves all entries."""

    def __init__(self, values, there):
        self.k, self.whole = len(values), bool(there.all())
        counts = np.ones((1, values.shape[1])) if self.whole else there.astype(np.float64)
        self.columns = np.ascontiguousarray(np.concatenate([np.where(there, values, 0.0), counts]))

    def of(self, totals):
        tops, counts = totals[: self.k], np.broadcast_to(totals[self.k :], totals[: self.k].shape)
        return np.divide(tops, counts, out=np.full(tops.shape, np.nan), where=counts > 0)

    def __call__(self, weights):
        return self.of(sums.summed(self.columns, weights))


def histogram(resampled, direction: str = "higher") -> np.ndarray:
    """How often each entry takes each rank, (K, K) int, from resampled values (K, B); undefined resamples are left out."""
    v = np.round(np.asarray(resampled, np.float64) * (-1 if direction == "lower" else 1), DECIMALS)
    v = v[:, ~np.isnan(v).any(axis=0)]
    out, found = np.zeros((len(v), len(v)), np.int64), np.empty((len(v), LANES))
    for start in range(0, v.shape[1], LANES):
        width = min(LANES, v.shape[1] - start)
        block = np.zeros((len(v), LANES))
        block[:, :width] = v[:, start : start + width]
        pairs.ranks(block, found)
        pairs.histogram(found, np.int64(width), out)
    return out


def rank_then_mean(values, direction: str = "higher") -> np.ndarray:
    """Rank the entries on each case (equal ones share the mean rank; missing ones are last), then rank the mean ranks."""
    v = np.asarray(values, np.float64) * (-1 if direction == "lower" else 1)
    v = np.where(np.isnan(v), -np.inf, v)
    per_case = np.array(
        [1 + (v > own).sum(axis=0) + ((v == own).sum(axis=0) - 1) / 2 for own in v]
    )  # (K, n), mean rank of ties
    return order(per_case.mean(axis=1), "lower")


def test_then_rank(values, direction: str = "higher", alpha: float = 0.05) -> np.ndarray:
    """Rank by how many others an entry beats in a one-sided Wilcoxon test at `alpha`, uncorrected (challengeR)."""
    v = np.asarray(values, np.float64) * (-1 if direction == "lower" else 1)
    wins = np.zeros(len(v), int)
    for i, a in enumerate(v):
        for j, b in enumerate(v):
            there = ~np.isnan(a - b)
            if i != j and there.any():
                wins[i] += wilcoxon((a - b)[there], "greater") < alpha
    return order(wins)


test_then_rank.__test__ = False  # a scheme, not a test to collect


def kendall_tau(a, b) -> float:
    """Kendall's tau-b of two rankings (Kendall 1945, Biometrika 33:239); NaN when one of them has only ties.

    >>> round(kendall_tau([4, 2, 1, 3, 5], [4, 1, 1, 3, 5]), 6)
    0.948683
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    i, j = np.triu_indices(a.size, 1)
    da, db = np.sign(a[i] - a[j]), np.sign(b[i] - b[j])
    spread = np.sqrt((da != 0).sum() * (db != 0).sum())
    return float((da * db).sum() / spread) if spread else float("nan")
