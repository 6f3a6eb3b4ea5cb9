"""What n does not allow is said with the score: too few of the rarest class, of events, or of cases to hold rare failures."""

import numpy as np
import pytest

from evaluators import statistics
from evaluators.evaluate import row
from evaluators.metrics import METRICS


def reason(metric: str, estimate) -> str:
    return row(METRICS[metric], "all", "", estimate).reason


@pytest.mark.parametrize(("positives", "said"), [(14, statistics.RARE), (15, "")])
def test_fewer_than_fifteen_of_the_rarest_class(positives, said):
    truth = np.arange(60) < positives
    score = truth + np.random.default_rng(0).normal(size=60)
    assert reason("auroc", statistics.estimate("auroc", truth.astype(int), score, resamples=200)) == said


@pytest.mark.parametrize(("events", "said"), [(14, statistics.EVENTS), (15, "")])
def test_fewer_than_fifteen_events(events, said):
    seen = {"time": np.arange(1.0, 61), "event": np.arange(60) % 4 == 0}
    seen["event"][np.flatnonzero(seen["event"])[events:]] = False
    assert (
        reason("concordance_index", statistics.estimate("concordance_index", seen, -seen["time"], resamples=200))
        == said
    )


@pytest.mark.parametrize(("cases", "said"), [(60, "1 in 20"), (199, "1 in 66"), (200, "")])
def test_rare_failures_that_a_small_set_may_not_hold(cases, said):
    values = 0.8 + np.random.default_rng(0).normal(0, 0.05, cases)
    told = reason("dice", statistics.estimate_cases("dice", values, resamples=200))
    assert said in told and bool(said) == bool(told)
