"""What a held-out set can tell apart: the smallest resolvable difference and the power behind it."""

import numpy as np
from scipy.special import ndtr, ndtri

RESOLVABLE = 2.8  # 1.96 + 0.84: two-sided 5 %, power 80 %


def smallest_resolvable_difference(standard_error: float) -> float:
    """2.8 x the standard error of the paired difference of the two leading entries: found with a power of 80 %.

    Before there are two entries the standard error of the one stands in: with a correlation of 0.5 between two alike
    entries that of their difference is the same.

    >>> round(smallest_resolvable_difference(0.01), 6)
    0.028
    """
    return RESOLVABLE * float(standard_error)


def power(difference: float, standard_error: float, level: float = 0.95) -> float:
    """Chance, 0 to 1, that a two-sided test at 1 - level finds a true difference.

    >>> round(power(0.028, 0.01), 3)
    0.8
    """
    if not standard_error > 0:
        return 1.0 if difference else 0.0
    z, shift = ndtri((1 + level) / 2), abs(difference) / standard_error
    return float(ndtr(shift - z) + ndtr(-shift - z))


def cases_needed(difference: float, standard_error: float, n: int, wanted: float = 0.8, level: float = 0.95) -> int:
    """How many cases like the n at hand would find a true difference with the power wanted.

    >>> cases_needed(0.014, 0.01, 100)
    401
    """
    if not difference:
        raise ValueError("a difference of 0 is never found")
    z = ndtri((1 + level) / 2) + ndtri(wanted)
    return int(np.ceil(n * (z * standard_error / difference) ** 2))
