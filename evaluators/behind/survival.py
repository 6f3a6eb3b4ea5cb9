"""Survival: Kaplan-Meier by thirds of the predicted risk, and the time-dependent AUC."""

import numpy as np

from evaluators.metrics import METRICS, _censoring, _forms

POINTS = 200
GROUPS = ("lower third", "middle third", "higher third")
TIMES = np.linspace(0.1, 0.9, 9)  # quantiles of the event times at which the AUC is given


def _risk(prediction):
    if "risk" in prediction:
        return np.asarray(prediction["risk"], float)
    return -np.asarray(prediction["survival"], float).mean(axis=1)


def kaplan_meier(manifest, reference, prediction, draws, codes):
    """time, survival, low, high (log-log, Greenwood) and at_risk of each third of the predicted risk."""
    time, event, risk = np.asarray(reference["time"], float), np.asarray(reference["event"], bool), _risk(prediction)
    cuts = np.quantile(risk, [1 / 3, 2 / 3])
    group = np.searchsorted(cuts, risk, side="left")
    found = {}
    for number, name in enumerate(GROUPS):
        own = group == number
        if own.sum() > 1:
            for column, array in _curve(time[own], event[own]).items():
                found["kaplan_meier", name, column] = array
    return found


def _curve(time, event) -> dict[str, np.ndarray]:
    times, index = np.unique(time, return_inverse=True)
    deaths = np.bincount(index, weights=event)
    gone = np.bincount(index)
    at_risk = len(time) - np.concatenate([[0], np.cumsum(gone)[:-1]])
    survival = np.cumprod(1 - deaths / at_risk)
    left = at_risk - deaths
    variance = np.cumsum(np.divide(deaths, at_risk * left, out=np.zeros(len(times)), where=left > 0))
    inside = (survival > 0) & (survival < 1)
    logs = np.log(survival, out=np.full(len(times), -1.0), where=inside)
    reach = 1.96 * np.sqrt(variance) / np.abs(logs)
    low = np.where(inside, np.exp(logs * np.exp(reach)), survival)
    high = np.where(inside, np.exp(logs * np.exp(-reach)), survival)
    kept = np.flatnonzero((deaths > 0) | (np.arange(len(times)) == len(times) - 1))
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, min(len(kept), POINTS)).round().astype(int))]
    start = {"time": 0.0, "survival": 1.0, "low": 1.0, "high": 1.0, "at_risk": float(len(time))}
    columns = {"time": times, "survival": survival, "low": low, "high": high, "at_risk": at_risk}
    return {name: np.concatenate([[start[name]], columns[name][kept]]) for name in columns}


def time_dependent_auc(manifest, reference, prediction, draws, codes):
    """time, value, low, high: cumulative/dynamic AUC at quantiles of the event times."""
    seen = _forms.outcome(reference)
    if not seen.event.any():
        raise ValueError("no event: no times to choose")
    times = np.unique(np.quantile(seen.time[seen.event], TIMES, method="lower"))
    times = times[(times >= seen.time.min()) & (times < seen.time.max())]
    plan = METRICS["cumulative_dynamic_auc"].weighted(reference, _risk(prediction), times=times)
    value = plan.each(_censoring.ones(len(seen.time)))[:, 0]
    values = draws.apply(plan.each, codes)
    with np.errstate(all="ignore"):
        low, high = np.nanquantile(values, [0.025, 0.975], axis=1)
    found = {"time": plan.times, "value": value, "low": low, "high": high}
    return {("time_dependent_auc", "", name): array for name, array in found.items()}


FIGURES = (kaplan_meier, time_dependent_auc)
