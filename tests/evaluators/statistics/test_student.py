"""The interval with Student's t, whose degrees of freedom come from what each patient adds to the value."""

import numpy as np
import pytest
from scipy import stats

from evaluators.statistics import estimate


def test_for_a_mean_of_equal_weights_it_is_students_t_with_satterthwaites_degrees_of_freedom():
    errors = np.random.default_rng(5).lognormal(size=60)
    found = estimate("mae", np.zeros(60), errors, resamples=4000, method="student")
    moved = errors - errors.mean()
    kurtosis = (moved**4).mean() / (moved**2).mean() ** 2
    freedom = 2 * 60 / (kurtosis - 1)
    error = max(found.error, errors.std(ddof=1) / np.sqrt(60))
    half = stats.t.ppf(0.975, freedom) * error / errors.mean()  # on the log scale
    assert found.low == pytest.approx(errors.mean() * np.exp(-half), rel=1e-9)
    assert found.high == pytest.approx(errors.mean() * np.exp(half), rel=1e-9)


def test_a_few_large_errors_widen_it_more_than_the_normal_interval():
    errors = np.abs(np.random.default_rng(6).standard_t(3, 40))
    errors[:2] *= 8
    wide, plain = (estimate("mae", np.zeros(40), errors, method=method) for method in ("student", "logit"))
    assert wide.low < plain.low and wide.high > plain.high


def test_patients_with_several_cases_count_once():
    random = np.random.default_rng(7)
    y, p = random.normal(size=(2, 80))
    groups = np.repeat(np.arange(20), 4)
    alone = estimate("pearson", y, p + y)
    several = estimate("pearson", np.repeat(y[:20], 4), np.repeat((p + y)[:20], 4), groups=groups)
    assert several.patients == 20 and several.high - several.low > alone.high - alone.low


@pytest.mark.parametrize("metric", ["quadratic_weighted_kappa", "pearson", "rmse", "average_precision"])
def test_a_perfect_answer_has_an_interval_all_the_same(metric):
    truth = np.arange(40) % 2
    found = estimate(metric, truth, truth.astype(float) if metric != "quadratic_weighted_kappa" else truth)
    assert found.low <= found.value <= found.high
