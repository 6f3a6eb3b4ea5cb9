"""Volume, centreline, boundary-band and instance metrics against independent libraries and brute force."""

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label as components
from skimage.morphology import skeletonize

from evaluators.metrics import METRICS
from evaluators.metrics._skeleton import skeleton
from evaluators.metrics.segmentation import case_scores
from tests.evaluators.metrics import masks


def instances(mask):
    found = components(mask, connectivity=mask.ndim)
    return [found == index for index in range(1, found.max() + 1)]


def both(seed: int):
    """A random pair in which neither mask is empty, or None."""
    reference, prediction, spacing = masks.pair(seed)
    return (reference, prediction, spacing) if reference.any() and prediction.any() else None


PAIRS = [found for found in map(both, range(200)) if found]


def test_centrelines_equal_scikit_image_but_for_components_it_loses():
    for reference, _, _ in PAIRS:
        ours, theirs = skeleton(reference), skeletonize(reference, method="lee")
        lost = ours & ~theirs
        assert not (theirs & ~ours).any()
        alone = ndimage.convolve(ours.astype(int), np.ones((3,) * ours.ndim), mode="constant") == 1
        assert (alone[lost]).all(), "only single voxels, the last of their component"


def test_a_centreline_has_the_components_of_its_mask():
    for reference, _, _ in PAIRS:
        assert len(instances(skeleton(reference))) == len(instances(reference))


def test_cl_dice_is_that_of_scikit_images_skeletons():
    compared = 0
    for reference, prediction, _ in PAIRS:
        one, two = (skeletonize(mask, method="lee") for mask in (reference, prediction))
        if (one != skeleton(reference)).any() or (two != skeleton(prediction)).any():
            continue
        compared += 1
        precision, sensitivity = (two & reference).sum() / two.sum(), (one & prediction).sum() / one.sum()
        expected = 2 * precision * sensitivity / (precision + sensitivity) if precision + sensitivity else 0
        assert METRICS["cl_dice"](reference, prediction) == pytest.approx(expected)
    assert compared > 100


def test_boundary_iou_is_that_of_repeated_erosion():
    for reference, prediction, _ in PAIRS:
        width = max(1, round(0.06 * math.hypot(*reference.shape)))
        full = np.ones((3,) * reference.ndim)
        one, two = (mask & ~ndimage.binary_erosion(mask, full, width) for mask in (reference, prediction))
        expected = (one & two).sum() / (one | two).sum()
        assert METRICS["boundary_iou"](reference, prediction, dilation=0.06) == pytest.approx(expected)


def test_panoptic_quality_is_that_of_all_pairs_of_instances():
    for reference, prediction, _ in PAIRS[:60]:
        lesions, answers = instances(reference), instances(prediction)
        if len(lesions) * len(answers) > 400:
            continue
        iou = [[(one & two).sum() / (one | two).sum() for two in answers] for one in lesions]
        matched = [value for row in iou for value in row if value > 0.5]
        expected = sum(matched) / (len(lesions) / 2 + len(answers) / 2)
        assert METRICS["panoptic_quality"](reference, prediction) == pytest.approx(expected)


def test_lesions_are_found_where_enough_of_them_is_covered():
    for reference, prediction, _ in PAIRS[:60]:
        lesions, answers = instances(reference), instances(prediction)
        for overlap in (0.0, 0.3):
            sensitivity = np.mean([(one & prediction).sum() / one.sum() > overlap for one in lesions])
            precision = np.mean([(two & reference).sum() / two.sum() > overlap for two in answers])
            f1 = 2 * sensitivity * precision / (sensitivity + precision) if sensitivity + precision else 0
            taken = {"overlap": overlap}
            assert METRICS["lesion_sensitivity"](reference, prediction, **taken) == pytest.approx(sensitivity)
            assert METRICS["lesion_f1"](reference, prediction, **taken) == pytest.approx(f1)


def test_volumes_are_in_millilitres():
    reference, prediction = np.zeros((2, 10, 10, 10), bool)
    reference[:5, :5, :4], prediction[:5, :5, :5] = True, True
    spacing = (2, 2, 5)
    assert METRICS["volume_difference"](reference, prediction, spacing=spacing) == pytest.approx(0.5)
    assert METRICS["volume_bias"](prediction, reference, spacing=spacing) == pytest.approx(-0.5)
    assert METRICS["relative_volume_difference"](reference, prediction) == pytest.approx(0.25)
    assert math.isnan(METRICS["relative_volume_difference"](np.zeros((2, 2)), np.ones((2, 2))))


def segmentation_metrics():
    return [metric for metric in METRICS.values() if "segmentation" in metric.kinds]


@pytest.mark.parametrize("metric", segmentation_metrics(), ids=lambda metric: metric.name)
def test_every_metric_of_masks_is_best_on_a_perfect_answer_and_keeps_the_rule_for_empty_masks(metric):
    reference, prediction, spacing = both(3) or PAIRS[0]
    assert metric(reference, reference, spacing=spacing) == metric.best
    low, high = metric.range
    assert low <= metric(reference, prediction, spacing=spacing) <= high
    empty = np.zeros_like(reference)
    values = metric.per_case(reference, reference, labels=[1, 2], spacing=spacing)
    assert values[0] == metric.best
    assert math.isnan(values[1]), "a label in neither is left out"
    alone = metric(empty, empty)
    assert math.isnan(alone) or alone == metric.best
    if metric.direction == "higher":
        assert metric(reference, empty) == 0, "an empty answer is worth nothing"


@pytest.mark.parametrize("metric", segmentation_metrics(), ids=lambda metric: metric.name)
def test_every_metric_of_masks_sees_each_label_alone(metric):
    draw = np.random.default_rng(7)
    reference, prediction = draw.integers(0, 4, (2, 9, 10, 11))
    values = metric.per_case(reference, prediction, labels=[1, 2, 3], spacing=(1, 2, 1))
    for label, value in zip((1, 2, 3), values, strict=True):
        assert metric(reference == label, prediction == label, spacing=(1, 2, 1)) == pytest.approx(value)
        assert metric(reference, prediction, label=label, spacing=(1, 2, 1)) == pytest.approx(value)
    assert metric(reference, prediction, spacing=(1, 2, 1)) == pytest.approx(values.mean())


def test_numbered_instances_may_touch():
    reference = np.array([[1, 1, 1, 7, 7, 7, 0, 0]])
    apart, merged = np.where(reference == 7, 300, reference), (reference > 0).astype(int)
    score = {
        name: case_scores(["dice", "panoptic_quality"], reference, answer, labels=[1], numbered=True)
        for name, answer in (("apart", apart), ("merged", merged))
    }
    assert score["apart"] == {"dice": {1: 1.0}, "panoptic_quality": {1: 1.0}}
    assert score["merged"] == {"dice": {1: 1.0}, "panoptic_quality": {1: 0.0}}, "as good by overlap, no nucleus found"


def test_numbered_components_give_what_components_give():
    for reference, prediction, spacing in PAIRS[:60]:
        numbers = [components(mask, connectivity=mask.ndim) for mask in (reference, prediction)]
        names = ["panoptic_quality", "lesion_f1", "lesion_sensitivity", "dice", "hd95"]
        usual = case_scores(names, reference, prediction, labels=[1], spacing=spacing)
        assert case_scores(names, *numbers, labels=[1], spacing=spacing, numbered=True) == usual


def test_numbered_instances_are_of_one_label():
    with pytest.raises(ValueError, match="of one label"):
        case_scores(["dice"], np.ones((2, 2)), np.ones((2, 2)), labels=[1, 2], numbered=True)
