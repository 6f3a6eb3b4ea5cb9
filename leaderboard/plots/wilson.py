"""A share with its interval, where the share may be of nothing."""

import math

from evaluators import statistics


def share(part: float, whole: float) -> tuple[float, float, float]:
    """(value, low, high) by Wilson; NaN of nothing."""
    if whole <= 0:
        return math.nan, math.nan, math.nan
    return (float(part / whole), *statistics.wilson(float(part), float(whole)))
