"""Agreement on ordered grades: kappa coefficients with quadratic or linear weights, and the mean error in grades."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics._plans import Counts, mean, ratio
from evaluators.metrics.registry import metric

CONSTANT = "truth and prediction are one and the same grade throughout"


def _kappa(power: int):
    def plan(reference, prediction, *, classes=None, thresholds=None) -> Counts:
        truth, grade, k = _forms.grades(reference, prediction, classes, thresholds)
        cost = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64) ** power

        def formula(counts):
            t = counts.reshape(k, k, -1)
            seen = np.tensordot(cost, t, axes=2)
            expected = np.einsum("ij,ib,jb->b", cost, t.sum(axis=1), t.sum(axis=0))
            return 1 - ratio(seen * t.sum(axis=(0, 1)), expected)

        return Counts((truth * k + grade).astype(np.int32)[None], k * k, formula, CONSTANT)

    return plan


_quadratic, _linear = _kappa(2), _kappa(1)
FACTS = {
    "kinds": ("classification",),
    "needs": {"grades"},
    "direction": "higher",
    "range": (-1.0, 1.0),
    "best": 1.0,
    "chance": 0.0,
    "unit": "",
    "convention": "Grade from probabilities by argmax, or by `thresholds` on the expected grade if the package says so. "
    "Truth and prediction constant and equal: NaN with the reason.",
    "equals": "scikit-learn",
    "parameters": {"classes": None, "thresholds": None},
}


@metric(
    **FACTS,
    title="Quadratic weighted kappa",
    symbol="QWK",
    formula="1 - sum w_ij O_ij / sum w_ij E_ij, w_ij = (i - j)^2",
    pitfalls="Grows with the spread of grades in the cohort; a model that never names the rarest grade can score high.",
    reference="Cohen 1968, Psychol Bull 70:213, doi:10.1037/h0026256",
    weighted=_quadratic,
    interval="student",
)
def quadratic_weighted_kappa(reference, prediction, *, classes: int | None = None, thresholds=None) -> float:
    """Chance-corrected agreement on grades, a disagreement costing its squared distance; -1 to 1.

    reference `(n,)` grades 0..k-1, prediction `(n,)` grades or `(n, k)` probabilities.

    >>> quadratic_weighted_kappa([0, 1, 2, 2], [0, 1, 2, 1])
    0.8
    """
    return _quadratic(reference, prediction, classes=classes, thresholds=thresholds).value()


@metric(
    **FACTS,
    title="Linear weighted kappa",
    symbol="LWK",
    formula="1 - sum w_ij O_ij / sum w_ij E_ij, w_ij = |i - j|",
    pitfalls="As for the quadratic form; the two can order entries differently, so the choice is fixed beforehand.",
    reference="Cohen 1968, Psychol Bull 70:213, doi:10.1037/h0026256",
    weighted=_linear,
    interval="student",
)
def linear_weighted_kappa(reference, prediction, *, classes: int | None = None, thresholds=None) -> float:
    """Chance-corrected agreement on grades, a disagreement costing its distance; -1 to 1. Forms as for the quadratic.

    >>> round(linear_weighted_kappa([0, 1, 2, 2], [0, 1, 2, 1]), 6)
    0.714286
    """
    return _linear(reference, prediction, classes=classes, thresholds=thresholds).value()


def _mae_of_grade(reference, prediction, *, classes=None, thresholds=None):
    truth, grade, _ = _forms.grades(reference, prediction, classes, thresholds)
    return mean(np.abs(truth - grade))


@metric(
    **{**FACTS, "direction": "lower", "range": (0.0, np.inf), "best": 0.0, "chance": None, "unit": "grades"},
    title="Mean absolute error in grades",
    symbol="MAE",
    formula="mean |grade - truth|",
    pitfalls="Always naming the middle grade scores well where the middle is common.",
    reference="Gaudette & Japkowicz 2009, Canadian AI, doi:10.1007/978-3-642-01818-3_25",
    weighted=_mae_of_grade,
    interval="student",
)
def mae_of_grade(reference, prediction, *, classes: int | None = None, thresholds=None) -> float:
    """Mean distance in grades, 0 and more. Forms as for the kappas.

    >>> mae_of_grade([0, 1, 2, 2], [0, 1, 2, 1])
    0.25
    """
    return _mae_of_grade(reference, prediction, classes=classes, thresholds=thresholds).value()
