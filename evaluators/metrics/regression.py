"""How close predicted values come to measured ones."""

import numpy as np

from evaluators.metrics import _forms
from evaluators.metrics._plans import Sums, ratio
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("regression",), "needs": {"values"}, "equals": "scikit-learn"}


def _pair(reference, prediction) -> tuple[np.ndarray, np.ndarray]:
    y, p = _forms.numbers(reference, "reference"), _forms.numbers(prediction, "prediction")
    _forms.same_length(y, p)
    return y, p


def _mae(reference, prediction) -> Sums:
    y, p = _pair(reference, prediction)
    return Sums(np.stack([np.ones(y.size), np.abs(p - y)]), lambda s: ratio(s[1], s[0]))


@metric(
    **FACTS,
    title="Mean absolute error",
    symbol="MAE",
    direction="lower",
    range=(0.0, np.inf),
    best=0.0,
    unit="of the value",
    formula="mean |p_i - y_i|",
    convention="Plain mean over cases.",
    pitfalls="Says nothing of bias: look at the Bland-Altman limits too.",
    reference="Willmott & Matsuura 2005, Clim Res 30:79, doi:10.3354/cr030079",
    weighted=_mae,
)
def mae(reference, prediction) -> float:
    """Mean absolute difference, 0 or more, in the unit of the value; both `(n,)`.

    >>> mae([1.0, 2.0, 4.0], [1.0, 3.0, 2.0])
    1.0
    """
    return _mae(reference, prediction).value()


def _rmse(reference, prediction) -> Sums:
    y, p = _pair(reference, prediction)
    return Sums(np.stack([np.ones(y.size), (p - y) ** 2]), lambda s: np.sqrt(ratio(s[1], s[0])))


@metric(
    **FACTS,
    title="Root mean squared error",
    symbol="RMSE",
    direction="lower",
    range=(0.0, np.inf),
    best=0.0,
    unit="of the value",
    formula="sqrt(mean (p_i - y_i)^2)",
    convention="Divided by n.",
    pitfalls="A few large errors decide it.",
    reference="Chai & Draxler 2014, Geosci Model Dev 7:1247, doi:10.5194/gmd-7-1247-2014",
    weighted=_rmse,
)
def rmse(reference, prediction) -> float:
    """Square root of the mean squared difference, 0 or more, in the unit of the value; both `(n,)`.

    >>> round(rmse([1.0, 2.0, 4.0], [1.0, 3.0, 2.0]), 6)
    1.290994
    """
    return _rmse(reference, prediction).value()
