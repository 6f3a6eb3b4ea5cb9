"""Confidence intervals: each a small function of what it needs, chosen per metric by measured coverage."""

import numpy as np
from scipy.special import ndtri


def percentile(resampled: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of the resampled values (undefined ones dropped)."""
    tail = (1 - level) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


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
