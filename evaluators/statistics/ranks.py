"""Who is better than whom: ranks with intervals from one studentised max-T over all pairs on the shared resamples."""

from dataclasses import dataclass

import numpy as np


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


def max_t(values, resampled, direction: str = "higher", level: float = 0.95) -> Ranks:
    """All-pairs studentised max-T (Mogstad, Romano, Shaikh & Wilhelm 2024, Rev Econ Stud, doi:10.1093/restud/rdad006).

    values (K,), resampled (K, B) on the same resamples; NaN values are unranked, resamples with any NaN among the ranked
    are dropped. Rank interval: 1 + number significantly better ... K - number significantly worse.
    """
    values, resampled = np.asarray(values, np.float64), np.asarray(resampled, np.float64)
    k_all = values.size
    if resampled.shape[:1] != (k_all,) or resampled.ndim != 2:
        raise ValueError(f"resampled has shape {resampled.shape}, expected ({k_all}, B)")
    ranked = np.flatnonzero(~np.isnan(values))
    sign = -1.0 if direction == "lower" else 1.0
    v, r = sign * values[ranked], sign * resampled[ranked]
    r = r[:, ~np.isnan(r).any(axis=0)]
    k = ranked.size
    error, significant, critical = np.zeros((k, k)), np.zeros((k, k), bool), np.inf
    if k > 1 and r.shape[1] > 1:
        error = paired_errors(r)
        critical = critical_value(v, r, error, level)
        difference = v[:, None] - v[None, :]
        significant = difference > np.where(error > 0, critical * error, np.abs(v).max() * 1e-12)
    return _spread(k_all, ranked, v, significant, critical, error)


def paired_errors(resampled: np.ndarray) -> np.ndarray:
    """Standard deviation of every paired difference, (K, K), from resampled (K, B)."""
    centred = resampled - resampled.mean(axis=1, keepdims=True)
    cov = centred @ centred.T / (resampled.shape[1] - 1)
    spread = np.diag(cov)
    squared = spread[:, None] + spread[None, :] - 2 * cov
    floor = 1e-14 * (spread[:, None] + spread[None, :])
    return np.sqrt(np.where(squared > floor, squared, 0))


def critical_value(v, r, error, level) -> float:
    """The `level` quantile over resamples of the largest studentised absolute difference from the observed one."""
    largest = np.zeros(r.shape[1])
    centred = r - v[:, None]
    for i in range(len(v) - 1):
        e = error[i, i + 1 :, None]
        t = np.abs(centred[i] - centred[i + 1 :])
        np.maximum(largest, np.divide(t, e, out=np.zeros_like(t), where=e > 0).max(axis=0), out=largest)
    return float(np.quantile(largest, level))


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


def smallest_resolvable_difference(standard_error) -> float:
    """2.8 x the standard error of the paired difference of the two leading entries: found with a power of 80 %.

    standard_error: of that difference, or (before there are two entries) of one value, given as a pair `(se, None)`,
    where a correlation of 0.5 between entries makes the two the same.

    >>> round(smallest_resolvable_difference(0.01), 6)
    0.028
    """
    if isinstance(standard_error, tuple):
        standard_error = standard_error[0]
    return 2.8 * float(standard_error)
