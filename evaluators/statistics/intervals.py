"""Confidence intervals: each a small function of what it needs, chosen per metric by measured coverage (docs/coverage.md).

Guarantees limits inside the range of the metric where it has one, low <= high, and no limit where none can be had.
"""

import numpy as np
from scipy.special import expit, ndtr, ndtri, stdtrit


def percentile(resampled: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of the resampled values, undefined ones dropped (Efron & Tibshirani 1993, ISBN 978-0412042317).

    >>> [round(x, 6) for x in percentile(np.arange(101.0), 0.9)]
    [5.0, 95.0]
    """
    tail = (1 - level) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def basic(value: float, resampled: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentiles mirrored at the value, which takes the bias of the resamples off (Davison & Hinkley 1997, chapter 5).

    For values that chance alone pushes up, such as a calibration error, which percentiles push up once more.
    """
    low, high = percentile(resampled, level)
    return 2 * value - high, 2 * value - low


def agresti(
    value: float, error: float, trials: float, level: float = 0.95, rarer: float = np.inf
) -> tuple[float, float]:
    """Agresti & Coull's centre with the bootstrap's error, never below the binomial one (Zhou & Qin 2005, doi:10.1002/sim.1563).

    For a proportion of `trials` at a threshold that was itself estimated. rarer: cases of the rarer class, for Student's t.

    >>> [round(x, 3) for x in agresti(1.0, 0.0, 20)]
    [0.81, 1.0]
    """
    z = float(stdtrit(max(rarer - 1, 2), (1 + level) / 2)) if np.isfinite(rarer) else ndtri((1 + level) / 2)
    shrink = trials / (trials + z**2)
    centre = value * shrink + 0.5 * (1 - shrink)
    half = z * max(error * shrink, np.sqrt(centre * (1 - centre) / (trials + z**2)))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def bca(value: float, resampled: np.ndarray, left_out: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected and accelerated percentiles (Efron 1987, JASA 82:171, doi:10.1080/01621459.1987.10478410).

    left_out: the value without each patient (or group of patients), which gives the acceleration.
    """
    resampled, left_out = resampled[~np.isnan(resampled)], left_out[~np.isnan(left_out)]
    below = np.clip(((resampled < value).mean() + (resampled <= value).mean()) / 2, 1e-6, 1 - 1e-6)
    bias, spread = ndtri(below), left_out.mean() - left_out
    cubes, squares = (spread**3).sum(), (spread**2).sum()
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    z = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(resampled, ndtr(bias + z / np.maximum(1 - acceleration * z, 0.05)))
    return float(low), float(high)


def studentised(value: float, error: float, ratios: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Bootstrap-t: ratios are (resampled value - value) / its own standard error (Efron & Tibshirani 1993, chapter 12)."""
    ratios = ratios[np.isfinite(ratios)]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(value - high * error), float(value - low * error)


def logit(value: float, error: float, level: float = 0.95, range_=(0.0, 1.0)) -> tuple[float, float]:
    """Normal on the logit scale of the metric's range, the standard error carried over by the delta method.

    >>> [round(x, 4) for x in logit(0.9, 0.03)]
    [0.824, 0.9453]
    """
    bottom, top = range_
    share, spread = (value - bottom) / (top - bottom), error / (top - bottom)
    centre, half = np.log(share / (1 - share)), ndtri((1 + level) / 2) * spread / (share * (1 - share))
    low, high = expit(centre - half), expit(centre + half)
    return float(bottom + low * (top - bottom)), float(bottom + high * (top - bottom))


def log(value: float, error: float, level: float = 0.95) -> tuple[float, float]:
    """Normal on the logarithm of a positive value, the standard error carried over by the delta method.

    >>> [round(x, 4) for x in log(1.0, 0.1)]
    [0.822, 1.2165]
    """
    factor = float(np.exp(ndtri((1 + level) / 2) * error / value))
    return value / factor, value * factor


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, within 0..1; n may be an effective number (Wilson 1927, JASA 22:209).

    >>> [round(x, 4) for x in wilson(0, 10)]
    [0.0, 0.2775]
    """
    if not n > 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n}: not a proportion")
    z, p = ndtri((1 + level) / 2), successes / n
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return max(0.0, float((centre - half) / (1 + z**2 / n))), min(1.0, float((centre + half) / (1 + z**2 / n)))


def newcombe(auc: float, positives: float, negatives: float, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's method 5 for an AUROC, defined at 0 and 1 (Newcombe 2006, Stat Med 25:559, doi:10.1002/sim.2324).

    The limits A solve |A - auc| = z sqrt(V(A)), V(A) = A (1 - A) (1 + (N - 1) ((1 - A)/(2 - A) + A/(1 + A))) / (m n) with
    N = (m + n) / 2. Numbers may be effective ones (divided by a design effect).

    >>> [round(x, 4) for x in newcombe(1.0, 10, 20)]
    [0.8489, 1.0]
    """
    if not positives > 0 or not negatives > 0 or not 0 <= auc <= 1:
        raise ValueError(f"AUROC {auc} of {positives} and {negatives} cases")
    z2 = ndtri((1 + level) / 2) ** 2

    def excess(a):
        return (a - auc) ** 2 - z2 * newcombe_variance(a, positives, negatives)

    return _crossing(excess, auc, 0.0), _crossing(excess, auc, 1.0)


def newcombe_variance(auc: float, positives: float, negatives: float) -> float:
    """The variance V(A) of method 5."""
    inner = 1 + max((positives + negatives) / 2 - 1, 0.0) * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return auc * (1 - auc) * inner / (positives * negatives)


def _crossing(excess, inside: float, outside: float) -> float:
    """Where `excess` turns positive on the way from inside (<= 0) to outside (> 0 or the end of the range)."""
    if excess(outside) <= 0:
        return outside
    for _ in range(80):
        middle = (inside + outside) / 2
        if excess(middle) > 0:
            outside = middle
        else:
            inside = middle
    return float((inside + outside) / 2)
