"""Makes the interval a metric asks for, and the next best where that one is not defined.

Which metric asks for which was decided by simulation: `make coverage` writes the table.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri, stdtrit

from evaluators.kernels import LANES, sums
from evaluators.metrics import Metric
from evaluators.statistics import intervals
from evaluators.statistics.draws import Draws

STUDENTISED = 0.95  # share of the resamples that must have a standard error of their own
LEAST_FREEDOM = 3.0  # of Student's t: fewer would rest on the kurtosis of a handful of patients
LEFT_OUT = 1024  # a jackknife leaves out at most this many groups of patients


@dataclass(frozen=True)
class Sample:
    """What there is to make an interval from."""

    metric: Metric
    value: float
    error: float
    resampled: np.ndarray
    plan: object
    draws: Draws
    codes: np.ndarray | None
    n: int
    patients: int
    level: float

    @property
    def clustering(self) -> float:
        """How many cases a patient has on average."""
        return self.n / self.patients

    @property
    def range(self) -> tuple[float, float]:
        """The range of the metric, under its parameters where they narrow it."""
        return getattr(self.plan, "range", self.metric.range)


class CaseMeans:
    """Mean over cases, then over labels, of values (n, labels) with NaN left out; on resamples one matrix product."""

    def __init__(self, values: np.ndarray):
        values = values.reshape(len(values), -1)
        if np.isinf(values).any():
            raise ValueError("per-case values: infinite")
        here = ~np.isnan(values)
        self.n, self.labels = values.shape
        stacked = np.concatenate([np.where(here, values, 0).T, here.T.astype(np.float64)])
        self.columns = np.ascontiguousarray(stacked)

    def _means(self, totals: np.ndarray) -> np.ndarray:
        tops, counts = totals[: self.labels], totals[self.labels :]
        means = np.divide(tops, counts, out=np.zeros_like(tops), where=counts > 0)
        labels = (counts > 0).sum(axis=0)
        return np.divide(means.sum(axis=0), labels, out=np.full(labels.shape, np.nan), where=labels > 0)

    def value(self) -> float:
        return float(self._means(self.columns.sum(axis=1)[:, None])[0])

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        return self._means(sums.summed(self.columns, weights))

    def influence(self) -> np.ndarray:
        """How far each case moves the value, (n,): the sum of its values less the means, over the number of each label."""
        tops, counts = self.columns[: self.labels], self.columns[self.labels :]
        n = counts.sum(axis=1, keepdims=True)
        there = n[:, 0] > 0
        means = np.divide(tops.sum(axis=1, keepdims=True), n, out=np.zeros_like(n), where=n > 0)
        moved = np.divide(tops - means * counts, n, out=np.zeros_like(tops), where=n > 0)
        return moved[there].sum(axis=0) / there.sum()


def interval(sample: Sample, method: str) -> tuple[float, float, str]:
    """(low, high, the method that made it)."""
    if method not in MAKERS:
        raise ValueError(f"interval: {method!r}; one of {', '.join(MAKERS)}")
    found = MAKERS[method](sample)
    while found is None:
        method = "wilson" if method != "wilson" and _share(sample) in (0.0, 1.0) else "percentile"
        found = MAKERS[method](sample)
    bottom, top = sample.range
    low, high = (float(np.clip(limit, bottom, top)) for limit in found)
    return min(low, sample.value), max(high, sample.value), method


def _share(s: Sample) -> float | None:
    """Where the value stands in the metric's range, 0..1; None without one."""
    bottom, top = s.range
    return (s.value - bottom) / (top - bottom) if np.isfinite(bottom) and np.isfinite(top) else None


def _percentile(s: Sample):
    return intervals.percentile(s.resampled, s.level)


def _basic(s: Sample):
    return intervals.basic(s.value, s.resampled, s.level)


def _agresti(s: Sample):
    """Only where the plan says of how many trials the value is a share; else logit."""
    trials = getattr(s.plan, "trials", None)
    if not trials:
        return _logit(s)
    bottom, top = s.range
    off = np.hypot(s.error, np.nanmean(s.resampled) - s.value)  # what picking a threshold adds is bias too
    share, error, rarer = (s.value - bottom) / (top - bottom), off / (top - bottom), getattr(s.plan, "rarer", trials)
    trials = trials if 0 < share < 1 else trials / s.clustering
    limits = intervals.agresti(share, error, trials, s.level, rarer / s.clustering)
    return tuple(bottom + limit * (top - bottom) for limit in limits)


def _calibration(s: Sample):
    """Basic or normal above; below, the value less what chance alone adds: by the triangle inequality it cannot add more."""
    low, high = intervals.basic(s.value, s.resampled, s.level)
    high = max(high, s.value + float(ndtri((1 + s.level) / 2)) * s.error)
    chance = np.quantile(s.plan.by_chance(), (1 + s.level) / 2)
    return max(0.0, min(low, s.value - chance)), high


def _bca(s: Sample):
    if s.error == 0:
        return None
    return intervals.bca(s.value, s.resampled, jackknife(s.plan, s.codes, s.patients), s.level)


def _logit(s: Sample):
    """On the logit scale of a bounded range, on the log scale of the distance from the one end of a half-bounded one."""
    bottom, top = s.range
    if not bottom < s.value < top or s.error == 0:
        return None
    if np.isfinite(bottom) and np.isfinite(top):
        return intervals.logit(s.value, s.error, s.level, s.range)
    if np.isfinite(bottom):
        low, high = intervals.log(s.value - bottom, s.error, s.level)
        return bottom + low, bottom + high
    if np.isfinite(top):
        low, high = intervals.log(top - s.value, s.error, s.level)
        return top - high, top - low
    return None


def _student(s: Sample):
    """As `_logit`, with Student's t: degrees of freedom from the kurtosis of what each patient adds (Satterthwaite 1946,
    Biometrics Bulletin 2:110, doi:10.2307/3002019), so that a few large errors widen the interval by what they make unsure.
    """
    of_patient = influence(s) if _cheap(s) and s.error > 0 else None
    if of_patient is None:
        return _logit(s)
    squares = of_patient**2
    total, n = squares.sum(), s.patients
    if not total > 1e-24 * max(1.0, s.value**2):
        return _logit(s)
    spread = len(squares) * (squares**2).sum() / total**2 - 1  # of the squares, relative: 2 for normal influence
    freedom = max(2 * len(squares) / max(spread, 2 * len(squares) / (n - 1)), LEAST_FREEDOM)
    error = max(s.error, float(np.sqrt(total * n / (n - 1))))
    wider = float(stdtrit(freedom, (1 + s.level) / 2) / ndtri((1 + s.level) / 2))
    return _logit(replace(s, error=error * wider))


def _tailed(s: Sample):
    """The outer limits of `_student` and `_studentised`: of squares of heavy-tailed errors each misses on one side."""
    found = [limits for limits in (_student(s), _studentised(s)) if limits]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def _cheap(s: Sample) -> bool:
    """Whether the influence of each patient costs no more than the resampling did."""
    return s.patients <= LEFT_OUT or hasattr(s.plan, "influence")


def influence(s: Sample) -> np.ndarray | None:
    """How far each patient moves the value, from the plan or by leaving each out; None where it is not defined."""
    own = getattr(s.plan, "influence", None)
    if own is not None:
        return own() if s.codes is None else np.bincount(s.codes, weights=own(), minlength=s.patients)
    left_out = jackknife(s.plan, s.codes, s.patients)
    if np.isnan(left_out).any():
        return None
    return (left_out.mean() - left_out) * (left_out.size - 1) / left_out.size


def _wilson(s: Sample):
    """Of the value as a proportion: trials are what the plan counts (else patients), less where patients are alike."""
    share = _share(s)
    if share is None:
        return None
    trials = float(getattr(s.plan, "trials", None) or s.n)
    if 0 < share < 1 and s.error > 0:
        bottom, top = s.range
        effective = min(trials, share * (1 - share) * ((top - bottom) / s.error) ** 2)
    else:
        effective = trials / s.clustering
    bottom, top = s.range
    low, high = intervals.wilson(share * effective, effective, s.level)
    return bottom + low * (top - bottom), bottom + high * (top - bottom)


def _mover(s: Sample):
    """For a mean of proportions: their Wilson limits put together (Newcombe 1998, doi:10.1002/sim.777; Donner & Zou 2012)."""
    rates = getattr(s.plan, "rates", None)
    if rates is None:
        return _wilson(s)
    shares, trials = rates()
    binomial = (shares * (1 - shares) / trials).sum() / shares.size**2
    bottom, top = s.range
    effect = s.clustering
    if s.codes is None or binomial > 0:
        effect = 1.0 if s.codes is None else np.clip((s.error / (top - bottom)) ** 2 / binomial, 1.0, s.clustering)
    limits = np.array(
        [intervals.wilson(p * t / effect, t / effect, s.level) for p, t in zip(shares, trials, strict=True)]
    )
    down, up = (np.sqrt(((shares - limits[:, side]) ** 2).sum()) / shares.size for side in (0, 1))
    return s.value - down * (top - bottom), s.value + up * (top - bottom)


def _newcombe(s: Sample):
    """For a binary AUROC: the numbers are divided by the design effect when patients have several rows.

    Newcombe's variance assumes exponential scores and is wide for others; DeLong's from the data takes over as the rarer
    class grows (weight m / (m + 100)), where it can be trusted.
    """
    counts = getattr(s.plan, "counts", None)
    if counts is None:
        return _logit(s)
    rarer, alone = min(counts), s.plan.independent_variance()
    effect = 1.0
    if alone > 0:
        effect = float(
            np.clip((alone / intervals.newcombe_variance(s.value, *counts)) ** (rarer / (rarer + 100)), 0.5, 2.0)
        )
    if s.codes is not None:
        effect *= s.clustering if not alone > 0 else min(max(s.error**2 / alone, 1.0), s.clustering * 3)
    return intervals.newcombe(s.value, counts[0] / effect, counts[1] / effect, s.level)


def _studentised(s: Sample):
    """Each resample's standard error comes from the influence of its patients: the plan's own, or by leaving each out."""
    of_patient = influence(s) if _cheap(s) else None
    if of_patient is None:
        return None
    error = float(np.sqrt((of_patient**2).sum()))
    if not error > 1e-12 * max(1.0, abs(s.value)):  # a constant answer: what is left is rounding noise
        return None
    squares = s.draws.apply(_Spread(of_patient / error))
    ratios = (s.resampled - s.value) / (error * np.sqrt(np.where(squares > 1e-12, squares, np.nan)))
    if not np.isfinite(ratios).any():
        return None
    return intervals.studentised(s.value, error * np.sqrt(s.patients / (s.patients - 1)), ratios, s.level)


class _Spread:
    """Sum of squares of resampled influences about their mean."""

    def __init__(self, influence: np.ndarray):
        self.columns = np.stack([influence, influence**2])
        self.patients = influence.size

    def __call__(self, weights):
        total, squares = sums.summed(self.columns, weights)
        return squares - total**2 / self.patients


def jackknife(plan, codes, patients: int) -> np.ndarray:
    """The value without each patient (without each of 1,024 groups of patients where there are more)."""
    groups = min(patients, LEFT_OUT)
    of_patient = np.arange(patients) * groups // patients
    of_row = of_patient if codes is None else of_patient[codes]
    values = []
    for start in range(0, groups, LANES):
        weights = np.ones((of_row.size, LANES), np.uint8)
        here = (of_row >= start) & (of_row < start + LANES)
        weights[here, of_row[here] - start] = 0
        values.append(plan(weights))
    return np.concatenate(values)[:groups]


MAKERS = {
    "percentile": _percentile,
    "basic": _basic,
    "agresti": _agresti,
    "calibration": _calibration,
    "bca": _bca,
    "studentised": _studentised,
    "logit": _logit,
    "student": _student,
    "tailed": _tailed,
    "wilson": _wilson,
    "mover": _mover,
    "newcombe": _newcombe,
}
