"""How good the decisions are once a threshold (or the most probable class) has been taken."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics._plans import Counts, Recalls, mean_of_defined, ratio
from evaluators.metrics.registry import metric

FACTS = {
    "kinds": ("classification",),
    "needs": {"scores"},
    "direction": "higher",
    "best": 1.0,
    "unit": "",
    "equals": "scikit-learn",
}
DECIDED = "Binary and multi-label: score >= threshold (0.5). Several classes: the first of the highest scores. "


def confusion(reference, prediction, threshold: float, positive, formula, reason: str) -> Counts:
    """A plan over confusion tables: formula gets counts (tables, k, k, B), axis 1 the truth, axis 2 the decision."""
    form = _forms.labels(reference, prediction, positive)
    decision, k = _forms.decided(form, threshold), 2 if form.kind == "labels" else form.classes
    codes = (form.truth * k + decision).reshape(len(form.truth), -1).T
    return Counts(
        np.ascontiguousarray(codes, dtype=np.int32), k * k, lambda c: formula(c.reshape(-1, k, k, c.shape[-1])), reason
    )


def _balanced_accuracy(reference, prediction, *, threshold=0.5, positive=None):
    def formula(t):
        truth = t.sum(axis=2)
        recall = ratio(np.einsum("tkkb->tkb", t), truth)
        enough = (truth > 0).sum(axis=1) > 1
        return np.where(enough, mean_of_defined(recall.swapaxes(0, 1)), np.nan).mean(axis=0)

    plan = confusion(reference, prediction, threshold, positive, formula, "only one class among the cases")
    return Recalls(plan.codes, plan.cells, plan.formula, plan.reason) if len(plan.codes) == 1 else plan


@metric(
    **FACTS,
    title="Balanced accuracy",
    symbol="BA",
    range=(0.0, 1.0),
    formula="mean over classes of TP_k / (TP_k + FN_k)",
    convention=DECIDED
    + "Classes without a case are left out; fewer than two classes: NaN. Multi-label: mean over labels.",
    pitfalls="Its chance value is 1/k for k classes. Weighs a rare class as much as a common one, noise included.",
    reference="Brodersen et al. 2010, ICPR, doi:10.1109/ICPR.2010.764",
    parameters={"threshold": 0.5, "positive": None},
    weighted=_balanced_accuracy,
    interval="mover",
)
def balanced_accuracy(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Mean of the recalls of the classes, 0 to 1; for two classes (sensitivity + specificity) / 2.

    >>> balanced_accuracy([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8])
    0.5
    """
    return _balanced_accuracy(reference, prediction, threshold=threshold, positive=positive).value()


def _f1(reference, prediction, *, threshold=0.5, average="macro", beta=1.0, positive=None):
    form = _forms.labels(reference, prediction, positive)

    def formula(t):
        if form.kind != "classes":
            t = t[:, 1:, 1:], t[:, 1:].sum(axis=2), t[:, :, 1:].sum(axis=1)
            tp, truth, said = t[0][:, 0, 0], t[1][:, 0], t[2][:, 0]
        else:
            tp, truth, said = np.einsum("tkkb->kb", t), t.sum(axis=2)[0], t.sum(axis=1)[0]
        if average == "micro":
            tp, truth, said = (x.sum(axis=0, keepdims=True) for x in (tp, truth, said))
        f = ratio((1 + beta**2) * tp, beta**2 * truth + said)
        if average == "weighted":
            return ratio(np.where(np.isnan(f), 0, f * truth).sum(axis=0), truth.sum(axis=0))
        return mean_of_defined(f)

    if average not in ("macro", "weighted", "micro"):
        raise ValueError(f"average: {average!r}; one of macro, weighted, micro")
    return confusion(reference, prediction, threshold, positive, formula, "no positive in truth or decision")


@metric(
    **FACTS,
    title="F1 score (F-beta)",
    symbol="F1",
    range=(0.0, 1.0),
    formula="(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP)",
    convention=DECIDED
    + "Macro mean over classes or labels; one that occurs neither in truth nor in decision is left out, "
    "if none is left: NaN (scikit-learn gives 0 with a warning).",
    pitfalls="Ignores true negatives and depends on prevalence; the threshold must be fixed beforehand.",
    reference="van Rijsbergen 1979, Information Retrieval, ISBN 978-0408709293",
    parameters={"threshold": 0.5, "average": "macro", "beta": 1.0, "positive": None},
    weighted=_f1,
    interval="logit",
)
def f1(
    reference, prediction, *, threshold: float = 0.5, average: str = "macro", beta: float = 1.0, positive=None
) -> float:
    """Harmonic mean of precision and recall, 0 to 1; recall counts `beta` times as much as precision.

    >>> round(f1([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8]), 6)
    0.5
    """
    return _f1(reference, prediction, threshold=threshold, average=average, beta=beta, positive=positive).value()


def _mcc(reference, prediction, *, threshold=0.5, positive=None):
    def formula(t):
        n, correct = t.sum(axis=(1, 2)), np.einsum("tkkb->tb", t)
        truth, said = t.sum(axis=2), t.sum(axis=1)
        top = correct * n - (truth * said).sum(axis=1)
        spread = (n**2 - (said**2).sum(axis=1)) * (n**2 - (truth**2).sum(axis=1))
        return ratio(top, np.sqrt(spread)).mean(axis=0)

    return confusion(reference, prediction, threshold, positive, formula, "all truths or all decisions are one class")


@metric(
    **FACTS,
    title="Matthews correlation coefficient",
    symbol="MCC",
    range=(-1.0, 1.0),
    chance=0.0,
    formula="(TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)); R_K for several classes",
    convention=DECIDED + "Truth or decision all one class: NaN (scikit-learn gives 0). Multi-label: mean over labels.",
    pitfalls="Depends on prevalence, so not comparable between cohorts.",
    reference="Matthews 1975, doi:10.1016/0005-2795(75)90109-9; Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006",
    parameters={"threshold": 0.5, "positive": None},
    weighted=_mcc,
    interval="logit",
)
def mcc(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Correlation between truth and decision, -1 to 1.

    >>> round(mcc([0, 0, 0, 1, 1], [0.1, 0.2, 0.6, 0.35, 0.8]), 6)
    0.166667
    """
    return _mcc(reference, prediction, threshold=threshold, positive=positive).value()
