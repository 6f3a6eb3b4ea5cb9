"""Restoration metrics: golden values, 200 random pairs against scikit-image, MONAI's multi-scale form, and invariances."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.regression import compute_ms_ssim
from scipy import ndimage
from skimage.metrics import normalized_root_mse, peak_signal_noise_ratio, structural_similarity

from evaluators.metrics import METRICS
from evaluators.metrics.restoration import case_scores
from tests.evaluators.metrics import golden

NAMES = {"psnr_identical_inf": "psnr", "ssim_uniform7_samplecov": "ssim_uniform", "ssim_gaussian11_sigma1.5": "ssim"}
SIMILARITY = {
    "ssim": {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5},
    "ssim_uniform": {},
}


def images(seed: int, axes: int | None = None):
    """A smooth image or volume, a disturbed copy and the data range; some constant, some dark, some in thousands."""
    draw = np.random.default_rng(seed)
    axes = axes or int(draw.integers(2, 4))
    shape = draw.integers(11, 50 if axes == 2 else 18, axes)
    image = ndimage.gaussian_filter(draw.standard_normal(shape), 2)
    scale = float(draw.choice([1e-3, 1.0, 4000.0]))
    image = (image - image.min()) / np.ptp(image) * scale
    noise = draw.normal(0, scale * draw.choice([0.01, 0.3]), shape)
    return image, np.full(shape, image.mean()) if seed % 10 == 0 else image + noise, scale


@pytest.mark.parametrize("case", golden.cases("psnr_ssim"))
def test_golden_values(case):
    given = case["inputs"]
    value = METRICS[NAMES[case["name"]]](given["a"], given["b"], data_range=given["data_range"])
    assert value == pytest.approx(case["expected"], abs=case["abs_tol"])


def test_200_random_pairs_agree_with_scikit_image():
    for seed in range(200):
        reference, prediction, span = images(seed)
        expected = {
            "psnr": peak_signal_noise_ratio(reference, prediction, data_range=span),
            "nrmse": normalized_root_mse(reference, prediction, normalization="min-max"),
        }
        for name, form in SIMILARITY.items():
            expected[name] = structural_similarity(reference, prediction, data_range=span, **form)
        found = case_scores(list(expected), reference, prediction, data_range=span)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-9), (seed, name)


def test_the_multi_scale_form_agrees_with_monai():
    for seed in range(6):
        draw = np.random.default_rng(seed)
        shape = draw.integers(177, 230, 2)
        reference = ndimage.gaussian_filter(draw.random(shape), seed)
        prediction = reference + draw.normal(0, 0.05 * (seed + 1), shape)
        span = float(np.ptp(reference))
        as_torch = [torch.from_numpy(image)[None, None] for image in (prediction, reference)]
        expected = compute_ms_ssim(*as_torch, 2, span, "gaussian", 11, 1.5).item()
        assert METRICS["ms_ssim"](reference, prediction) == pytest.approx(expected, abs=2e-4)


def test_loss_of_detail_is_measured_by_the_laplacian_of_a_gaussian():
    for seed in range(1, 20):
        reference, prediction, _ = images(seed)
        one, two = (ndimage.gaussian_laplace(image, 1.5, truncate=7 / 1.5) for image in (reference, prediction))
        expected = np.linalg.norm(one - two) / np.linalg.norm(one)
        assert METRICS["hfen"](reference, prediction) == pytest.approx(expected, rel=1e-9)


def restoration_metrics():
    return [metric for metric in METRICS.values() if "restoration" in metric.kinds]


@pytest.mark.parametrize("metric", restoration_metrics(), ids=lambda metric: metric.name)
def test_every_metric_of_images_is_best_on_a_perfect_answer_and_undefined_on_a_constant_one(metric):
    image = np.random.default_rng(0).random((180, 181))
    assert metric(image, image) == metric.best
    assert math.isfinite(metric.per_case(image, image)), "one perfect case does not swallow the mean"
    undefined = metric(np.ones((180, 181)), image)
    assert math.isnan(undefined) and undefined.reason
    for bad in (image[:-1], np.full_like(image, np.nan), image[0]):
        with pytest.raises(ValueError):
            metric(image, bad)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(1, 10**6), factor=st.sampled_from([0.5, 4.0, 1024.0]))
def test_units_and_turns_of_the_image_change_nothing(seed, factor):
    reference, prediction, span = images(seed)
    for metric in restoration_metrics():
        taken = {"data_range": span} if "data_range" in metric.parameters else {}
        scaled = {"data_range": span * factor} if taken else {}
        value = pytest.approx(metric(reference, prediction, **taken), rel=1e-8, abs=1e-9, nan_ok=True)
        assert metric(reference * factor, prediction * factor, **scaled) == value
        assert metric(np.flip(reference, 0).swapaxes(0, 1), np.flip(prediction, 0).swapaxes(0, 1), **taken) == value


def test_an_image_smaller_than_the_window_has_no_similarity():
    image = np.random.default_rng(0).random((10, 40))
    assert METRICS["ssim"](image, image).reason
    assert METRICS["ssim_uniform"](image, image) == 1
