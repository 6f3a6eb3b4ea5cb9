"""What survival predictions mean for groups: separation by the log-rank test and restricted mean, and D-calibration."""

import numpy as np

from evaluators.kernels import LANES, censoring
from evaluators.metrics import _censoring, _forms
from evaluators.metrics._plans import Sums, told
from evaluators.metrics.registry import metric

FACTS = {"kinds": ("survival",)}
ONE_GROUP = "all risks fall into one group, or nobody has an event"


class _Groups:
    """High risk (above the median risk of each resample, or a fixed threshold) against low risk."""

    def __init__(self, reference, prediction, threshold):
        self.seen, risk = _forms.outcome(reference), _forms.risk(prediction)
        _forms.same_length(self.seen.time, risk)
        self.timeline = _censoring.Timeline(self.seen)
        _, rank = np.unique(risk, return_inverse=True)
        self.rank = rank.astype(np.float64)
        self.order = np.argsort(rank).astype(np.int32)
        self.cut = None if threshold is None else float(np.searchsorted(np.unique(risk), threshold, side="right") - 1)

    def table(self, weights) -> np.ndarray:
        """At each distinct time (m, 4, 32): events and leaving (events and censored), in the high group and in all."""
        out = np.zeros((4 * self.timeline.times.size, LANES))
        cut = np.zeros((1, LANES)) if self.cut is None else np.full((1, LANES), self.cut)
        if self.cut is None:
            censoring.median_rank(self.order, self.rank, weights, cut)
        censoring.two_groups(self.timeline.line, self.seen.event, self.rank, cut, weights, out)
        return out.reshape(-1, 4, LANES)

    def log_rank(self, weights):
        table = self.table(weights)
        high, events, gone_high, gone = table[:, 0], table[:, 1], table[:, 2], table[:, 3]
        n, n_high = (
            gone.sum(axis=0) - gone.cumsum(axis=0) + gone,
            gone_high.sum(axis=0) - gone_high.cumsum(axis=0) + gone_high,
        )
        share = np.divide(n_high, n, out=np.zeros_like(n), where=n > 0)
        rest = np.divide(n - events, n - 1, out=np.zeros_like(n), where=n > 1)
        surplus, variance = (high - events * share).sum(axis=0), (events * share * (1 - share) * rest).sum(axis=0)
        return np.divide(surplus**2, variance, out=np.full(LANES, np.nan), where=variance > 1e-12)

    def restricted_means(self, weights, tau):
        table = self.table(weights)
        high, rest = (table[:, 0], table[:, 2]), (table[:, 1] - table[:, 0], table[:, 3] - table[:, 2])
        return _restricted_mean(self.timeline.times, *rest, tau) - _restricted_mean(self.timeline.times, *high, tau)


def _restricted_mean(times, events, gone, tau):
    """Area under the Kaplan-Meier curve up to tau, (32,); NaN for an empty group."""
    at_risk = gone.sum(axis=0) - gone.cumsum(axis=0) + gone
    hazard = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    curve = np.concatenate([np.ones((1, LANES)), np.cumprod(1 - hazard, axis=0)])
    edges = np.concatenate([[0.0], np.minimum(times, tau), [tau]])
    return np.where(gone.sum(axis=0) > 0, (curve * np.diff(edges)[:, None]).sum(axis=0), np.nan)


def _log_rank(reference, prediction, *, threshold=None):
    return _Groups(reference, prediction, threshold).log_rank


@metric(
    **FACTS,
    needs={"risk"},
    direction="higher",
    range=(0.0, np.inf),
    best=np.inf,
    unit="",
    title="Log-rank between risk groups",
    symbol="Log-rank",
    formula="(O - E)^2 / V of the high-risk group; chi-squared with 1 degree of freedom",
    convention="High: risk above the median of the test set (again in each resample), or above `threshold`. 3.84 is p = 0.05.",
    equals="lifelines",
    pitfalls="Grows with the number of cases: not comparable between test sets. Throws away the order within a group.",
    reference="Mantel 1966, Cancer Chemother Rep 50:163",
    parameters={"threshold": None},
    weighted=_log_rank,
)
def log_rank(reference, prediction, *, threshold: float | None = None) -> float:
    """Log-rank statistic between high and low predicted risk, 0 and more.

    >>> round(log_rank({"time": [1, 2, 3, 4], "event": [1, 1, 1, 1]}, [4, 3, 2, 1]), 4)
    2.8824
    """
    plan = _Groups(reference, prediction, threshold)
    return told(plan.log_rank(_censoring.ones(plan.rank.size))[:1], ONE_GROUP)


def _tau(groups: _Groups, tau) -> float:
    """The horizon: what the package says, else the last time of the test set."""
    if tau is None:
        return float(groups.seen.time.max())
    if not tau > 0:
        raise ValueError(f"tau: {tau} is not above 0")
    return float(tau)


def _difference(reference, prediction, *, tau=None, threshold=None):
    groups = _Groups(reference, prediction, threshold)
    horizon = _tau(groups, tau)
    return lambda weights: groups.restricted_means(weights, horizon)


@metric(
    **FACTS,
    needs={"risk"},
    direction="higher",
    range=(-np.inf, np.inf),
    best=np.inf,
    chance=0.0,
    unit="of the time",
    title="Restricted mean survival difference between risk groups",
    symbol="ΔRMST",
    formula="area between the Kaplan-Meier curves of low and high risk, from 0 to tau",
    convention="Groups as for `log_rank`. `tau` from the package, default the last time; a curve stays level after its last case.",
    equals="lifelines (restricted_mean_survival_time)",
    pitfalls="Its size depends on tau: fix it, where both groups are still observed.",
    reference="Royston & Parmar 2013, BMC Med Res Methodol 13:152, doi:10.1186/1471-2288-13-152",
    parameters={"tau": None, "threshold": None},
    weighted=_difference,
)
def restricted_mean_difference(
    reference, prediction, *, tau: float | None = None, threshold: float | None = None
) -> float:
    """Mean time that those of low predicted risk live longer, up to `tau`, in the unit of time.

    >>> restricted_mean_difference({"time": [1, 2, 3, 4], "event": [1, 1, 1, 1]}, [4, 3, 2, 1], tau=4)
    2.0
    """
    groups = _Groups(reference, prediction, threshold)
    return told(groups.restricted_means(_censoring.ones(groups.rank.size), _tau(groups, tau))[:1], ONE_GROUP)


def _d_calibration(reference, prediction, *, bins=10) -> Sums:
    seen = _forms.outcome(reference)
    known, curves = _forms.survival(prediction)
    _forms.same_length(seen.time, curves)
    if int(bins) < 2:
        raise ValueError(f"bins: {bins}; at least 2")
    own = curves[np.arange(len(curves)), np.maximum(np.searchsorted(known, seen.time, side="right") - 1, 0)]
    chance = np.where(seen.time < known[0], 1.0, own)
    edges = np.arange(bins) / bins
    share = np.clip((chance[:, None] - edges) * bins, 0, 1)  # how much of each bin lies below the own probability
    spread = share / np.maximum(bins * chance, 1e-300)[:, None]
    spread[chance <= 0] = np.eye(bins)[0]
    exact = np.eye(bins)[np.minimum((chance * bins).astype(int), bins - 1)]
    columns = np.where(seen.event[:, None], exact, spread).T

    def formula(s):
        expected = s.sum(axis=0) / bins
        return ((s - expected) ** 2).sum(axis=0) / np.where(expected > 0, expected, np.nan)

    return Sums(np.ascontiguousarray(columns), formula, "no cases")


@metric(
    **FACTS,
    needs={"survival"},
    direction="lower",
    range=(0.0, np.inf),
    best=0.0,
    unit="",
    title="D-calibration",
    symbol="D-cal",
    formula="chi-squared of the predicted S(T_i) against a uniform distribution over bins",
    convention="Ten bins; a censored case is spread over the bins below its S(T_i). With 9 degrees of freedom 16.9 is p = 0.05.",
    equals="the definition by brute force",
    pitfalls="Grows with the number of cases; a model that gives everybody the Kaplan-Meier curve is perfectly calibrated. Times "
    "beyond the predicted ones keep the last probability.",
    reference="Haider et al. 2020, JMLR 21(85):1",
    parameters={"bins": 10},
    weighted=_d_calibration,
)
def d_calibration(reference, prediction, *, bins: int = 10) -> float:
    """How far predicted survival at the observed times is from uniform, as chi-squared: 0 and more.

    prediction `{"times": (k,), "survival": (n, k)}`.

    >>> d_calibration({"time": [1, 2], "event": [1, 1]}, {"times": [1, 2], "survival": [[0.7, 0.2], [0.9, 0.3]]}, bins=2)
    0.0
    """
    return _d_calibration(reference, prediction, bins=bins).value()
