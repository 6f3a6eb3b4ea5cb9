"""Dice and IoU: golden values, the rule for empty masks, and what is refused."""

import math

import numpy as np
import pytest

from evaluators.metrics import METRICS
from evaluators.metrics.segmentation import BOTH_EMPTY, case_scores


def test_one_pass_gives_every_metric_of_every_label_and_leaves_out_what_nobody_has():
    reference, prediction = np.zeros((2, 5, 6, 7), np.int16)
    reference[1:3, 1:4, 1:5], prediction[1:3, 2:4, 1:5] = 1, 1
    prediction[4, 5, 6] = 3
    scores = case_scores(["dice", "iou"], reference, prediction, labels=[1, 2, 3], spacing=(1, 1, 2))
    assert scores["dice"][1] == pytest.approx(2 * 16 / 40)
    assert scores["iou"][1] == pytest.approx(16 / 24)
    assert math.isnan(scores["dice"][2]) and scores["dice"][2].reason == BOTH_EMPTY
    assert scores["dice"][3] == 0 == scores["iou"][3]


def test_per_case_is_one_value_per_label_with_nan_for_left_out():
    reference = np.array([[0, 1, 1], [2, 2, 0]])
    prediction = np.array([[0, 1, 0], [2, 2, 0]])
    values = METRICS["dice"].per_case(reference, prediction, labels=[1, 2, 3])
    np.testing.assert_allclose(values, [2 / 3, 1, np.nan])


def test_two_empty_masks_are_one_as_a_bare_function_and_one_empty_mask_is_zero():
    empty, full = np.zeros((3, 3)), np.ones((3, 3))
    for name in ("dice", "iou"):
        assert METRICS[name](empty, empty) == 1
        assert METRICS[name](empty, full) == METRICS[name](full, empty) == 0


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_type_and_memory_order_change_nothing(dtype, order):
    draw = np.random.default_rng(1)
    reference, prediction = draw.random((2, 9, 10, 11)) < 0.4
    expected = 2 * (reference & prediction).sum() / (reference.sum() + prediction.sum())
    given = [np.asarray(volume, dtype=dtype, order=order) for volume in (reference, prediction)]
    assert METRICS["dice"](*given) == pytest.approx(expected, abs=1e-15)


def test_labels_may_be_any_whole_numbers():
    draw = np.random.default_rng(2)
    reference, prediction = draw.choice([-1, 0, 7, 300, 70000], (2, 12, 13))
    values = METRICS["dice"].per_case(reference, prediction, labels=[-1, 0, 300, 70000])
    for label, value in zip([-1, 0, 300, 70000], values, strict=True):
        r, p = reference == label, prediction == label
        assert value == pytest.approx(2 * (r & p).sum() / (r.sum() + p.sum()))
        assert METRICS["dice"](reference, prediction, label=label) == pytest.approx(value)


@pytest.mark.parametrize(
    "reference, prediction",
    [
        (np.zeros((2, 2)), np.zeros((2, 3))),
        (np.zeros(4), np.zeros(4)),
        (np.zeros((2, 2)), np.full((2, 2), np.nan)),
        (np.zeros((2, 2)), np.full((2, 2), 0.5)),
    ],
)
def test_unequal_shapes_nan_and_half_labels_are_refused(reference, prediction):
    with pytest.raises(ValueError):
        METRICS["dice"](reference, prediction)
