"""Whether those with the higher risk have their event earlier: concordance indices for right-censored times."""

import numpy as np

from evaluators.kernels import LANES, concordance
from evaluators.metrics import _censoring, _forms
from evaluators.metrics.registry import Undefined, metric

TIED = 1e-8
NO_PAIR = "no comparable pair: no event is followed by anybody"
FACTS = {
    "kinds": ("survival",),
    "needs": {"risk"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "chance": 0.5,
    "unit": "",
}


class Order:
    """The rows of an answer as the concordance kernels walk them: by time from the latest, and by risk."""

    def __init__(self, reference, prediction):
        self.seen, self.risk = _forms.outcome(reference), _forms.risk(prediction)
        _forms.same_length(self.seen.time, self.risk)
        n = self.risk.size
        order = np.argsort(self.risk)
        position, low, high = (np.empty(n, np.int32) for _ in range(3))
        position[order] = np.arange(n, dtype=np.int32)
        concordance.reach(order, self.risk, TIED, low, high)
        rows, groups = np.empty(n, np.int32), np.empty(3 * n, np.int32)
        many = concordance.walk(np.argsort(self.seen.time), self.seen.time, self.seen.event, rows, groups)
        self.walk = rows, groups[: 3 * many].copy(), position, low, high

    def value(self, worth: np.ndarray) -> float:
        out = np.zeros(2)
        concordance.pairs(*self.walk, worth, out)
        return float(out[0] / out[1]) if out[1] else Undefined(NO_PAIR)


def _harrell(reference, prediction):
    order = Order(reference, prediction)

    def plan(weights):
        out = np.zeros((2, LANES), np.uint64)
        concordance.weighted_pairs(*order.walk, weights, out)
        return _share(out[0].astype(np.float64), out[1])

    return plan


def _share(doubled, pairs):
    return np.divide(doubled, 2.0 * pairs, out=np.full(LANES, np.nan), where=pairs > 0)


@metric(
    **FACTS,
    title="Concordance index (Harrell)",
    symbol="C",
    formula="(concordant + 1/2 tied) / comparable pairs",
    convention="A pair is comparable if the earlier time is an event; censored at the time of an event is later; two events "
    "at one time are not comparable; risks within 1e-8 are tied and count half. No comparable pair: NaN.",
    equals="scikit-survival",
    pitfalls="Depends on the censoring of the cohort; pair it with Uno's C at a fixed horizon. Says nothing of calibration.",
    reference="Harrell et al. 1982, JAMA 247:2543, doi:10.1001/jama.1982.03320430047030",
    weighted=_harrell,
    interval="logit",
)
def concordance_index(reference, prediction) -> float:
    """Harrell's C, 0 to 1: the share of comparable pairs in which the earlier event had the higher risk.

    reference `{"time": (n,), "event": (n,)}`; prediction `(n,)` risk, or survival curves (then minus the restricted mean).

    >>> concordance_index({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1]}, [4, 2, 3, 1])
    0.8
    """
    order = Order(reference, prediction)
    return order.value(order.seen.event.astype(np.float64))


class _Weighted(Order):
    """An order whose events are worth 1 / G(t)^2, those from tau on nothing."""

    def __init__(self, reference, prediction, tau, censoring):
        super().__init__(reference, prediction)
        self.counted = self.seen.event & (self.seen.time < (np.inf if tau is None else float(tau)))
        last = self.seen.time[self.counted].max() if self.counted.any() else -np.inf
        self.timeline = _censoring.Timeline(self.seen)
        self.censoring = _censoring.Censoring(self.timeline, censoring, last)
        if censoring is not None and (self.censoring.fixed[self.timeline.line[self.counted]] == 0).any():
            raise ValueError(_censoring.ZERO.format(last))

    def plan(self, weights):
        worth = self.censoring.inverse(self.censoring.lines(weights)) ** 2
        out = np.zeros((3, LANES))
        concordance.worth_pairs(*self.walk, self.counted, worth, self.timeline.line, weights, out)
        return np.where(out[2] > 0, np.nan, _share(out[0], out[1]))


def _uno(reference, prediction, *, tau=None, censoring=None):
    return _Weighted(reference, prediction, tau, censoring).plan


@metric(
    **FACTS,
    title="Concordance index (Uno)",
    symbol="Uno's C",
    formula="sum over comparable pairs with T_i < tau of G(T_i)^-2 (concordant + 1/2 tied) / sum of G(T_i)^-2",
    convention="Truncated strictly below `tau`, which the package fixes; G from the cohort `censoring` (default: the test set "
    "itself, estimated again in each resample). Beyond the follow-up of that cohort: refused. Ties as for Harrell's C.",
    equals="scikit-survival",
    pitfalls="Without tau the last events get enormous weights. Censoring that depends on the covariates still biases it.",
    reference="Uno et al. 2011, Stat Med 30:1105, doi:10.1002/sim.4154",
    parameters={"tau": None, "censoring": None},
    weighted=_uno,
    interval="logit",
)
def concordance_index_ipcw(reference, prediction, *, tau: float | None = None, censoring=None) -> float:
    """Uno's C, 0 to 1: Harrell's C with pairs weighted so that it does not depend on the censoring.

    `tau`: time from which events do not count. `censoring`: reference cohort for the censoring distribution, in the form
    of the reference. Raises ValueError where events lie beyond its follow-up.

    >>> concordance_index_ipcw({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1]}, [4, 2, 3, 1], tau=3.5)
    0.8
    """
    order = _Weighted(reference, prediction, tau, censoring)
    chance = order.censoring.lines(_censoring.ones(order.risk.size))[order.timeline.line, 0]
    if (chance[order.counted] <= 0).any():
        return Undefined(_censoring.ZERO.format(order.seen.time[order.counted].max()))
    return order.value(np.where(order.counted, _censoring.inverse(chance) ** 2, 0.0))


class _GonenHeller:
    def __init__(self, reference, prediction):
        seen, risk = _forms.outcome(reference), _forms.risk(prediction)
        _forms.same_length(seen.time, risk)
        self.order = np.argsort(risk)
        self.strength = np.exp(np.maximum(risk[self.order] - risk.max(), -700.0))

    def plan(self, weights):
        out = np.zeros((2, LANES))
        concordance.probability_pairs(self.strength, np.ascontiguousarray(weights[self.order]), out)
        return np.divide(out[0], out[1], out=np.full(LANES, np.nan), where=out[1] > 0)


def _gonen_heller(reference, prediction):
    return _GonenHeller(reference, prediction).plan


@metric(
    **FACTS,
    title="Concordance probability (Gönen & Heller)",
    symbol="K",
    formula="2 / (n (n - 1)) sum over pairs of 1 / (1 + exp(-|r_i - r_j|))",
    convention="The prediction must be a log hazard ratio of a proportional-hazards model. Equal risks count half, the limit "
    "of the formula. Computed over all pairs: meant for up to some 10,000 cases.",
    equals="the definition by brute force",
    pitfalls="Never looks at the outcome: it trusts the model, and rises when risks are merely spread out. A companion only.",
    reference="Gönen & Heller 2005, Biometrika 92:965, doi:10.1093/biomet/92.4.965",
    weighted=_gonen_heller,
)
def gonen_heller(reference, prediction) -> float:
    """Concordance probability implied by log hazard ratios `(n,)`, 0.5 to 1, whatever the censoring.

    >>> round(gonen_heller({"time": [1, 2, 3], "event": [1, 1, 0]}, [2.0, 1.0, 0.0]), 6)
    0.780971
    """
    pairs = _GonenHeller(reference, prediction)
    value = pairs.plan(_censoring.ones(len(pairs.order)))[0]
    return Undefined("fewer than two cases") if np.isnan(value) else float(value)
