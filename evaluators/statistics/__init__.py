"""The uncertainty of a metric and of a ranking, from one set of shared resamples; importable without Django."""

from evaluators.statistics.agreement import cohen_kappa, fleiss_kappa, intraclass
from evaluators.statistics.comparisons import compare, compare_cases
from evaluators.statistics.delong import delong, delong_test
from evaluators.statistics.draws import Draws, draw, seed_of
from evaluators.statistics.estimates import (
    EVENTS,
    RARE,
    SEEN,
    Estimate,
    confidence_interval,
    estimate,
    estimate_cases,
    mean_of,
)
from evaluators.statistics.intervals import bca, logit, newcombe, percentile, studentised, wilson
from evaluators.statistics.ladders import ladder
from evaluators.statistics.paired import corrected_t, holm, mcnemar, sign_flip, wilcoxon
from evaluators.statistics.power import cases_needed, power, smallest_resolvable_difference
from evaluators.statistics.ranks import Ranking, Ranks, kendall_tau, max_t, rank
from evaluators.statistics.reader_studies import ArmStudy, ReaderStudy, arm_study, jackknife, reader_study

__all__ = [
    "EVENTS",
    "RARE",
    "SEEN",
    "Draws",
    "Estimate",
    "Ranking",
    "Ranks",
    "ReaderStudy",
    "bca",
    "cases_needed",
    "cohen_kappa",
    "compare",
    "compare_cases",
    "confidence_interval",
    "corrected_t",
    "delong",
    "delong_test",
    "draw",
    "estimate",
    "estimate_cases",
    "fleiss_kappa",
    "holm",
    "intraclass",
    "kendall_tau",
    "ladder",
    "logit",
    "max_t",
    "mcnemar",
    "mean_of",
    "newcombe",
    "percentile",
    "power",
    "rank",
    "arm_study",
    "jackknife",
    "ArmStudy",
    "reader_study",
    "seed_of",
    "sign_flip",
    "smallest_resolvable_difference",
    "studentised",
    "wilcoxon",
    "wilson",
]
