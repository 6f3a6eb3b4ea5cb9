"""How well scores tell the classes apart, over all thresholds: areas under the ROC and precision-recall curves."""

import numpy as np

from evaluators.metrics import _curves, _forms
from evaluators.metrics.registry import Undefined, metric

AVERAGES = ("macro", "weighted", "micro")
ONE_CLASS = "only one class among the cases"


def averaged(form: _forms.Labels, average: str, one) -> float:
    """`one(truth, score)` of each class against the rest (or label): plain mean, mean by prevalence, or of all pooled."""
    if average not in AVERAGES:
        raise ValueError(f"average: {average!r}; one of {', '.join(AVERAGES)}")
    if form.kind == "binary":
        return one(form.truth, form.scores)
    columns = form.columns()
    if average == "micro":
        return one(np.concatenate([t for t, _ in columns]), np.concatenate([s for _, s in columns]))
    values = [one(truth, score) for truth, score in columns]
    for k, value in enumerate(values):
        if np.isnan(value):
            return Undefined(f"class {k}: {getattr(value, 'reason', 'undefined')}")
    shares = np.array([t.sum() for t, _ in columns]) if average == "weighted" else None
    return float(np.average(values, weights=shares))


def _auroc(truth, score) -> float:
    value = _curves.auc(truth, score)
    return Undefined(ONE_CLASS) if np.isnan(value) else value


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
)
def auroc(reference, prediction, *, average: str = "macro", positive=None) -> float:
    """Area under the ROC curve, 0 to 1: binary, one-vs-rest over classes, or over labels.

    reference `(n,)` class indices or `(n, k)` 0/1; prediction `(n,)` or `(n, k)` finite scores. `average`: macro, weighted
    or micro. `positive`: class indices that together are the positive class.

    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return averaged(_forms.labels(reference, prediction, positive), average, _auroc)


def _average_precision(truth, score) -> float:
    value = _curves.average_precision(truth, score)
    return Undefined("no positive among the cases") if np.isnan(value) else value


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
)
def average_precision(reference, prediction, *, average: str = "macro", positive=None) -> float:
    """Area under the precision-recall curve as a step function, 0 to 1; forms and parameters as for `auroc`.

    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.833333
    """
    return averaged(_forms.labels(reference, prediction, positive), average, _average_precision)
