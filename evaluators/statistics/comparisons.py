"""Two entries on the same cases: their difference with interval and p-value from the resamples they share."""

import numpy as np
from scipy.special import ndtri

from evaluators.metrics import METRICS, Metric
from evaluators.statistics import delong, intervals, paired
from evaluators.statistics.choice import CaseMeans
from evaluators.statistics.draws import draw, patients_of
from evaluators.statistics.estimates import UNDEFINED_SHARE, plan_of, size


def compare(
    metric: str | Metric,
    reference,
    a,
    b,
    groups=None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    method: str = "bootstrap",
    **parameters,
) -> tuple[float, float | None, float | None, float | None, str]:
    """(difference a - b, low, high, two-sided p, method) of a metric of two predictions `a` and `b` on the same cases.

    method: "bootstrap" (patients, shared by both; p is the smallest 1 - level whose percentile interval leaves out 0, never
    below 2 / (resamples + 1)), "delong" (binary AUROC of independent cases). Undefined differences give None.

    >>> y = np.arange(40) % 2
    >>> difference, low, high, p, method = compare("auroc", y, y + 0.0, 1.0 - y)
    >>> difference, p < 0.01
    (1.0, True)
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    difference = float(metric(reference, a, **parameters)) - float(metric(reference, b, **parameters))
    if method == "delong":
        return _delong(metric, reference, a, b, groups, level)
    if method != "bootstrap":
        raise ValueError(f"method: {method!r}; bootstrap or delong")
    codes, patients = patients_of(groups, size(reference))
    if np.isnan(difference) or patients < 2:
        return difference, None, None, None, ""
    draws = draw(patients, resamples, seed)
    both = [draws.apply(plan_of(metric, reference, one, parameters), codes) for one in (a, b)]
    resampled = both[0] - both[1]
    undefined = np.isnan(resampled)
    if undefined.sum() > UNDEFINED_SHARE * resampled.size:
        return difference, None, None, None, ""
    low, high = intervals.percentile(resampled, level)
    return difference, low, high, p_value(resampled[~undefined]), "paired bootstrap"


def p_value(resampled: np.ndarray) -> float:
    """Two-sided p of "the difference is 0" from resampled differences, by inverting the percentile interval."""
    below, above = (resampled <= 0).sum(), (resampled >= 0).sum()
    return float(min(1.0, 2 * (1 + min(below, above)) / (resampled.size + 1)))


def _delong(metric, reference, a, b, groups, level):
    if metric.name != "auroc" or np.ndim(reference) != 1 or groups is not None:
        raise ValueError("delong is for a binary AUROC with one case a patient")
    scores = [np.asarray(s, float)[:, 1] if np.ndim(s) == 2 else np.asarray(s, float) for s in (a, b)]
    auc, covariance = delong.delong(reference, scores)
    error = np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0))
    half = ndtri((1 + level) / 2) * error
    difference = float(auc[0] - auc[1])
    p = float(delong.delong_test(reference, scores)[1][0, 1])
    return difference, difference - half, difference + half, p, "DeLong"


def compare_cases(a, b, groups=None, resamples: int = 2000, seed: int = 0, level: float = 0.95, flips: int = 10_000):
    """(difference, low, high, p, method) of the mean of per-case values a, b (n,): bootstrap interval, sign-flip p."""
    d = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    there = ~np.isnan(d)
    if there.sum() < 2:
        return float("nan"), None, None, None, ""
    groups = None if groups is None else np.asarray(groups)[there]
    d = d[there]
    codes, patients = patients_of(groups, d.size)
    if patients < 2:
        return float(d.mean()), None, None, None, ""
    resampled = draw(patients, resamples, seed).apply(CaseMeans(d), codes)
    low, high = intervals.percentile(resampled, level)
    p = float(paired.sign_flip(d[None], flips, seed, groups)[0])
    return float(d.mean()), low, high, p, "paired bootstrap, sign-flip p"
