"""The value weighted by multiplicity is the value on the resampled rows, for every metric that has a weighted form."""

import numpy as np
import pytest

from evaluators.metrics import METRICS
from evaluators.statistics.draws import Draws
from evaluators.statistics.estimates import plan_of, take

from .inputs import INPUTS


def weighted_metrics():
    return [name for name, metric in METRICS.items() if metric.weighted is not None]


@pytest.mark.parametrize("name", weighted_metrics())
def test_weighted_value_equals_value_on_resampled_rows(name):
    metric = METRICS[name]
    for label, reference, prediction, parameters in INPUTS[name]:
        n = len(reference["time"]) if isinstance(reference, dict) else len(reference)
        draws = Draws(n, 40, seed=7)
        plan = plan_of(metric, reference, prediction, parameters)
        fast = draws.apply(plan)
        for b, column in enumerate(draws.counts()):
            rows = np.repeat(np.arange(n), column)
            try:
                slow = float(metric(take(reference, rows), take(prediction, rows), **parameters))
            except ValueError:
                slow = np.nan
            assert fast[b] == pytest.approx(slow, abs=1e-9, rel=1e-9, nan_ok=True), f"{label}, resample {b}"
