"""How well scores tell the classes apart, over all thresholds: areas under the ROC and precision-recall curves."""

import numpy as np

from evaluators.kernels import sums
from evaluators.metrics import _curves, _forms
from evaluators.metrics.registry import Undefined, metric

AVERAGES = ("macro", "weighted", "micro")
ONE_CLASS = "only one class among the cases"
NO_POSITIVE = "no positive among the cases"


def averaged(form: _forms.Labels, average: str, one, reason: str = ONE_CLASS) -> float:
    """`one(truth, score)` of each class against the rest (or label): plain mean, mean by prevalence, or of all pooled."""
    pairs = pooled(form, average)
    values = [one(truth, score) for truth, score, _ in pairs]
    for k, value in enumerate(values):
        if np.isnan(value):
            return Undefined(reason if len(pairs) == 1 else f"class {k}: {reason}")
    shares = [truth.sum() for truth, _, _ in pairs] if average == "weighted" else None
    return float(np.average(values, weights=shares))


def averaged_plan(form: _forms.Labels, average: str, plan):
    """The same on resamples: `plan(truth, score, rows)` gives weights (n, 32) -> (32,) for each class."""
    pairs = pooled(form, average)
    plans = [plan(truth, score, rows) for truth, score, rows in pairs]
    if len(plans) == 1:
        return plans[0]
    if average != "weighted":
        return lambda weights: np.mean([p(weights) for p in plans], axis=0)
    codes = [truth.astype(np.int32) for truth, _, _ in pairs]

    def by_prevalence(weights):
        shares = np.stack([sums.tallied(c, 2, weights)[1] for c in codes])
        return (np.stack([p(weights) for p in plans]) * shares).sum(axis=0) / shares.sum(axis=0)

    return by_prevalence


def pooled(form: _forms.Labels, average: str):
    """The binary questions behind an average: (truth, score, rows), rows naming the case of each element (None: in order)."""
    if average not in AVERAGES:
        raise ValueError(f"average: {average!r}; one of {', '.join(AVERAGES)}")
    columns = form.columns()
    if average != "micro" or len(columns) == 1:
        return [(truth, np.ascontiguousarray(score), None) for truth, score in columns]
    rows = np.tile(np.arange(len(form.truth), dtype=np.int32), len(columns))
    return [(np.concatenate([t for t, _ in columns]), np.concatenate([s for _, s in columns]), rows)]


def _auroc(reference, prediction, *, average="macro", positive=None):
    return averaged_plan(_forms.labels(reference, prediction, positive), average, _curves.AreaPlan)


@metric(
    title="Area under the ROC curve",
    symbol="AUROC",
    kinds=("classification",),
    needs={"scores"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    chance=0.5,
    unit="",
    formula="P(score of a positive > score of a negative) + 1/2 P(equal)",
    convention="Ties count half. Several classes: macro mean of one-vs-rest (or weighted by prevalence, or micro). "
    "One class only: NaN with the reason. A NaN score is refused.",
    equals="scikit-learn",
    pitfalls="Blind to calibration and, under imbalance, to how many false alarms a threshold costs; pair it with "
    "sensitivity at a stated specificity. Percentile and DeLong intervals fail near 1.",
    reference="Hanley & McNeil 1982, Radiology 143:29, doi:10.1148/radiology.143.1.7063747",
    parameters={"average": "macro", "positive": None},
    interval="newcombe",
    weighted=_auroc,
)
def auroc(reference, prediction, *, average: str = "macro", positive=None) -> float:
    """Area under the ROC curve, 0 to 1: binary, one-vs-rest over classes, or over labels.

    reference `(n,)` class indices or `(n, k)` 0/1; prediction `(n,)` or `(n, k)` finite scores. `average`: macro, weighted
    or micro. `positive`: class indices that together are the positive class.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return averaged(_forms.labels(reference, prediction, positive), average, _curves.auc)


def _average_precision(reference, prediction, *, average="macro", positive=None):
    return averaged_plan(_forms.labels(reference, prediction, positive), average, _curves.precision_plan)


@metric(
    title="Average precision",
    symbol="AP",
    kinds=("classification",),
    needs={"scores"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    unit="",
    formula="sum over thresholds of (recall_i - recall_(i-1)) precision_i",
    convention="No interpolation; equal scores are one threshold. Macro mean over classes or labels. No positive: NaN.",
    equals="scikit-learn",
    pitfalls="Depends on prevalence: not comparable between cohorts. A guess scores the prevalence, not 0.5.",
    reference="Davis & Goadrich 2006, ICML, doi:10.1145/1143844.1143874",
    parameters={"average": "macro", "positive": None},
    weighted=_average_precision,
    interval="student",
)
def average_precision(reference, prediction, *, average: str = "macro", positive=None) -> float:
    """Area under the precision-recall curve as a step function, 0 to 1; forms and parameters as for `auroc`.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.833333
    """
    return averaged(_forms.labels(reference, prediction, positive), average, _curves.average_precision, NO_POSITIVE)


def _limit(max_fpr: float) -> float:
    if not 0 < max_fpr <= 1:
        raise ValueError(f"max_fpr: {max_fpr} is not in 0..1")
    return max_fpr


def _partial_auroc(reference, prediction, *, max_fpr=0.1, average="macro", positive=None):
    limit = _limit(max_fpr)
    plan = averaged_plan(_forms.labels(reference, prediction, positive), average, _curves.partial_area_plan(limit))

    def standardised(weights):
        return _mcclish(plan(weights), limit)

    standardised.range, standardised.trials = (_mcclish(0.0, limit), 1.0), getattr(plan, "trials", None)
    return standardised


def _mcclish(area, limit: float):
    return 0.5 * (1 + (area - limit**2 / 2) / (limit - limit**2 / 2))


@metric(
    title="Partial area under the ROC curve",
    symbol="pAUROC",
    kinds=("classification",),
    needs={"scores"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    chance=0.5,
    unit="",
    formula="1/2 (1 + (A - m) / (M - m)), A the area up to max_fpr, m = max_fpr^2 / 2, M = max_fpr",
    convention="Up to a false positive rate, standardised by McClish so that a guess scores 0.5; straight within tied scores.",
    equals="scikit-learn (roc_auc_score with max_fpr)",
    pitfalls="The range must be fixed beforehand; two entries can swap places when it changes.",
    reference="McClish 1989, Med Decis Making 9:190, doi:10.1177/0272989X8900900307",
    parameters={"max_fpr": 0.1, "average": "macro", "positive": None},
    weighted=_partial_auroc,
    interval="student",
)
def partial_auroc(reference, prediction, *, max_fpr: float = 0.1, average: str = "macro", positive=None) -> float:
    """Standardised area under the ROC curve at false positive rates up to `max_fpr`, 0 to 1; forms as for `auroc`.

    >>> round(partial_auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], max_fpr=0.5), 6)
    0.666667
    """
    limit, form = _limit(max_fpr), _forms.labels(reference, prediction, positive)
    area = averaged(form, average, lambda truth, score: _curves.partial_area(truth, score, limit))
    return area if np.isnan(area) else _mcclish(area, limit)
