"""The shared reference values of the classification, ordinal, calibration and survival families."""

import math

import numpy as np
import pytest

from evaluators.metrics import METRICS
from evaluators.statistics import Draws
from evaluators.statistics.estimates import plan_of

from .golden import cases


def check(case, value):
    assert np.asarray(value) == pytest.approx(np.asarray(case["expected"]), abs=case["abs_tol"], rel=0, nan_ok=True)


def on_draws(name, reference, prediction, draws):
    """The metric on given draws through the weighted form."""
    counts = np.stack([np.bincount(d, minlength=len(draws[0])) for d in np.array(draws)])
    return Draws.of(counts).apply(plan_of(METRICS[name], reference, prediction, {}))


@pytest.mark.parametrize("case", cases("auc"))
def test_auroc(case):
    i = case["inputs"]
    if case["expected"] == "ERROR":
        with pytest.raises(ValueError, match="NaN"):
            METRICS["auroc"](i["y"], i["score"])
    elif "draws" in i:
        check(case, on_draws("auroc", i["y"], i["score"], i["draws"]))
    else:
        check(case, METRICS["auroc"](i["y"], i["score"]))


@pytest.mark.parametrize("case", cases("average_precision"))
def test_average_precision(case):
    check(case, METRICS["average_precision"](case["inputs"]["y"], case["inputs"]["score"]))


@pytest.mark.parametrize("case", cases("binary_cls"))
def test_decisions(case):
    names = {"f1": "f1", "mcc": "mcc", "ba": "balanced_accuracy", "sens": "sensitivity", "ppv": "ppv"}
    for short, wanted in case["expected"].items():
        value = METRICS[names[short]](case["inputs"]["y"], case["inputs"]["pred"])
        assert value == pytest.approx(wanted, abs=case["abs_tol"], nan_ok=True)
        assert not math.isnan(value) or value.reason


@pytest.mark.parametrize("case", cases("calibration"))
def test_calibration(case):
    i = case["inputs"]
    if isinstance(case["expected"], dict):
        assert METRICS["brier"](i["y"], i["prob"]) == pytest.approx(case["expected"]["brier"], abs=case["abs_tol"])
        assert METRICS["log_loss"](i["y"], i["prob"]) == pytest.approx(case["expected"]["logloss"], abs=case["abs_tol"])
    else:
        check(case, METRICS["ece"](i["y"], i["prob"], bins=i["n_bins"]))


@pytest.mark.parametrize("case", cases("qwk"))
def test_quadratic_weighted_kappa(case):
    i = case["inputs"]
    check(case, METRICS["quadratic_weighted_kappa"](i["y"], i["pred"], classes=i["n_classes"]))


@pytest.mark.parametrize("case", cases("cindex_harrell"))
def test_harrell(case):
    i = case["inputs"]
    seen = {"time": i["time"], "event": i["event"]}
    if case["expected"] == "ERROR":
        with pytest.raises(ValueError, match="NaN"):
            METRICS["concordance_index"](seen, i["risk"])
    elif "draws" in i:
        seen = {k: np.array(v) for k, v in seen.items()}
        check(case, on_draws("concordance_index", seen, np.array(i["risk"]), i["draws"]))
    else:
        check(case, METRICS["concordance_index"](seen, i["risk"]))


def _cohorts(i):
    return {"time": i["time"], "event": i["event"]}, {"time": i["train_time"], "event": i["train_event"]}


@pytest.mark.parametrize("case", cases("cindex_uno"))
def test_uno(case):
    seen, cohort = _cohorts(case["inputs"])
    arguments = seen, case["inputs"]["risk"]
    fixed = {"tau": case["inputs"]["tau"], "censoring": cohort}
    if case["expected"] == "ERROR":
        with pytest.raises(ValueError, match="follow-up|fix tau"):
            METRICS["concordance_index_ipcw"](*arguments, **fixed)
    else:
        check(case, METRICS["concordance_index_ipcw"](*arguments, **fixed))


@pytest.mark.parametrize("case", cases("td_auc"))
def test_dynamic_auc(case):
    seen, cohort = _cohorts(case["inputs"])
    values = [
        METRICS["cumulative_dynamic_auc"](seen, case["inputs"]["risk"], times=[t], censoring=cohort)
        for t in case["inputs"]["times"]
    ]
    check(case, values)
    mean = METRICS["cumulative_dynamic_auc"](
        seen, case["inputs"]["risk"], times=case["inputs"]["times"], censoring=cohort
    )
    assert mean == pytest.approx(np.mean(values))


@pytest.mark.parametrize("case", cases("brier_ibs"))
def test_brier(case):
    i = case["inputs"]
    seen, cohort = _cohorts(i)
    curves = {"times": i["times"], "survival": i["surv"]}
    values = [METRICS["brier_at"](seen, curves, times=t, censoring=cohort) for t in i["times"]]
    assert values == pytest.approx(case["expected"]["bs"], abs=case["abs_tol"])
    total = METRICS["integrated_brier_score"](seen, curves, censoring=cohort)
    assert total == pytest.approx(case["expected"]["ibs"], abs=case["abs_tol"])
