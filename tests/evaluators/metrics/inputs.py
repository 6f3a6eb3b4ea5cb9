"""Random answers of every form, with ties, imbalance and few cases; the generic tests walk the registry with them."""

import numpy as np

from evaluators.metrics import METRICS


def _tied(rng, values):
    return np.round(values, int(rng.integers(1, 3)))


def classification(rng, n=60):
    truth = (rng.random(n) < rng.choice([0.5, 0.15])).astype(int)
    truth[:2] = 0, 1
    chance = 1 / (1 + np.exp(-(1.5 * truth - 0.7 + rng.normal(size=n))))
    yield "binary", truth, chance
    yield "binary, ties", truth, _tied(rng, chance)
    yield "two columns", truth, np.stack([1 - chance, chance], axis=1)
    k = 4
    classes = rng.choice(k, n, p=[0.5, 0.25, 0.15, 0.1])
    classes[:k] = range(k)
    raw = rng.normal(size=(n, k)) + 1.2 * np.eye(k)[classes]
    shares = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    yield "classes", classes, shares
    labels = (rng.random((n, 3)) < [0.5, 0.3, 0.2]).astype(int)
    labels[0], labels[1] = 0, 1
    yield "labels", labels, _tied(rng, 1 / (1 + np.exp(-(labels + rng.normal(size=labels.shape) - 0.5))))


def ordinal(rng, n=60):
    truth = rng.integers(0, 5, n)
    grade = np.clip(truth + rng.integers(-1, 2, n), 0, 4)
    yield "grades", truth, grade
    raw = rng.random((n, 5)) + np.eye(5)[grade]
    yield "probabilities", truth, raw / raw.sum(axis=1, keepdims=True)


def survival(rng, n=60):
    risk = rng.normal(size=n)
    event_time, censored = rng.exponential(np.exp(-risk)), rng.exponential(2.0, n)
    seen = {"time": np.minimum(event_time, censored), "event": event_time <= censored}
    coarse = {"time": np.ceil(seen["time"] * 4), "event": seen["event"]}
    yield "continuous", seen, risk
    yield "tied times", coarse, risk
    yield "tied times and risks", coarse, _tied(rng, risk)


def curves(rng, n=60):
    for label, seen, risk in survival(rng, n):
        times = np.quantile(seen["time"], [0.2, 0.35, 0.5, 0.6]).round(3)
        times = np.unique(times)
        yield label, seen, {"times": times, "survival": np.exp(-np.outer(np.exp(risk), times / times.max()))}


def values(rng, n=60):
    truth = rng.normal(size=n)
    yield "values", truth, truth + 0.5 * rng.normal(size=n)
    yield "ties", np.round(truth, 1), np.round(truth + rng.normal(size=n), 1)


def forms(metric):
    """Which of the above a metric takes."""
    if "survival" in metric.kinds:
        return curves if "survival" in metric.needs else survival
    if "regression" in metric.kinds:
        return values
    return ordinal if "grades" in metric.needs else classification


def inputs(name: str, seed: int = 0):
    """(label, reference, prediction, parameters) for a metric of whole held-out sets."""
    metric = METRICS[name]
    if metric.per_case is not None or not {"classification", "survival", "regression"} & set(metric.kinds):
        return []
    rng = np.random.default_rng([seed, sum(name.encode())])
    out = []
    for label, reference, prediction in forms(metric)(rng):
        if label == "labels" and "classes" in metric.needs:
            continue
        fixed = {}
        if "times" in metric.parameters and "risk" in metric.needs:
            fixed["times"] = np.quantile(reference["time"], [0.3, 0.5, 0.7])
        if "tau" in metric.parameters:
            fixed["tau"] = float(np.quantile(reference["time"], 0.8))
        out.append((label, reference, prediction, fixed))
        if "average" in metric.parameters and label in ("classes", "labels"):
            out += [(f"{label}, {a}", reference, prediction, {"average": a}) for a in ("weighted", "micro")]
    return out


INPUTS = {name: inputs(name) for name in METRICS}
