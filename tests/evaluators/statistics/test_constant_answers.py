"""An answer that says the same of every case, such as a sample submission handed in as it is, still gets its scores."""

import numpy as np
import pytest

from evaluators.metrics import METRICS
from evaluators.statistics import estimate

N = 60
PATIENTS = np.arange(N) // 2
ANSWERS = {
    "two classes": ("classification", np.arange(N) % 2, np.full(N, 0.5)),
    "four classes": ("classification", np.arange(N) % 4, np.full((N, 4), 0.25)),
    "values": ("regression", np.arange(float(N)), np.full(N, 3.0)),
    "risks": ("survival", {"time": np.arange(1.0, N + 1), "event": np.arange(N) % 2}, np.zeros(N)),
    "perfect classes": ("classification", np.arange(N) % 2, (np.arange(N) % 2).astype(float)),
    "perfect values": ("regression", np.arange(float(N)), np.arange(float(N))),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", METRICS)
def test_a_constant_answer_is_scored_or_refused_in_words(name, answer):
    kind, reference, prediction = ANSWERS[answer]
    if kind not in METRICS[name].kinds:
        return
    try:
        found = estimate(name, reference, prediction, groups=PATIENTS, resamples=200)
    except ValueError as refusal:  # a form this metric does not take
        assert str(refusal)
        return
    assert np.isfinite(found.value) or found.reason
    if found.low is not None and np.isfinite(found.value):
        assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_interval_of_a_constant_loss_is_a_point():
    found = estimate("log_loss", np.arange(N) % 4, np.full((N, 4), 0.25), groups=PATIENTS, resamples=500)
    assert found.value == pytest.approx(np.log(4)) and found.high - found.low < 1e-9
