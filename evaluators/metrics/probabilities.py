"""Whether predicted probabilities can be believed: Brier score, log loss, calibration error, slope and intercept."""

import numpy as np

from evaluators.kernels import LANES, logistic, sums
from evaluators.metrics import _forms
from evaluators.metrics._plans import mean, ratio, told
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("classification",), "needs": {"scores"}, "unit": ""}
CLIP = 1e-12


def _probabilities(reference, prediction, positive=None) -> _forms.Labels:
    form = _forms.labels(reference, prediction, positive)
    if form.scores.min() < 0 or form.scores.max() > 1 + 1e-9:
        raise ValueError("prediction: probabilities must lie in 0..1")
    return form


def _brier(reference, prediction, *, positive=None):
    form = _probabilities(reference, prediction, positive)
    if form.kind == "classes":
        return mean(((form.scores - np.eye(form.classes)[form.truth]) ** 2).sum(axis=1))
    loss = (form.scores - form.truth) ** 2
    return mean(loss.reshape(len(loss), -1).mean(axis=1))


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, 2.0),
    best=0.0,
    title="Brier score",
    symbol="Brier",
    formula="mean (p_i - y_i)^2; several classes: mean of the sum over classes",
    convention="Two classes: 0 to 1, of the positive class only. Several classes: Brier's own sum, 0 to 2. Multi-label: mean.",
    equals="scikit-learn",
    pitfalls="Falls with the prevalence, so not comparable between cohorts.",
    reference="Brier 1950, Mon Weather Rev 78:1, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
    parameters={"positive": None},
    weighted=_brier,
    interval="studentised",
)
def brier(reference, prediction, *, positive=None) -> float:
    """Mean squared error of the predicted probabilities, 0 to 1 (0 to 2 for several classes).

    >>> round(brier([0, 1], [0.2, 0.7]), 6)
    0.065
    """
    return _brier(reference, prediction, positive=positive).value()


def _log_loss(reference, prediction, *, positive=None):
    form = _probabilities(reference, prediction, positive)
    tiny = np.finfo(np.float64).eps
    if form.kind == "classes":
        own = np.clip(form.scores, tiny, 1 - tiny)
        own = np.take_along_axis(own / own.sum(axis=1, keepdims=True), form.truth[:, None], axis=1)
        return mean(-np.log(own[:, 0]))
    p = np.clip(form.scores, tiny, 1 - tiny)
    loss = -np.where(form.truth == 1, np.log(p), np.log1p(-p))
    return mean(loss.reshape(len(loss), -1).mean(axis=1))


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, np.inf),
    best=0.0,
    title="Log loss (cross-entropy)",
    symbol="Log loss",
    formula="-mean log P(true class)",
    convention="Natural logarithm; probabilities clipped at 2.2e-16, rows of several classes made to sum to 1. Multi-label: mean.",
    equals="scikit-learn",
    pitfalls="One confident error can decide it.",
    reference="Good 1952, J R Stat Soc B 14:107, doi:10.1111/j.2517-6161.1952.tb00104.x",
    parameters={"positive": None},
    weighted=_log_loss,
    interval="studentised",
    steered=True,
)
def log_loss(reference, prediction, *, positive=None) -> float:
    """Mean negative log probability of the true class, 0 and more (0.693 for saying one half).

    >>> round(log_loss([0, 1], [0.2, 0.7]), 6)
    0.289909
    """
    return _log_loss(reference, prediction, positive=positive).value()


class _Binned:
    """Expected calibration error over classes: gaps (observed minus said) summed by bin."""

    def __init__(self, reference, prediction, bins, positive):
        form = _probabilities(reference, prediction, positive)
        if int(bins) < 1:
            raise ValueError(f"bins: {bins}")
        self.bins, self.n = int(bins), len(form.truth)
        self.said = [np.ascontiguousarray(p) for _, p in form.columns()]
        self.columns = [
            (np.minimum((p * self.bins).astype(np.int32), self.bins - 1).astype(np.int32), np.ascontiguousarray(y - p))
            for y, p in form.columns()
        ]

    def value(self) -> float:
        gaps = [np.abs(np.bincount(c, weights=gap, minlength=self.bins)).sum() / self.n for c, gap in self.columns]
        return told(np.array([np.mean(gaps)]), "no cases")

    def by_chance(self, draws: int = 400) -> np.ndarray:
        """The errors (draws,) of a perfectly calibrated model with these predictions, in as many cases."""
        rng, found = np.random.default_rng(0), np.empty(draws)
        for d in range(draws):
            gaps = [(rng.random(self.n) < p) - p for p in self.said]
            found[d] = np.mean(
                [np.abs(np.bincount(c, weights=g)).sum() for (c, _), g in zip(self.columns, gaps, strict=True)]
            )
        return found / self.n

    def __call__(self, weights):
        count = sums.tallied(np.zeros(self.n, np.int32), 1, weights)[0]
        gaps = [np.abs(sums.grouped_sums(c, gap, self.bins, weights)).sum(axis=0) for c, gap in self.columns]
        return ratio(np.mean(gaps, axis=0), count)


def _ece(reference, prediction, *, bins=15, positive=None):
    return _Binned(reference, prediction, bins, positive)


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, 1.0),
    best=0.0,
    title="Expected calibration error",
    symbol="ECE",
    formula="sum over bins of n_b / n |mean y - mean p|",
    convention="Of P(class), not of the confidence: equal-width bins [a, b), the last one closed. Several classes or labels: mean "
    "over them. Other libraries place the bin edges otherwise.",
    equals="the definition by brute force",
    pitfalls="Biased upwards in small samples and dependent on the number of bins; look at slope and intercept too.",
    reference="Naeini et al. 2015, AAAI, doi:10.1609/aaai.v29i1.9602",
    parameters={"bins": 15, "positive": None},
    weighted=_ece,
    interval="calibration",
)
def ece(reference, prediction, *, bins: int = 15, positive=None) -> float:
    """Mean distance between what is said and what happens, over bins of probability, 0 to 1.

    >>> round(ece([0, 1], [0.2, 0.7], bins=5), 6)
    0.25
    """
    return _ece(reference, prediction, bins=bins, positive=positive).value()


class _Recalibration:
    """Logistic recalibration logit P(y) = a + b logit(p): b and a, or with b = 1 fixed a alone; mean over classes."""

    def __init__(self, reference, prediction, positive, slope: bool):
        form = _probabilities(reference, prediction, positive)
        self.slope = slope
        self.columns = []
        for y, p in form.columns():
            p = np.clip(p, CLIP, 1 - CLIP)
            self.columns.append((np.ascontiguousarray(np.log(p) - np.log1p(-p)), y.astype(np.float64)))

    def value(self) -> float:
        return told(
            self(np.ones((len(self.columns[0][0]), LANES), np.uint8))[:1], "a class is missing or scores separate them"
        )

    def __call__(self, weights):
        return np.mean([self._one(x, y, weights) for x, y in self.columns], axis=0)

    def _one(self, x, y, weights):
        intercept, slope = logistic.recalibrate(x, y, self.slope, weights)
        return slope if self.slope else intercept


def _slope(reference, prediction, *, positive=None):
    return _Recalibration(reference, prediction, positive, True)


def _intercept(reference, prediction, *, positive=None):
    return _Recalibration(reference, prediction, positive, False)


RECALIBRATED = {
    "direction": "target",
    "range": (-np.inf, np.inf),
    "equals": "statsmodels (GLM, binomial)",
    "parameters": {"positive": None},
    "reference": "Van Calster et al. 2019, BMC Med 17:230, doi:10.1186/s12916-019-1466-7",
}


@metric(
    **FACTS,
    **RECALIBRATED,
    best=1.0,
    title="Calibration slope",
    symbol="Slope",
    formula="b of logit P(y = 1) = a + b logit(p)",
    convention="Probabilities clipped to 1e-12 from 0 and 1. Scores that separate the classes, or one class only: NaN.",
    pitfalls="Below 1: too extreme, typically overfitted. Says nothing of the overall level: see the intercept.",
    weighted=_slope,
    interval="bca",
)
def calibration_slope(reference, prediction, *, positive=None) -> float:
    """Slope of the logistic recalibration, 1 when the spread of the predictions is right.

    >>> round(calibration_slope([0, 1, 0, 1], [0.2, 0.3, 0.6, 0.9]), 4)
    0.6931
    """
    return _slope(reference, prediction, positive=positive).value()


@metric(
    **FACTS,
    **RECALIBRATED,
    best=0.0,
    title="Calibration intercept (in the large)",
    symbol="Intercept",
    formula="a of logit P(y = 1) = a + logit(p)",
    convention="The slope is held at 1. Probabilities clipped to 1e-12 from 0 and 1. One class only: NaN.",
    pitfalls="Above 0: risks are underestimated on the whole. Depends on the prevalence of the test set.",
    weighted=_intercept,
)
def calibration_intercept(reference, prediction, *, positive=None) -> float:
    """Log odds by which the predictions are too low on the whole, 0 when their level is right.

    >>> round(calibration_intercept([0, 1, 0, 1], [0.2, 0.3, 0.6, 0.9]), 4)
    0.0
    """
    return _intercept(reference, prediction, positive=positive).value()
