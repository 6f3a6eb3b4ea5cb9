"""What lies behind a score: curve points equal independent libraries', are bounded in size, and the coarse ones are coarse."""

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from sklearn import metrics as sk

from evaluators import behind, evaluate, package
from evaluators.behind import curves
from evaluators.metrics import METRICS
from evaluators.statistics import wilson
from tests.packages import binary

rng = np.random.default_rng(7)
N = 500


def figures(kind, reference, prediction, n=N, **manifest):
    manifest = {"kind": kind, "slug": "t", "version": 1, "metrics": {}, "classes": ["no", "yes"]} | manifest
    details = behind.of(manifest, reference, prediction, np.arange(n) // 2)
    names = {name.split(":")[1] for name in details}
    return {name: behind.read(details, name) for name in names}, details


def binary_answer(n=N, skill=1.0):
    truth = rng.integers(0, 2, n)
    score = np.round(1 / (1 + np.exp(-(skill * (2 * truth - 1) + rng.normal(size=n)))), 3)
    return truth, score, np.column_stack([1 - score, score])


def test_curves_operating_points_and_calibration_equal_scikit_learn():
    truth, score, answer = binary_answer(120)
    found, _ = figures("classification", truth, answer, n=120)
    roc, pr = found["roc"]["yes"], found["precision_recall"]["yes"]
    fpr, tpr, threshold = sk.roc_curve(truth, score, drop_intermediate=False)
    assert np.allclose([roc["fpr"], roc["tpr"]], [fpr, tpr]) and np.allclose(roc["threshold"][1:], threshold[1:])
    precision, recall, _ = sk.precision_recall_curve(truth, score)
    assert np.allclose(pr["precision"][::-1], precision[:-1]) and np.allclose(pr["recall"][::-1], recall[:-1])
    half = found["operating_points"]["yes"]["counts"][0]
    tn, fp, fn, tp = sk.confusion_matrix(truth, score >= 0.5).ravel()
    assert half.tolist() == [tp, fp, fn, tn]
    bins = found["calibration"]["yes"]
    assert bins["n"].sum() == 120 and np.isclose((bins["observed"] * bins["n"]).sum(), truth.sum())
    assert wilson(bins["observed"][0] * bins["n"][0], bins["n"][0]) == pytest.approx((bins["low"][0], bins["high"][0]))
    assert (found["confusion"][""]["counts"] == sk.confusion_matrix(truth, answer.argmax(1))).all()


def test_a_band_is_the_spread_of_the_curve_over_resampled_patients():
    truth, score, answer = binary_answer()
    roc = figures("classification", truth, answer)[0]["roc"]["yes"]
    inside = np.interp(roc["grid"], roc["fpr"], roc["tpr"])
    assert (roc["low"] <= inside + 0.02).all() and (roc["high"] >= inside - 0.02).all()
    grid, sensitivity = roc["grid"], []
    for _ in range(200):
        drawn = (2 * rng.integers(0, N // 2, N // 2)[:, None] + [0, 1]).ravel()
        fpr, tpr, _ = sk.roc_curve(truth[drawn], score[drawn])
        sensitivity.append(np.interp(grid, fpr, tpr))
    low, high = np.quantile(sensitivity, [0.025, 0.975], axis=0)
    assert np.abs(low - roc["low"]).max() < 0.06 and np.abs(high - roc["high"]).max() < 0.06


@pytest.mark.parametrize("skill", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("n", [60, 500, 4000])
def test_a_coarse_curve_has_few_points_and_ten_cases_of_each_class_between_them(n, skill):
    truth, score, _ = binary_answer(n, skill)
    found = curves.coarse(truth, score)
    steps = np.diff(found["fpr"]) * (truth == 0).sum(), np.diff(found["tpr"]) * truth.sum()
    assert 2 <= len(found["fpr"]) <= 20 and set(found) == {"fpr", "tpr"}
    assert min(steps[0].min(), steps[1].min()) >= 10 - 1e-6
    if n > 60 and skill < 3:
        assert len(found["fpr"]) > 5


def test_a_class_with_too_few_cases_has_no_coarse_curve():
    truth = np.array([1] * 9 + [0] * 191)
    found, _ = figures("classification", truth, np.column_stack([truth, 1 - truth]) * 0.5 + 0.25, n=200)
    assert "coarse_roc" not in found and "roc" in found


def test_survival_curves_equal_lifelines_and_the_metric():
    time = rng.exponential(10, N).round(1) + 0.1
    reference = {"time": time, "event": rng.random(N) < 0.6}
    risk = -time + rng.normal(0, 8, N)
    found, _ = figures("survival", reference, {"risk": risk})
    group = np.searchsorted(np.quantile(risk, [1 / 3, 2 / 3]), risk)
    for number, name in enumerate(behind.survival.GROUPS):
        own = group == number
        fitted = KaplanMeierFitter().fit(time[own], reference["event"][own])
        mine = found["kaplan_meier"][name]
        assert np.allclose(fitted.predict(mine["time"][1:-1]), mine["survival"][1:-1])
        limits = fitted.confidence_interval_.loc[mine["time"][1:-2]].to_numpy()
        inside = (mine["survival"][1:-2] > 0) & (mine["survival"][1:-2] < 1)
        assert np.allclose(limits[inside], np.column_stack([mine["low"], mine["high"]])[1:-2][inside], atol=1e-3)
    area = found["time_dependent_auc"][""]
    single = METRICS["cumulative_dynamic_auc"](reference, risk, times=[area["time"][3]])
    assert area["value"][3] == pytest.approx(single) and (area["low"] < area["value"]).all()


def test_limits_of_agreement_and_free_response():
    reference = rng.normal(100, 20, N)
    answer = reference + 3 + rng.normal(0, 5, N)
    limits = figures("regression", reference, answer)[0]["bland_altman"][""]["limits"]
    difference = answer - reference
    assert limits == pytest.approx(difference.mean() + np.array([-1.96, 0, 1.96]) * difference.std(ddof=1))
    boxes = [np.column_stack([rng.uniform(0, 50, (k, 2)), rng.uniform(5, 9, (k, 2))]) for k in rng.integers(0, 3, 40)]
    noise = [rng.uniform(0, 60, (2, 4)) + [[0, 0, 3, 3]] for _ in boxes]
    answer = [np.column_stack([np.vstack([b, w]), rng.random(len(b) + 2)]) for b, w in zip(boxes, noise, strict=True)]
    curve = figures("detection", {"yes": boxes}, {"yes": answer}, n=40, classes=["yes"])[0]["froc"]["yes"]
    one = METRICS["sensitivity_at_fp"](boxes, answer, fp_per_image=curve["rate"][8])
    assert curve["sensitivity"][8] == pytest.approx(one) and (np.diff(curve["sensitivity"]) >= 0).all()


def test_what_is_kept_is_bounded_however_many_cases_and_classes():
    n, k = 6000, 30
    truth = rng.integers(0, k, n)
    found, details = figures(
        "classification", truth, rng.dirichlet(np.ones(k), n), n=n, classes=[f"c{i}" for i in range(k)]
    )
    assert len(found["roc"]) == 10 and max(len(part["fpr"]) for part in found["roc"].values()) <= 200
    assert sum(array.nbytes for array in details.values()) < 200_000


def test_scoring_keeps_it_with_the_rest_and_one_class_is_no_failure(tmp_path):
    labels = binary(tmp_path / "p", n=80)
    with package.read(tmp_path / "p") as folder:
        manifest, cases = folder.manifest, folder.cases
    answer = np.column_stack([1 - labels, labels]) * 0.8 + 0.1
    details = evaluate.score(manifest, cases, answer).details
    assert {"resampled:auroc:all", "behind:roc:fpr:malignant", "behind:confusion:counts:"} <= set(details)
    assert behind.of(manifest, np.zeros(80, int), answer, np.arange(80)).keys() == {"behind:confusion:counts:"}
