"""How close predicted values come to measured ones."""

import numpy as np

from evaluators.kernels import LANES, sums
from evaluators.metrics import _forms
from evaluators.metrics._plans import Sums, mean, ratio, told
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("regression",), "needs": {"values"}, "equals": "scikit-learn"}


def _pair(reference, prediction) -> tuple[np.ndarray, np.ndarray]:
    y, p = _forms.numbers(reference, "reference"), _forms.numbers(prediction, "prediction")
    _forms.same_length(y, p)
    return y, p


def _mae(reference, prediction):
    y, p = _pair(reference, prediction)
    return mean(np.abs(p - y))


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
    interval="student",
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
    interval="tailed",
)
def rmse(reference, prediction) -> float:
    """Square root of the mean squared difference, 0 or more, in the unit of the value; both `(n,)`.

    >>> round(rmse([1.0, 2.0, 4.0], [1.0, 3.0, 2.0]), 6)
    1.290994
    """
    return _rmse(reference, prediction).value()


def _moments(reference, prediction, formula, reason: str) -> Sums:
    """A plan over n, means, variances and covariance of y and p, shifted by the mean of y and divided by the largest size.

    So nothing cancels, and what is rounding noise does not depend on the unit; formula gets that size last.
    """
    y, p = _pair(reference, prediction)
    shift = y.mean()
    y, p = y - shift, p - shift
    size = max(np.abs(y).max(), np.abs(p).max()) or 1.0
    y, p = y / size, p / size

    def of(s):
        with np.errstate(invalid="ignore", divide="ignore"):
            n, my, mp = s[0], s[1] / s[0], s[2] / s[0]
            return formula(n, my, mp, s[3] / n - my**2, s[4] / n - mp**2, s[5] / n - my * mp, size)

    return Sums(np.stack([np.ones(y.size), y, p, y * y, p * p, y * p]), of, reason)


def _positive(variance, scale=1e-13):
    """Variances that are only rounding noise as exact zeros."""
    return np.where(variance > scale, variance, 0.0)


def _r2(reference, prediction) -> Sums:
    def formula(n, my, mp, vy, vp, c, size):
        return 1 - ratio(vy + vp - 2 * c + (my - mp) ** 2, _positive(vy))

    return _moments(reference, prediction, formula, "the true values are all equal")


@metric(
    **FACTS,
    direction="higher",
    range=(-np.inf, 1.0),
    best=1.0,
    chance=0.0,
    unit="",
    title="Coefficient of determination",
    symbol="R²",
    formula="1 - sum (y_i - p_i)^2 / sum (y_i - mean y)^2",
    convention="Against the mean of the test set. All true values equal: NaN.",
    pitfalls="Depends on the spread of the test set; negative when worse than its mean.",
    reference="Wright 1921, J Agric Res 20:557",
    weighted=_r2,
    interval="student",
    steered=True,
)
def r2(reference, prediction) -> float:
    """Share of the variance explained, at most 1; both `(n,)`.

    >>> round(r2([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]), 6)
    0.571429
    """
    return _r2(reference, prediction).value()


def _correlation(vy, vp, c):
    return np.clip(ratio(c, np.sqrt(_positive(vy) * _positive(vp))), -1.0, 1.0)


def _pearson(reference, prediction) -> Sums:
    return _moments(
        reference,
        prediction,
        lambda n, my, mp, vy, vp, c, size: _correlation(vy, vp, c),
        "true or predicted values are all equal",
    )


CORRELATION = {"direction": "higher", "range": (-1.0, 1.0), "best": 1.0, "chance": 0.0, "unit": ""}


@metric(
    **{**FACTS, "equals": "scipy"},
    **CORRELATION,
    title="Pearson correlation",
    symbol="r",
    formula="cov(y, p) / (sd(y) sd(p))",
    convention="Either side constant: NaN.",
    pitfalls="Blind to a wrong scale or offset: two methods can correlate perfectly and never agree.",
    reference="Pearson 1895, Proc R Soc 58:240, doi:10.1098/rspl.1895.0041",
    weighted=_pearson,
    interval="student",
)
def pearson(reference, prediction) -> float:
    """Linear correlation, -1 to 1; both `(n,)`.

    >>> round(pearson([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]), 6)
    0.755929
    """
    return _pearson(reference, prediction).value()


class _Ranks:
    """Spearman's correlation: midranks are made again from the weights of each resample."""

    def __init__(self, reference, prediction):
        y, p = _pair(reference, prediction)
        self.sides = [np.unique(v, return_inverse=True)[1].astype(np.int32) for v in (y, p)]

    def value(self) -> float:
        return told(self(np.ones((self.sides[0].size, LANES), np.uint8))[:1], "true or predicted values are all equal")

    def __call__(self, weights):
        out = np.zeros((4, LANES))
        counts = [np.zeros((int(side.max()) + 1, LANES), np.uint32) for side in self.sides]
        for side, count in zip(self.sides, counts, strict=True):
            sums.tally(side, weights, count)
        ranks = [np.cumsum(c, axis=0, dtype=np.float64) - 0.5 * c for c in counts]
        sums.products(*self.sides, *ranks, weights, out)
        n = out[3]
        middle = np.square(n / 2)  # the mean of these midranks is n / 2
        with np.errstate(invalid="ignore"):
            return _correlation(out[0] / n - middle, out[1] / n - middle, out[2] / n - middle)


@metric(
    **{**FACTS, "equals": "scipy"},
    **CORRELATION,
    title="Spearman rank correlation",
    symbol="rho",
    formula="Pearson correlation of the midranks",
    convention="Ties get their mean rank. Either side constant: NaN.",
    pitfalls="Says nothing of how far off the values are.",
    reference="Spearman 1904, Am J Psychol 15:72, doi:10.2307/1412159",
    weighted=_Ranks,
    interval="student",
)
def spearman(reference, prediction) -> float:
    """Correlation of the ranks, -1 to 1; both `(n,)`.

    >>> round(spearman([1.0, 2.0, 4.0], [1.0, 3.0, 2.0]), 6)
    0.5
    """
    return _Ranks(reference, prediction).value()


def _lin_ccc(reference, prediction) -> Sums:
    def formula(n, my, mp, vy, vp, c, size):
        return ratio(2 * c, _positive(vy + vp + (my - mp) ** 2))

    return _moments(reference, prediction, formula, "true and predicted values are one constant")


@metric(
    **{**FACTS, "equals": "the definition by brute force"},
    **CORRELATION,
    title="Lin's concordance correlation",
    symbol="CCC",
    formula="2 cov(y, p) / (var y + var p + (mean y - mean p)^2)",
    convention="Variances divided by n, as in Lin's paper.",
    pitfalls="Depends on the range of the test set: a wide range makes any method look concordant.",
    reference="Lin 1989, Biometrics 45:255, doi:10.2307/2532051",
    weighted=_lin_ccc,
    interval="student",
)
def lin_ccc(reference, prediction) -> float:
    """Agreement with the line of identity, -1 to 1; both `(n,)`.

    >>> round(lin_ccc([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]), 6)
    0.727273
    """
    return _lin_ccc(reference, prediction).value()


def _icc(reference, prediction, *, form="2,1") -> Sums:
    if form not in ("2,1", "3,1"):
        raise ValueError(f"form: {form!r}; '2,1' (absolute agreement) or '3,1' (consistency)")

    def formula(n, my, mp, vy, vp, c, size):
        between = n / np.maximum(n - 1, 1) * (vy + vp + 2 * c) / 2  # mean square of cases, two raters
        rest = n / np.maximum(n - 1, 1) * (vy + vp - 2 * c) / 2  # residual mean square
        raters = n * (my - mp) ** 2 / 2  # mean square of the two raters
        bottom = between + rest + (2 / n * (raters - rest) if form == "2,1" else 0.0)
        return np.where(n > 1, ratio(between - rest, np.where(np.abs(bottom) > 1e-13, bottom, 0.0)), np.nan)

    return _moments(reference, prediction, formula, "fewer than two cases, or one constant throughout")


@metric(
    **{**FACTS, "equals": "the definition by brute force (analysis of variance)"},
    **CORRELATION,
    title="Intraclass correlation",
    symbol="ICC",
    formula="(MSR - MSE) / (MSR + MSE [+ 2/n (MSC - MSE)]), reference and prediction as two raters",
    convention="`form` '2,1': two-way random, absolute agreement; '3,1': two-way mixed, consistency. Single rating.",
    pitfalls="Name the form: they differ by the systematic offset. Depends on the spread of the test set.",
    reference="Shrout & Fleiss 1979, Psychol Bull 86:420, doi:10.1037/0033-2909.86.2.420",
    parameters={"form": "2,1"},
    weighted=_icc,
    interval="student",
)
def icc(reference, prediction, *, form: str = "2,1") -> float:
    """Intraclass correlation of truth and prediction as two raters, at most 1; both `(n,)`.

    >>> round(icc([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]), 6)
    0.8
    """
    return _icc(reference, prediction, form=form).value()


def _bland_altman(reference, prediction, *, limit="width") -> Sums:
    if limit not in ("width", "lower", "upper", "bias"):
        raise ValueError(f"limit: {limit!r}; one of width, lower, upper, bias")

    def formula(n, my, mp, vy, vp, c, size):
        spread = np.sqrt(np.maximum(vy + vp - 2 * c, 0) * n / np.maximum(n - 1, 1))
        bias = mp - my
        value = {"width": 2 * 1.96 * spread, "lower": bias - 1.96 * spread, "upper": bias + 1.96 * spread, "bias": bias}
        return np.where(n > 1, value[limit] * size, np.nan)

    return _moments(reference, prediction, formula, "fewer than two cases")


@metric(
    **{**FACTS, "equals": "the definition by brute force"},
    direction="lower",
    range=(0.0, np.inf),
    best=0.0,
    unit="of the value",
    title="Bland-Altman limits of agreement",
    symbol="LoA",
    formula="bias ± 1.96 sd of (p_i - y_i); the value is the distance between the limits",
    convention="Standard deviation divided by n - 1. `limit`: width (default), lower, upper or bias gives that number.",
    pitfalls="Assumes that the error neither grows with the value nor is skewed.",
    reference="Bland & Altman 1986, Lancet 327:307, doi:10.1016/S0140-6736(86)90837-8",
    parameters={"limit": "width"},
    weighted=_bland_altman,
    interval="tailed",
)
def bland_altman(reference, prediction, *, limit: str = "width") -> float:
    """Width of the 95 % limits of agreement (or one limit, or the bias), in the unit of the value; both `(n,)`.

    >>> round(bland_altman([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]), 6)
    3.92
    """
    return _bland_altman(reference, prediction, limit=limit).value()
