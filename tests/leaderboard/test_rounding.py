"""One rounding step per benchmark and metric: how it is chosen, and what is released on it."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaderboard import rounding


def score(value=0.87654321, low=0.8, high=0.95, n=400, patients=200, error=0.03):
    return SimpleNamespace(
        value=value, low=low, high=high, n=n, patients=patients, error=error, method="bca", reason=""
    )


@given(st.floats(1e-9, 1e9))
def test_the_step_is_the_largest_of_its_kind_not_above_the_limit(limit):
    step = rounding.step_below(limit)
    mantissa = float(f"{step:e}".split("e")[0])
    following = {1.0: 2, 2.0: 2.5, 5.0: 2}[mantissa] * step
    assert step <= limit * (1 + 1e-9) and following > limit * (1 - 1e-9)


@pytest.mark.parametrize(
    ("limit", "step"), [(0.05, 0.05), (0.02, 0.02), (0.01, 0.01), (0.049, 0.02), (9.9, 5), (10, 10)]
)
def test_a_limit_that_is_a_step_is_taken(limit, step):
    assert rounding.step_below(limit) == step


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf])
def test_no_step_without_a_limit(limit):
    with pytest.raises(ValueError, match="positive"):
        rounding.step_below(limit)


def test_the_step_is_half_the_median_error_of_the_baselines():
    assert rounding.step_from_errors([0.04, 0.03, 0.2, None, math.nan, 0.0]) == 0.02  # median 0.04
    assert rounding.step_from_errors([None, 0.0]) is None


def test_without_baselines_the_number_of_patients_sets_the_step():
    assert rounding.step_from_size(0, 1, "", n=400, patients=100) == 0.02  # 0.5 / 10 / 2 = 0.025
    assert rounding.step_from_size(0, math.inf, "mm", n=100, patients=100) == 0.2  # 5 / 10 / 2 = 0.25
    assert rounding.step_from_size(0, 1, "", n=1, patients=1) == 0.01
    assert rounding.step_from_size(-math.inf, 1, "", n=100, patients=100) == 0.02  # R2: 0.5 / 10 / 2 = 0.025


@given(st.floats(-1e3, 1e3), st.sampled_from([0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1.0, 5.0, 20.0]))
def test_a_rounded_number_is_the_nearest_multiple_and_reads_as_its_text(value, step):
    rounded = rounding.to_step(value, step)
    assert abs(rounded - value) <= step / 2 * (1 + 1e-9)
    assert rounding.to_step(rounded, step) == rounded
    assert float(rounding.text(value, step).replace(rounding.MINUS, "-")) == rounded
    assert math.copysign(1, rounded) == 1 or rounded < 0, "never minus zero"


def test_what_is_released_is_rounded_and_what_the_organiser_sees_is_exact():
    released = rounding.release(score(), 0.02, exact=False)
    exact = rounding.release(score(), 0.02, exact=True)
    assert (released.value, released.low, released.high) == (0.88, 0.8, 0.96)
    assert (released.text, released.low_text) == ("0.88", "0.80")
    assert exact.value == 0.87654321 and exact.text == "0.88"


def test_a_score_without_a_step_is_not_released():
    withheld = rounding.release(score(), None, exact=False)
    assert (withheld.value, withheld.low, withheld.text) == (None, None, "") and withheld.reason


def test_few_patients_are_marked():
    assert rounding.release(score(patients=19), 0.01, False).few
    assert not rounding.release(score(patients=20), 0.01, False).few
    assert not rounding.release(score(patients=1, low=None, high=None), 0.01, False).few


def test_minus_is_the_true_sign_and_zero_has_none():
    assert rounding.text(-0.123, 0.01) == "\N{MINUS SIGN}0.12"
    assert rounding.text(-0.001, 0.01) == "0.00"
