"""A metric with its uncertainty: value, interval, standard error and the resampled values behind them.

Guarantees that a value that cannot be computed, or an interval that would not hold, is None/NaN with a reason.
"""

from dataclasses import dataclass, replace

import numpy as np

from evaluators.metrics import METRICS, Metric
from evaluators.statistics import choice
from evaluators.statistics.choice import CaseMeans
from evaluators.statistics.draws import draw, patients_of

UNDEFINED_SHARE = 0.05
PATIENTS, RARER = 20, 15  # below these the coverage of an interval was measured to fall (docs/coverage.md)
TAILED = 50  # patients below which squares of heavy-tailed errors leave no interval that holds
SEEN = 200  # patients below which a mean over cases may hold none of the rare failures that its truth holds
FEW = "fewer than 2 patients: no interval"
RARE = f"fewer than {RARER} patients of the rarest class: the interval may be too narrow"
EVENTS = f"fewer than {RARER} patients with and without an event each: the interval may be too narrow"
NOTHING = "no case counts: empty in both everywhere"


@dataclass(frozen=True)
class Estimate:
    """One value with its interval. `low`, `high`, `error` are None when there is no interval; `reason` says why."""

    value: float
    low: float | None
    high: float | None
    error: float | None  # standard error: standard deviation over the resamples
    method: str  # "" when there is no interval
    reason: str
    n: int  # cases
    patients: int
    resampled: np.ndarray | None  # (B,) the value on each resample; NaN where undefined
    undefined: int  # how many of them are
    warning: str = ""  # why the interval may be too narrow; tells about the labels, so for the organiser


def estimate(
    metric: str | Metric,
    reference,
    prediction,
    groups=None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    method: str | None = None,
    **parameters,
) -> Estimate:
    """The value of `metric` with its interval from resampling patients.

    reference, prediction: as the metric takes them, n cases. groups (n,): the patient of each case (default: each its own).
    method: percentile, basic, bca, studentised, logit, student, tailed, newcombe, wilson, mover, agresti, calibration; default: the metric's own, chosen by measured coverage.
    Raises ValueError for input that the metric refuses, KeyError for an unknown metric.
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    value = metric(reference, prediction, **parameters)
    n = size(reference)
    codes, patients = patients_of(groups, n)
    if np.isnan(value) or patients < 2:
        return without(value, n, patients, getattr(value, "reason", "") or FEW)
    plan = plan_of(metric, reference, prediction, parameters)
    found = _finish(metric, float(value), plan, codes, n, patients, resamples, seed, level, method)
    return replace(found, warning=warned(metric, reference, codes, patients))


def warned(metric: Metric, reference, codes, patients: int) -> str:
    """What n does not allow: under 20 patients, or under 15 of the rarer class (of events) by patients; "" when it does."""
    enough = TAILED if metric.interval == "tailed" else PATIENTS
    if patients < enough:
        return f"fewer than {enough} patients: the interval may be too narrow"
    if "classification" in metric.kinds and np.ndim(reference) == 1:
        truth, said = np.asarray(reference), RARE
    elif "survival" in metric.kinds:
        truth, said = np.asarray(reference["event"]).astype(int), EVENTS
    else:
        return ""
    codes = np.arange(truth.size) if codes is None else codes
    rarest = min(np.unique(codes[truth == value]).size for value in np.unique(truth))
    return said if rarest < RARER else ""


def estimate_cases(
    metric: str | Metric,
    per_case,
    groups=None,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    method: str | None = None,
) -> Estimate:
    """The mean of per-case values with its interval: over cases, then over labels.

    per_case (n,) or (n, labels); NaN: left out of the mean (empty in both). A label left out in every case is left out of
    the mean over labels; nothing left at all: NaN with the reason.
    """
    metric = METRICS[metric] if isinstance(metric, str) else metric
    plan = CaseMeans(np.asarray(per_case, dtype=np.float64))
    codes, patients = patients_of(groups, plan.n)
    value = plan.value()
    if np.isnan(value) or patients < 2:
        return without(value, plan.n, patients, NOTHING if np.isnan(value) else FEW)
    if method is None:
        method = "studentised" if metric.interval == "percentile" else metric.interval  # the best for means of cases
    found = _finish(metric, value, plan, codes, plan.n, patients, resamples, seed, level, method)
    if patients < PATIENTS:
        said = f"fewer than {PATIENTS} patients: the interval may be too narrow"
    else:  # the rule of three: Hanley and Lippman-Hand 1983, JAMA 249:1743
        said = f"failures rarer than 1 in {patients // 3} may be missing" if patients < SEEN else ""
    return replace(found, warning=said)


def _finish(metric, value, plan, codes, n, patients, resamples, seed, level, method) -> Estimate:
    """The interval around a value from its resampled values, or none with the reason."""
    draws = draw(patients, resamples, seed)
    resampled = draws.apply(plan, codes)
    undefined = int(np.isnan(resampled).sum())
    error = float(np.nanstd(resampled, ddof=1)) if resampled.size - undefined > 1 else None
    if error is None or undefined > UNDEFINED_SHARE * resampled.size:
        reason = f"undefined in {undefined} of {resampled.size} resamples: no interval"
        return Estimate(value, None, None, error, "", reason, n, patients, resampled, undefined)
    sample = choice.Sample(metric, value, error, resampled, plan, draws, codes, n, patients, level)
    low, high, used = choice.interval(sample, method or metric.interval)
    return Estimate(value, low, high, error, used, "", n, patients, resampled, undefined)


def without(value, n, patients, reason) -> Estimate:
    return Estimate(float(value), None, None, None, "", reason, n, patients, None, 0)


def mean_of(parts: list[Estimate], level: float = 0.95) -> Estimate:
    """The mean of several estimates on the same resamples (classes, labels), percentile interval; NaN if one is NaN."""
    value, first = float(np.mean([p.value for p in parts])), parts[0]
    missing = next((p for p in parts if p.resampled is None), None)
    if missing is not None or np.isnan(value):
        reason = next((p.reason for p in parts if p.reason), "a part has no value")
        return without(value, first.n, first.patients, reason)
    resampled = np.mean([p.resampled for p in parts], axis=0)
    undefined = int(np.isnan(resampled).sum())
    error = float(np.nanstd(resampled, ddof=1)) if resampled.size - undefined > 1 else None
    if error is None or undefined > UNDEFINED_SHARE * resampled.size:
        reason = f"undefined in {undefined} of {resampled.size} resamples: no interval"
        return Estimate(value, None, None, error, "", reason, first.n, first.patients, resampled, undefined)
    low, high = choice.intervals.percentile(resampled, level)
    return Estimate(value, low, high, error, "percentile", "", first.n, first.patients, resampled, undefined)


def confidence_interval(
    metric, reference, prediction, groups=None, resamples=2000, seed=0, level=0.95, **parameters
) -> tuple[float, float | None, float | None, str]:
    """(value, low, high, method) of `estimate`.

    >>> confidence_interval("mae", [1.0, 2.0, 3.0, 4.0], [1.0, 2.5, 3.0, 5.0])[0]
    0.375
    """
    e = estimate(metric, reference, prediction, groups, resamples, seed, level, **parameters)
    return e.value, e.low, e.high, e.method


def size(reference) -> int:
    """The number of cases of a reference in any of its forms."""
    return len(reference["time"]) if isinstance(reference, dict) else len(reference)


ROWS = ("time", "event", "risk", "survival")  # what has one row a case, in the dictionaries the survival metrics take


def take(data, rows):
    """The chosen rows of a reference or prediction in any of its forms."""
    if isinstance(data, dict):
        return {k: np.asarray(v)[rows] if k in ROWS and v is not None else v for k, v in data.items()}
    if isinstance(data, list) and data and np.ndim(data[0]) > 0:
        return [data[i] for i in rows]
    return np.asarray(data)[rows]


def plan_of(metric: Metric, reference, prediction, parameters):
    """The metric as a function of weights (n, B): its own fast form, else the function on repeated rows."""
    if metric.weighted is not None:
        return metric.weighted(reference, prediction, **parameters)

    def repeated(weights: np.ndarray) -> np.ndarray:
        values = np.full(weights.shape[1], np.nan)
        for b, column in enumerate(weights.T):
            rows = np.repeat(np.arange(len(column)), column)
            if rows.size:
                values[b] = metric(take(reference, rows), take(prediction, rows), **parameters)
        return values

    return repeated
