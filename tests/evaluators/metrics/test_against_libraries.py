"""Every metric of tables against an independent library (or the definition written out) on 200 random inputs."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import linear_model
from sklearn import metrics as sk
from sksurv import metrics as sksurv
from sksurv.util import Surv

from evaluators.metrics import METRICS
from evaluators.statistics import agreement

DRAWS = 200


def binary(rng):
    n = int(rng.integers(8, 120))
    truth = (rng.random(n) < rng.choice([0.5, 0.2, 0.08])).astype(int)
    truth[:2] = 0, 1
    score = 1 / (1 + np.exp(-(rng.normal(size=n) + rng.choice([0, 1, 3]) * (truth - 0.5))))
    return truth, np.round(score, int(rng.choice([1, 2, 12])))


def several(rng):
    n, k = int(rng.integers(20, 120)), int(rng.integers(3, 6))
    truth = rng.choice(k, n, p=rng.dirichlet(np.ones(k) * 2))
    truth[:k] = range(k)
    raw = (
        np.round(rng.dirichlet(np.ones(k), n) + rng.choice([0, 0.5]) * np.eye(k)[truth], int(rng.choice([1, 6]))) + 1e-3
    )
    return truth, raw / raw.sum(axis=1, keepdims=True)


def grades(rng):
    n = int(rng.integers(6, 100))
    truth = rng.integers(0, 5, n)
    return truth, np.clip(truth + rng.integers(-2, 3, n), 0, 4)


def survival(rng):
    n = int(rng.integers(15, 120))
    risk = np.round(rng.normal(size=n), int(rng.choice([0, 1, 6])))
    event_time, censored = rng.exponential(np.exp(-risk)), rng.exponential(rng.choice([0.5, 2.0]), n)
    time = np.minimum(event_time, censored)
    time = np.ceil(time * 5) if rng.random() < 0.5 else time
    return {"time": time, "event": event_time <= censored}, risk


def values(rng):
    n = int(rng.integers(5, 100))
    truth = (
        np.round(rng.normal(size=n) * 10 ** rng.uniform(-6, 6), int(rng.choice([0, 12]))) + rng.normal(size=n) * 1e-3
    )
    return truth, truth * rng.uniform(0.5, 1.5) + rng.normal(size=n)


def log_odds(p):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.log(p) - np.log1p(-p)


def slope_by_sklearn(y, p):
    if np.unique(p).size < 3 or min(np.ptp(p[y == 1]), np.ptp(p[y == 0])) == 0:
        return None
    lower, upper = (y == 0), (y == 1)
    if p[lower].max() <= p[upper].min() or p[upper].max() <= p[lower].min() or p.min() <= 0 or p.max() >= 1:
        return None
    fit = linear_model.LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    fit.fit(log_odds(p)[:, None], y)
    return fit.coef_[0, 0]


def ece_by_hand(y, p, bins=15):
    edges = np.minimum((p * bins).astype(int), bins - 1)
    return sum(abs((y - p)[edges == b].sum()) for b in range(bins)) / len(y)


def at_specificity(y, s, at=0.9):
    fpr, tpr, _ = sk.roc_curve(y, s, drop_intermediate=False)
    return tpr[1 - fpr >= at - 1e-9].max()


def at_sensitivity(y, s, at=0.9):
    fpr, tpr, _ = sk.roc_curve(y, s, drop_intermediate=False)
    return (1 - fpr)[tpr >= at - 1e-9].max()


def anova_icc(y, p):
    return agreement.intraclass(np.stack([y, p], axis=1), "2,1")


def lin(y, p):
    return 2 * np.cov(y, p, ddof=0)[0, 1] / (y.var() + p.var() + (y.mean() - p.mean()) ** 2)


def decision(y, s):
    return (s >= 0.5).astype(int)


BINARY = {
    "auroc": sk.roc_auc_score,
    "average_precision": sk.average_precision_score,
    "partial_auroc": lambda y, s: sk.roc_auc_score(y, s, max_fpr=0.1),
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, decision(y, s)),
    "f1": lambda y, s: sk.f1_score(y, decision(y, s)),
    "mcc": lambda y, s: sk.matthews_corrcoef(y, decision(y, s)) if np.ptp(decision(y, s)) else np.nan,
    "accuracy": lambda y, s: sk.accuracy_score(y, decision(y, s)),
    "sensitivity": lambda y, s: sk.recall_score(y, decision(y, s)),
    "specificity": lambda y, s: sk.recall_score(y, decision(y, s), pos_label=0),
    "ppv": lambda y, s: sk.precision_score(y, decision(y, s), zero_division=np.nan),
    "npv": lambda y, s: sk.precision_score(y, decision(y, s), pos_label=0, zero_division=np.nan),
    "youden": lambda y, s: 2 * sk.balanced_accuracy_score(y, decision(y, s)) - 1,
    "positive_likelihood_ratio": lambda y, s: sk.class_likelihood_ratios(
        y, decision(y, s), replace_undefined_by=np.nan
    )[0],
    "negative_likelihood_ratio": lambda y, s: sk.class_likelihood_ratios(
        y, decision(y, s), replace_undefined_by=np.nan
    )[1],
    "net_benefit": lambda y, s: ((s >= 0.5) & (y == 1)).mean() - ((s >= 0.5) & (y == 0)).mean(),
    "sensitivity_at_specificity": at_specificity,
    "specificity_at_sensitivity": at_sensitivity,
    "brier": sk.brier_score_loss,
    "log_loss": sk.log_loss,
    "ece": ece_by_hand,
    "calibration_slope": slope_by_sklearn,
}
SEVERAL = {
    "auroc": lambda y, s: sk.roc_auc_score(y, s, multi_class="ovr"),
    "average_precision": lambda y, s: sk.average_precision_score(np.eye(s.shape[1])[y], s),
    "balanced_accuracy": lambda y, s: sk.balanced_accuracy_score(y, s.argmax(axis=1)),
    "f1": lambda y, s: sk.f1_score(y, s.argmax(axis=1), average="macro"),
    "mcc": lambda y, s: sk.matthews_corrcoef(y, s.argmax(axis=1)),
    "accuracy": lambda y, s: sk.accuracy_score(y, s.argmax(axis=1)),
    "top_k": lambda y, s: sk.top_k_accuracy_score(y, s, k=2, labels=range(s.shape[1])),
    "brier": lambda y, s: sk.brier_score_loss(y, s, labels=range(s.shape[1])),
    "log_loss": lambda y, s: sk.log_loss(y, s, labels=range(s.shape[1])),
    "expected_cost": lambda y, s: (y != s.argmax(axis=1)).mean(),
    "forbidden_confusion_rate": lambda y, s: (np.abs(y - s.argmax(axis=1)) == s.shape[1] - 1).mean(),
}
GRADES = {
    "quadratic_weighted_kappa": lambda y, g: sk.cohen_kappa_score(y, g, weights="quadratic", labels=range(5)),
    "linear_weighted_kappa": lambda y, g: sk.cohen_kappa_score(y, g, weights="linear", labels=range(5)),
    "mae_of_grade": sk.mean_absolute_error,
}
VALUES = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "pearson": lambda y, p: stats.pearsonr(y, p)[0],
    "spearman": lambda y, p: stats.spearmanr(y, p)[0],
    "lin_ccc": lin,
    "icc": anova_icc,
    "bland_altman": lambda y, p: 2 * 1.96 * (p - y).std(ddof=1),
}


def agrees(name, library, make):
    rng = np.random.default_rng(sum(name.encode()))
    compared = 0
    for _ in range(DRAWS):
        y, p = make(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = library(y, p)
        if wanted is None:
            continue
        tolerance = {"abs": 1e-6, "rel": 1e-5} if name == "calibration_slope" else {"abs": 1e-10, "rel": 1e-9}
        assert METRICS[name](y, p) == pytest.approx(wanted, nan_ok=True, **tolerance)
        compared += 1
    assert compared > DRAWS / 4


@pytest.mark.parametrize("name", BINARY)
def test_two_classes(name):
    agrees(name, BINARY[name], binary)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_classes(name):
    agrees(name, SEVERAL[name], several)


@pytest.mark.parametrize("name", GRADES)
def test_grades(name):
    agrees(name, GRADES[name], grades)


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    agrees(name, VALUES[name], values)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro"])
def test_auroc_of_labels_by_every_average(average):
    rng = np.random.default_rng(5)
    for _ in range(DRAWS):
        truth = (rng.random((40, 3)) < 0.4).astype(int)
        truth[0], truth[1] = 0, 1
        score = np.round(rng.random((40, 3)), 1)
        wanted = sk.roc_auc_score(truth, score, average=average)
        assert METRICS["auroc"](truth, score, average=average) == pytest.approx(wanted, abs=1e-12)


def by_sksurv(name, seen, risk):
    """The library's value, or None where it refuses."""
    outcome = Surv.from_arrays(seen["event"], seen["time"])
    times = np.quantile(seen["time"], [0.25, 0.5])
    curves = np.exp(-np.outer(np.exp(risk), times / times[-1])) if times[-1] > 0 else None
    try:
        if name == "concordance_index":
            return sksurv.concordance_index_censored(seen["event"], seen["time"], risk)[0], risk, {}
        if name == "concordance_index_ipcw":
            tau = float(np.quantile(seen["time"], 0.8))
            return sksurv.concordance_index_ipcw(outcome, outcome, risk, tau)[0], risk, {"tau": tau}
        times = np.unique(times)
        if name == "cumulative_dynamic_auc":
            each = sksurv.cumulative_dynamic_auc(outcome, outcome, risk, times)[0]
            return each.mean(), risk, {"times": times}
        answer = {"times": times, "survival": curves[:, : times.size]}
        if name == "brier_at":
            return sksurv.brier_score(outcome, outcome, answer["survival"], times)[1].mean(), answer, {}
        return sksurv.integrated_brier_score(outcome, outcome, answer["survival"], times), answer, {}
    except (ValueError, ZeroDivisionError, sksurv.NoComparablePairException):
        return None


@pytest.mark.parametrize(
    "name",
    ["concordance_index", "concordance_index_ipcw", "cumulative_dynamic_auc", "brier_at", "integrated_brier_score"],
)
def test_survival(name):
    rng, compared = np.random.default_rng(sum(name.encode())), 0
    for _ in range(DRAWS):
        seen, risk = survival(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = by_sksurv(name, seen, risk)
        if found is None or np.isnan(found[0]):
            continue
        wanted, answer, fixed = found
        assert METRICS[name](seen, answer, **fixed) == pytest.approx(wanted, abs=1e-10)
        compared += 1
    assert compared > DRAWS / 4


def test_log_rank_equals_lifelines():
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        seen, risk = survival(rng)
        high = risk > np.median(risk)
        if high.all() or not high.any() or not seen["event"].any():
            continue
        time, event = seen["time"], seen["event"]
        wanted = logrank_test(time[high], time[~high], event[high], event[~high]).test_statistic
        assert METRICS["log_rank"](seen, risk) == pytest.approx(wanted, abs=1e-8, rel=1e-8, nan_ok=True)


def test_restricted_mean_difference_equals_lifelines():
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    rng = np.random.default_rng(0)
    for _ in range(30):
        seen, risk = survival(rng)
        high, tau = risk > np.median(risk), float(np.quantile(seen["time"], 0.7))
        if high.all() or not high.any() or not tau > 0:
            continue
        means = [
            restricted_mean_survival_time(KaplanMeierFitter().fit(seen["time"][g], seen["event"][g]), t=tau)
            for g in (~high, high)
        ]
        assert METRICS["restricted_mean_difference"](seen, risk, tau=tau) == pytest.approx(
            means[0] - means[1], abs=1e-6
        )


def test_gonen_heller_equals_its_definition():
    rng = np.random.default_rng(0)
    for _ in range(20):
        seen, risk = survival(rng)
        i, j = np.triu_indices(risk.size, 1)
        wanted = (1 / (1 + np.exp(-np.abs(risk[i] - risk[j])))).mean()
        assert METRICS["gonen_heller"](seen, risk) == pytest.approx(wanted, abs=1e-12)


def test_calibration_intercept_solves_its_equation():
    rng = np.random.default_rng(0)
    for _ in range(DRAWS):
        y, p = binary(rng)
        a = METRICS["calibration_intercept"](y, p)
        assert (1 / (1 + np.exp(-(a + log_odds(p))))).sum() == pytest.approx(y.sum(), abs=1e-6)


def test_d_calibration_equals_its_definition():
    rng = np.random.default_rng(0)
    for _ in range(50):
        seen, risk = survival(rng)
        times = np.unique(seen["time"])
        curves = np.exp(-np.outer(np.exp(risk), times / times[-1]))
        own = curves[np.arange(risk.size), np.searchsorted(times, seen["time"])]
        bins = np.zeros(10)
        for s, event in zip(own, seen["event"], strict=True):
            if event:
                bins[min(int(s * 10), 9)] += 1
            else:
                for b in range(10):
                    bins[b] += max(0.0, min(s, (b + 1) / 10) - b / 10) / s
        wanted = ((bins - risk.size / 10) ** 2 / (risk.size / 10)).sum()
        assert METRICS["d_calibration"](seen, {"times": times, "survival": curves}) == pytest.approx(wanted, abs=1e-8)
