"""The uncertainty of a metric and of a ranking, from one set of shared resamples; importable without Django."""

from evaluators.statistics.draws import Draws, draw, seed_of
from evaluators.statistics.estimates import Estimate, confidence_interval, estimate, estimate_cases
from evaluators.statistics.intervals import percentile, wilson
from evaluators.statistics.ranks import Ranks, max_t, smallest_resolvable_difference

__all__ = [
    "Draws",
    "Estimate",
    "Ranks",
    "confidence_interval",
    "draw",
    "estimate",
    "estimate_cases",
    "max_t",
    "percentile",
    "seed_of",
    "smallest_resolvable_difference",
    "wilson",
]
