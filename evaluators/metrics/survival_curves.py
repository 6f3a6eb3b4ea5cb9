"""Survival predictions at given times: dynamic AUC, the Brier score and its integral, by inverse probability of censoring."""

import numpy as np

from evaluators.kernels import LANES, censoring, sums
from evaluators.metrics import _censoring, _forms
from evaluators.metrics.concordance import TIED
from evaluators.metrics.registry import Undefined, metric

FACTS = {"kinds": ("survival",), "unit": "", "equals": "scikit-survival"}
COHORT = "G from the cohort `censoring` (default: the test set itself, estimated again in each resample). "


def _default_times(seen: _forms.Outcome) -> np.ndarray:
    """The quartiles of the event times, where no times are given."""
    if not seen.event.any():
        raise ValueError("no event: no times to choose")
    times = np.quantile(seen.time[seen.event], [0.25, 0.5, 0.75], method="lower")
    return np.unique(times[times < seen.time.max()]) if times[0] < seen.time.max() else times[:1]


def at_times(prediction, times: np.ndarray) -> np.ndarray:
    """Predicted survival at each of `times`, (n, k): the step function at or before it, 1 before the first."""
    known, curves = _forms.survival(prediction)
    if times[-1] > known[-1]:
        raise ValueError(f"prediction: no survival beyond {known[-1]:g}, needed at {times[-1]:g}")
    index = np.searchsorted(known, times, side="right")
    return np.column_stack([np.ones(len(curves)), curves])[:, index]


class _Inside:
    """NaN for the resamples whose own follow-up does not hold the times, as the value itself is refused there."""

    def __init__(self, timeline, times):
        self.timeline, self.times = timeline, times
        last, first = timeline.seen.time > times[-1], timeline.seen.time <= times[0]
        self.codes = np.where(last, 2, np.where(first, 1, 0)).astype(np.int32)

    def __call__(self, weights, values):
        there = sums.tallied(self.codes, 3, weights)
        return np.where((there[1] > 0) & (there[2] > 0), values, np.nan)


class _DynamicAUC:
    def __init__(self, reference, prediction, times, cohort):
        self.seen = _forms.outcome(reference)
        self.times = _censoring.checked_times(_default_times(self.seen) if times is None else times, self.seen)
        if isinstance(prediction, dict) and prediction.get("risk") is None:
            risks = -at_times(prediction, self.times).T
        else:
            risks = np.broadcast_to(_forms.risk(prediction), (self.times.size, len(_forms.risk(prediction))))
        _forms.same_length(self.seen.time, risks[0])
        timeline = _censoring.Timeline(self.seen)
        self.timeline, self.censoring = timeline, _censoring.Censoring(timeline, cohort, self.times[-1])
        self.inside = _Inside(timeline, self.times)
        self.parts = [
            self._part(time, np.ascontiguousarray(risk)) for time, risk in zip(self.times, risks, strict=True)
        ]
        needed = self.seen.event & (self.seen.time <= self.times[-1])
        if cohort is not None and (self.censoring.fixed[timeline.line[needed]] == 0).any():
            raise ValueError(_censoring.ZERO.format(self.times[-1]))

    def _part(self, time, risk):
        order = np.argsort(risk).astype(np.int32)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(risk[order]) > TIED) + 1])
        ties = np.stack([starts, np.append(starts[1:], risk.size)], axis=1).astype(np.int32)
        return order, ties, self.seen.event & (self.seen.time <= time), self.seen.time > time

    def each(self, weights) -> np.ndarray:
        worth = self.censoring.inverse(self.censoring.lines(weights))
        values = []
        for order, ties, case, control in self.parts:
            out = np.zeros((4, LANES))
            censoring.dynamic_area(order, ties, case, control, worth, self.timeline.line, weights, out)
            bottom = np.where(out[3] > 0, 0.0, out[1] * out[2])
            values.append(np.divide(out[0], bottom, out=np.full(LANES, np.nan), where=bottom > 0))
        return np.stack(values)

    def __call__(self, weights):
        return self.inside(weights, self.each(weights).mean(axis=0))


def _dynamic(reference, prediction, *, times=None, censoring=None):
    return _DynamicAUC(reference, prediction, times, censoring)


@metric(
    **FACTS,
    needs={"risk"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    chance=0.5,
    title="Cumulative/dynamic AUC",
    symbol="AUC(t)",
    formula="P(r_i > r_j | T_i <= t, T_j > t), cases weighted by 1 / G(T_i); mean over the times",
    convention=COHORT
    + "Ties within 1e-8 count half. The plain mean over `times` (default: quartiles of the event times); "
    "one time gives the value there. Times outside the follow-up: refused.",
    pitfalls="Its mean hides a model that is good early and bad late: look at the times singly. scikit-survival's own mean "
    "is weighted by the survival curve.",
    reference="Uno et al. 2007, JASA 102:527, doi:10.1198/016214507000000149",
    parameters={"times": None, "censoring": None},
    weighted=_dynamic,
    interval="logit",
)
def cumulative_dynamic_auc(reference, prediction, *, times=None, censoring=None) -> float:
    """Area under the ROC curve at fixed times, 0 to 1: who has had the event by then against who has not.

    prediction: risk `(n,)`, or survival curves (then the predicted event probability at each time).

    >>> seen = {"time": [1, 2, 3, 4, 5], "event": [1, 1, 0, 1, 0]}
    >>> cumulative_dynamic_auc(seen, [5, 1, 3, 2, 0], times=[2])
    0.6666666666666666
    """
    plan = _DynamicAUC(reference, prediction, times, censoring)
    value = plan.each(_censoring.ones(plan.seen.time.size))[:, 0].mean()
    return (
        Undefined("a time without a case or a control, or without censoring weight")
        if np.isnan(value)
        else float(value)
    )


class _Brier:
    def __init__(self, reference, prediction, times, cohort):
        self.seen = _forms.outcome(reference)
        if times is None:
            known = _forms.survival(prediction)[0]
            times = known[(known >= self.seen.time.min()) & (known < self.seen.time.max())]
        self.times = _censoring.checked_times(times, self.seen)
        curves = at_times(prediction, self.times)
        _forms.same_length(self.seen.time, curves)
        self.timeline = _censoring.Timeline(self.seen)
        self.censoring = _censoring.Censoring(self.timeline, cohort, self.times[-1])
        self.inside = _Inside(self.timeline, self.times)
        case = self.seen.time[None, :] <= self.times[:, None]
        loss = np.where(case, np.where(self.seen.event, curves.T**2, 0.0), (1 - curves.T) ** 2)
        upto = np.searchsorted(self.seen.time[self.timeline.rows], self.times, side="right").astype(np.int64)
        self.passes = self.timeline.rows, self.timeline.line, np.ascontiguousarray(loss), upto

    def each(self, weights) -> np.ndarray:
        lines, k = self.censoring.lines(weights), self.times.size
        out = np.empty((2 * k + 1, LANES))
        censoring.squared_errors(*self.passes, self.censoring.inverse(lines), weights, out)
        chance = self.censoring.at(self.times, lines)
        rest = np.divide(out[k : 2 * k], chance, out=np.zeros((k, LANES)), where=chance > 0)
        return np.divide(out[:k] + rest, out[-1], out=np.full((k, LANES), np.nan), where=out[-1] > 0)

    def at(self, weights):
        return self.inside(weights, self.each(weights).mean(axis=0))

    def integral(self, weights):
        return self.inside(weights, self.shares() @ self.each(weights))

    def shares(self) -> np.ndarray:
        """What each time counts in the mean over the range of times, by trapezoids."""
        steps = np.diff(self.times)
        return (np.append(steps, 0.0) + np.append(0.0, steps)) / (2 * np.ptp(self.times))


BRIER = {
    "needs": {"survival"},
    "direction": "lower",
    "range": (0.0, np.inf),
    "best": 0.0,
    "parameters": {"times": None, "censoring": None},
    "reference": "Graf et al. 1999, Stat Med 18:2529, doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5",
}


def _brier_at(reference, prediction, *, times=None, censoring=None):
    return _Brier(reference, prediction, times, censoring).at


@metric(
    **FACTS,
    **BRIER,
    title="Brier score at a time",
    symbol="Brier(t)",
    formula="mean of S(t|x)^2 [T <= t, event] / G(T) + (1 - S(t|x))^2 [T > t] / G(t); mean over the times",
    convention=COHORT + "The mean over `times`; one time gives the value there. Times outside the follow-up: refused.",
    pitfalls="Mixes discrimination and calibration, and its scale depends on the event rate: compare with the Kaplan-Meier "
    "curve as a predictor.",
    weighted=_brier_at,
)
def brier_at(reference, prediction, *, times=None, censoring=None) -> float:
    """Mean squared error of the predicted survival at fixed times, 0 and more (0.25 for saying one half).

    prediction `{"times": (k,), "survival": (n, k)}`, a step function; `times` default to its own inside the follow-up.

    >>> seen = {"time": [1, 2, 3, 4], "event": [1, 1, 1, 1]}
    >>> brier_at(seen, {"times": [2], "survival": [[0], [0.5], [1], [0.5]]}, times=2)
    0.125
    """
    plan = _Brier(reference, prediction, times, censoring)
    return float(plan.each(_censoring.ones(plan.seen.time.size))[:, 0].mean())


def _integrated(reference, prediction, *, times=None, censoring=None):
    return _several(_Brier(reference, prediction, times, censoring)).integral


def _several(plan: _Brier) -> _Brier:
    if plan.times.size < 2:
        raise ValueError("times: the integral needs at least two")
    return plan


@metric(
    **FACTS,
    **BRIER,
    title="Integrated Brier score",
    symbol="IBS",
    formula="1 / (t_max - t_1) integral of Brier(t) dt, by trapezoids over the times",
    convention=COHORT
    + "Between the first and the last of `times`; at least two. Times outside the follow-up: refused.",
    pitfalls="Depends on the range of times: the package fixes them. A prediction on a coarse grid of times is a step function.",
    weighted=_integrated,
)
def integrated_brier_score(reference, prediction, *, times=None, censoring=None) -> float:
    """Mean squared error of predicted survival curves over a range of times, 0 and more; forms as for `brier_at`.

    >>> seen = {"time": [1, 2, 3, 4], "event": [1, 1, 1, 1]}
    >>> curves = {"times": [1, 2, 3], "survival": [[0, 0, 0], [1, 0.5, 0], [1, 1, 0], [1, 1, 1]]}
    >>> integrated_brier_score(seen, curves)
    0.03125
    """
    plan = _several(_Brier(reference, prediction, times, censoring))
    return float(plan.shares() @ plan.each(_censoring.ones(plan.seen.time.size))[:, 0])
