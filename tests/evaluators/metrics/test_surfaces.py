"""Surface metrics: golden values, 200 random pairs against MONAI and distance transforms, and what must not change them."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from evaluators.metrics import METRICS, _boundaries, _distances
from evaluators.metrics.segmentation import PREDICTION_EMPTY, Case, case_scores
from tests.evaluators.metrics import golden, masks

NAMES = {"hd95_max": "hd95", "nsd_surfel": "nsd"}
PAIRS = range(200)
ALL = ["dice", "iou", "hd", "hd95", "assd", "masd", "nsd", "nsd_voxel"]


@pytest.mark.parametrize("case", golden.cases("segmentation"))
def test_golden_values(case):
    given = case["inputs"]
    reference, prediction = np.array(given["gt"]), np.array(given["pred"])
    for key, expected in case["expected"].items():
        if key in ("hd95_pooled", "hd95_surfel"):  # other conventions, named there and not offered
            continue
        name = NAMES.get(key, key)
        taken = {"tolerance": given["nsd_tolerance"]} if name.startswith("nsd") else {}
        value = METRICS[name](reference, prediction, spacing=given["spacing"], **taken)
        assert value == pytest.approx(expected, abs=case["abs_tol"]), name


def test_200_random_pairs_agree_with_distance_transforms():
    for seed in PAIRS:
        reference, prediction, spacing = masks.pair(seed)
        if not (reference.any() and prediction.any()):
            continue
        there, back = masks.distances(reference, prediction, spacing), masks.distances(prediction, reference, spacing)
        expected = {
            "hd": max(there.max(), back.max()),
            "hd95": max(np.percentile(there, 95), np.percentile(back, 95)),
            "assd": (there.sum() + back.sum()) / (there.size + back.size),
            "masd": (there.mean() + back.mean()) / 2,
            "nsd_voxel": ((there <= 1.5).sum() + (back <= 1.5).sum()) / (there.size + back.size),
        }
        found = case_scores(list(expected), reference, prediction, labels=[1], spacing=spacing, tolerance=1.5)
        for name, value in expected.items():
            assert found[name][1] == pytest.approx(value, abs=1e-9), (seed, name)


def test_200_random_pairs_agree_with_monai():
    for seed in PAIRS:
        reference, prediction, spacing = masks.pair(seed)
        if not (reference.any() and prediction.any()):
            continue
        as_torch = [torch.from_numpy(np.stack([~mask, mask])[None]) for mask in (prediction, reference)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hd95 = compute_hausdorff_distance(*as_torch, spacing=list(spacing), percentile=95)
            area = compute_surface_dice(*as_torch, [1.5], spacing=list(spacing), use_subvoxels=True)
        assert METRICS["hd95"](reference, prediction, spacing=spacing) == pytest.approx(hd95.item(), abs=1e-4), seed
        value = METRICS["nsd"](reference, prediction, spacing=spacing, tolerance=1.5)
        assert value == pytest.approx(area.item(), abs=1e-5), seed


def test_the_search_and_the_transform_find_what_the_offsets_find():
    for seed in range(60):
        reference, prediction, spacing = masks.pair(seed, axes=3)
        here, there = (np.flatnonzero(masks.surface(mask)).astype(np.uint32) for mask in (reference, prediction))
        if not (here.size and there.size):
            continue
        expected = masks.distances(reference, prediction, spacing)
        marks = masks.surface(prediction).view(np.uint8)
        low, high = np.zeros(3, np.int64), np.array(reference.shape, np.int64) - 1
        found = _distances.transformed(here, marks, 1, low, high, spacing)
        np.testing.assert_allclose(found, expected, atol=1e-9)
        found = _distances.far_distances(here, there, reference.shape, low, high, spacing)
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_hopeless_answers_and_groups_of_labels_change_no_value(monkeypatch):
    draw = np.random.default_rng(5)
    reference = np.zeros((30, 40, 50), np.uint8)
    reference[5:20, 5:20, 5:20], reference[22:28, 22:35, 30:45] = 1, 2
    prediction = draw.integers(0, 3, reference.shape, dtype=np.uint8)
    usual = case_scores(ALL, reference, prediction, labels=[1, 2], spacing=(2, 1, 1))
    monkeypatch.setattr(_boundaries, "MOST", 1)  # one label at a time
    monkeypatch.setattr(_boundaries, "WORTH", 0)  # never a transform
    searched = case_scores(ALL, reference, prediction, labels=[1, 2], spacing=(2, 1, 1))
    monkeypatch.setattr(_boundaries, "SAMPLE", 10**9)
    monkeypatch.setattr(_boundaries, "WORTH", 10**9)  # always
    transformed = case_scores(ALL, reference, prediction, labels=[1, 2], spacing=(2, 1, 1))
    for name in ALL:
        for label in (1, 2):
            assert searched[name][label] == pytest.approx(usual[name][label], abs=1e-9)
            assert transformed[name][label] == pytest.approx(usual[name][label], abs=1e-9)


def test_a_wide_tolerance_is_searched_for_as_exactly_as_a_narrow_one():
    reference, prediction = np.zeros((2, 40, 40, 40), bool)
    reference[:6, :6, :6], prediction[20:30, 3:9, 3:9] = True, True
    there, back = (
        masks.distances(*both, (0.5, 0.5, 0.5)) for both in ((reference, prediction), (prediction, reference))
    )
    apart = METRICS["hd"](reference, prediction, spacing=0.5)
    assert METRICS["nsd"](reference, prediction, spacing=0.5, tolerance=apart + 1) == 1
    assert METRICS["nsd"](reference, prediction, spacing=0.5, tolerance=1) == 0
    half = METRICS["nsd"](reference, prediction, spacing=0.5, tolerance=9.0)
    assert 0 < half < 1
    voxels = ((there <= 9).sum() + (back <= 9).sum()) / (there.size + back.size)
    assert half == pytest.approx(voxels, abs=0.15)


def test_one_empty_mask_costs_the_diagonal_and_says_so():
    reference = np.zeros((6, 5, 4), bool)
    reference[2, 2, 2] = True
    scores = case_scores(["hd95", "assd", "nsd"], reference, np.zeros_like(reference), labels=[1], spacing=(1, 2, 3))
    assert scores["hd95"][1] == scores["assd"][1] == pytest.approx(math.hypot(5, 8, 9))
    assert scores["nsd"][1] == 0
    assert scores["hd95"][1].reason == PREDICTION_EMPTY


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.sampled_from([0.25, 2.0, 3.0]))
def test_scaling_the_spacing_scales_distances_and_leaves_shares(seed, factor):
    reference, prediction, spacing = masks.pair(seed)
    wide = tuple(step * factor for step in spacing)
    for name in ALL:
        tolerance = {"tolerance": 1.0} if "nsd" in name else {}
        scaled = {"tolerance": factor} if "nsd" in name else {}
        value = METRICS[name](reference, prediction, spacing=spacing, **tolerance)
        times = factor if METRICS[name].unit == "mm" else 1
        assert METRICS[name](reference, prediction, spacing=wide, **scaled) == pytest.approx(value * times, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_relabelling_turning_and_swapping_change_nothing(seed):
    reference, prediction, spacing = masks.pair(seed)
    usual = case_scores(ALL, reference, prediction, labels=[1], spacing=spacing)
    relabelled = case_scores(ALL, reference * 300, prediction * 300, labels=[300], spacing=spacing)
    order = np.random.default_rng(seed).permutation(reference.ndim)
    turned = [np.flip(volume.transpose(order), 0) for volume in (reference, prediction)]
    turned = case_scores(ALL, *turned, labels=[1], spacing=[spacing[axis] for axis in order])
    swapped = case_scores(ALL, prediction, reference, labels=[1], spacing=spacing)
    for name in ALL:
        value = pytest.approx(usual[name][1], rel=1e-9, nan_ok=True)
        assert relabelled[name][300] == value
        assert turned[name][1] == value
        assert swapped[name][1] == value


def test_volumes_in_fortran_order_are_not_copied():
    volume = np.asfortranarray(np.zeros((4, 5, 6), np.uint8))
    case = Case(volume, volume, [1], (1, 2, 3))
    assert np.shares_memory(case.pair.reference, volume)
    assert case.pair.spacing == (3.0, 2.0, 1.0)
