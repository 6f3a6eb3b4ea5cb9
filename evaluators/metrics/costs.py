"""Errors that are not alike: accuracy, the right class among the first k, forbidden confusions and costs by a matrix."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics._plans import mean
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("classification",), "needs": {"scores"}, "unit": ""}
ONE_CLASS = {**FACTS, "needs": {"scores", "classes"}}  # one true class a case, not several labels


def _accuracy(reference, prediction, *, threshold=0.5, positive=None):
    form = _forms.labels(reference, prediction, positive)
    right = form.truth == _forms.decided(form, threshold)
    return mean(right.reshape(len(right), -1).all(axis=1))


@metric(
    **FACTS,
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    title="Accuracy",
    symbol="Acc",
    formula="correct / n",
    convention="Score >= threshold, or the most probable class. Multi-label: all labels of a case right.",
    equals="scikit-learn",
    pitfalls="With one lesion in 1,000 images 'all healthy' is 99.9 % accurate: never the primary metric under imbalance.",
    reference="Reinke et al. 2024, Nat Methods 21:182, doi:10.1038/s41592-023-02150-0",
    parameters={"threshold": 0.5, "positive": None},
    weighted=_accuracy,
    interval="wilson",
)
def accuracy(reference, prediction, *, threshold: float = 0.5, positive=None) -> float:
    """Share of the cases decided right, 0 to 1.

    >>> accuracy([0, 0, 1, 1], [0.1, 0.6, 0.35, 0.8])
    0.5
    """
    return _accuracy(reference, prediction, threshold=threshold, positive=positive).value()


def _top_k(reference, prediction, *, k=2):
    form = _forms.labels(reference, prediction)
    if form.kind == "labels":
        raise ValueError("top_k is for one true class a case")
    scores = np.stack([1 - form.scores, form.scores], axis=1) if form.kind == "binary" else form.scores
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k: {k} of {scores.shape[1]} classes")
    own = np.take_along_axis(scores, form.truth[:, None], axis=1)
    before = (scores > own).sum(axis=1) + ((scores == own) & (np.arange(scores.shape[1]) > form.truth[:, None])).sum(
        axis=1
    )
    return mean(before < k)


@metric(
    **ONE_CLASS,
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    title="Top-k accuracy",
    symbol="Top-k",
    formula="share of cases whose true class is among the k highest scores",
    convention="Of equal scores the later class counts as higher, as in scikit-learn.",
    equals="scikit-learn",
    pitfalls="With few classes nearly everything is right.",
    reference="Russakovsky et al. 2015, IJCV 115:211, doi:10.1007/s11263-015-0816-y",
    parameters={"k": 2},
    weighted=_top_k,
    interval="wilson",
)
def top_k(reference, prediction, *, k: int = 2) -> float:
    """Share of the cases whose true class is among the `k` most probable, 0 to 1.

    >>> top_k([0, 2], [[0.2, 0.5, 0.3], [0.5, 0.3, 0.2]], k=2)
    0.0
    """
    return _top_k(reference, prediction, k=k).value()


def _pairs(reference, prediction, threshold):
    form = _forms.labels(reference, prediction)
    if form.kind == "labels":
        raise ValueError("confusions need one true class a case")
    return form.truth, _forms.decided(form, threshold), form.classes


def _forbidden(reference, prediction, *, never=(), threshold=0.5):
    truth, decision, k = _pairs(reference, prediction, threshold)
    table = np.zeros((k, k), bool)
    for true, said in never:
        table[np.ix_(np.atleast_1d(true), np.atleast_1d(said))] = True
    if not table.any():
        table = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) >= max(k - 1, 1)
    return mean(table[truth, decision])


@metric(
    **ONE_CLASS,
    direction="lower",
    range=(0.0, 1.0),
    best=0.0,
    title="Forbidden-confusion rate",
    symbol="Forbidden",
    formula="share of cases whose (truth, decision) is in `never`",
    convention="`never`: pairs (true classes, decided classes). Without it: the first class taken for the last, or the reverse.",
    equals="the definition by brute force",
    pitfalls="0 of 10 still allows 26 %: read the upper limit.",
    reference="Hanley & Lippman-Hand 1983, JAMA 249:1743, doi:10.1001/jama.1983.03330370053031",
    parameters={"never": (), "threshold": 0.5},
    weighted=_forbidden,
    interval="wilson",
)
def forbidden_confusion_rate(reference, prediction, *, never=(), threshold: float = 0.5) -> float:
    """Share of the cases with a confusion that must not happen, 0 to 1.

    >>> forbidden_confusion_rate([2, 2, 0], [[1, 0, 0], [0, 1, 0], [1, 0, 0]], never=[([1, 2], [0])])
    0.3333333333333333
    """
    return _forbidden(reference, prediction, never=never, threshold=threshold).value()


def _cost(reference, prediction, *, costs=None, threshold=0.5):
    truth, decision, k = _pairs(reference, prediction, threshold)
    table = 1.0 - np.eye(k) if costs is None else _forms.numbers(costs, "costs", (2,))
    if table.shape != (k, k):
        raise ValueError(f"costs: shape {table.shape}, expected ({k}, {k})")
    return mean(table[truth, decision])


@metric(
    **ONE_CLASS,
    direction="lower",
    range=(-np.inf, np.inf),
    best=0.0,
    title="Expected cost",
    symbol="EC",
    formula="mean of C[truth, decision]",
    convention="`costs` (k, k): row the truth, column the decision, 0 on the diagonal. Without it every error costs 1.",
    equals="the definition by brute force",
    pitfalls="The costs are a value judgement: fix them before anybody submits.",
    reference="Ferrer 2022, arXiv 2209.05355",
    parameters={"costs": None, "threshold": 0.5},
    weighted=_cost,
    interval="studentised",
)
def expected_cost(reference, prediction, *, costs=None, threshold: float = 0.5) -> float:
    """Mean cost of the decisions under a cost matrix, in its unit.

    >>> expected_cost([0, 1], [[0.4, 0.6], [0.9, 0.1]], costs=[[0, 1], [5, 0]])
    3.0
    """
    return _cost(reference, prediction, costs=costs, threshold=threshold).value()
