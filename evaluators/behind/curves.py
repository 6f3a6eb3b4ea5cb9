"""Points, bands and bins of one binary answer. Everything here tells labels, except what `coarse` gives."""

import numpy as np

from evaluators import statistics
from evaluators.kernels import LANES
from evaluators.metrics import _curves

POINTS = 200  # of a curve that is kept
GRID = np.linspace(0, 1, 41)  # where bands are given
BINS = 10
COARSE_POINTS, COARSE_CASES = (
    20,
    10,
)  # what may be released after a reveal: points, and cases of each class between them


def curves(truth: np.ndarray, score: np.ndarray, draws, codes) -> dict[str, dict[str, np.ndarray]]:
    """roc: fpr, tpr, threshold of at most POINTS thresholds; grid, low, high: the band of the sensitivity.
    precision_recall: recall, precision, threshold; grid, low, high: the band of the precision; prevalence."""
    fp, tp, threshold = _points(truth, score)
    bands = _bands(truth, score, draws, codes)
    kept = _thinned(len(fp))
    lower = _thinned(len(fp) - 1) + 1  # without the threshold above all scores, which finds nothing
    return {
        "roc": {"fpr": fp[kept] / fp[-1], "tpr": tp[kept] / tp[-1], "threshold": threshold[kept], "grid": GRID}
        | dict(zip(("low", "high"), bands[:, : GRID.size], strict=True)),
        "precision_recall": {
            "recall": tp[lower] / tp[-1], "precision": (tp / np.maximum(tp + fp, 1))[lower],
            "threshold": threshold[lower], "grid": GRID[1:], "prevalence": np.array([truth.mean()]),
        }
        | dict(zip(("low", "high"), bands[:, GRID.size :], strict=True)),
    }  # fmt: skip


def operating_points(truth: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """threshold, counts (points, 4) of true and false positives, false and true negatives: at one half, at specificity and
    at sensitivity 0.90."""
    fp, tp, threshold = _points(truth, score)
    at = [
        int(np.searchsorted(-threshold, -0.5, side="right")) - 1,
        int(np.flatnonzero(fp <= 0.1 * fp[-1] + 1e-9)[-1]),
        int(np.flatnonzero(tp >= 0.9 * tp[-1] - 1e-9)[0]),
    ]
    counts = np.array([[tp[i], fp[i], tp[-1] - tp[i], fp[-1] - fp[i]] for i in at])
    return {"threshold": threshold[at], "counts": counts}


def calibration(truth: np.ndarray, probability: np.ndarray) -> dict[str, np.ndarray]:
    """predicted, observed, low, high, n of bins with equally many cases, equal probabilities in one bin."""
    order = np.argsort(probability, kind="stable")
    edges = np.unique(np.searchsorted(probability[order], np.quantile(probability, np.arange(1, BINS) / BINS)))
    rows = []
    for part in np.split(order, edges):
        if len(part):
            hits = float(truth[part].sum())
            low, high = statistics.wilson(hits, len(part))
            rows.append((probability[part].mean(), hits / len(part), low, high, len(part)))
    return dict(zip(("predicted", "observed", "low", "high", "n"), np.array(rows).T, strict=True))


def coarse(truth: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """fpr, tpr of at most COARSE_POINTS points, COARSE_CASES of each class or more between any two; no threshold.

    A point says of the cases between it and the one before how many are of each class, and of none which.
    """
    fp, tp, _ = _points(truth, score)
    least = (fp[-1] + tp[-1]) / (COARSE_POINTS - 1)
    if (np.array([fp[-1], tp[-1]]) < COARSE_CASES).any():
        raise ValueError("too few cases of a class for a curve that may be released")
    kept = [0]
    for place in range(1, len(fp)):
        step = np.array([fp[place] - fp[kept[-1]], tp[place] - tp[kept[-1]]])
        left = np.array([fp[-1] - fp[place], tp[-1] - tp[place]])
        if (step >= COARSE_CASES).all() and step.sum() >= least and (left >= COARSE_CASES).all():
            kept.append(place)
    kept.append(len(fp) - 1)
    return {"fpr": fp[kept] / fp[-1], "tpr": tp[kept] / tp[-1]}


def _points(truth, score) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False and true positives and the threshold, from above the highest score down. Raises ValueError for one class."""
    fp, tp = _curves.counts(truth, score)
    if not fp[-1] or not tp[-1]:
        raise ValueError("a curve needs cases of both classes")
    return fp, tp, np.concatenate([[np.inf], np.unique(score)[::-1]])


def _thinned(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))


def _bands(truth, score, draws, codes) -> np.ndarray:
    """Pointwise 95 % bands over resampled patients, (2, points): of the sensitivity on GRID, then of the precision."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    positive = truth[order, None].astype(bool)

    def plan(weights):
        weights = weights[order]
        tp = np.cumsum(weights * positive, axis=0, dtype=np.int32)[ends]
        fp = np.cumsum(weights * ~positive, axis=0, dtype=np.int32)[ends]
        return np.stack([_read(fp[:, lane], tp[:, lane]) for lane in range(LANES)], axis=1)

    values = draws.apply(plan, codes)
    defined = ~np.isnan(values).any(axis=0)
    if not defined.any():
        raise ValueError("no resample has cases of both classes")
    return np.quantile(values[:, defined], [0.025, 0.975], axis=1)


def _read(fp, tp) -> np.ndarray:
    """Of one resample: the sensitivity at each false positive rate; the precision where each recall is first reached."""
    if not fp[-1] or not tp[-1]:
        return np.full(2 * GRID.size - 1, np.nan)
    place = np.searchsorted(tp, GRID[1:] * tp[-1] - 1e-9)
    return np.concatenate(
        [np.interp(GRID, np.append(0, fp / fp[-1]), np.append(0, tp / tp[-1])), tp[place] / (tp[place] + fp[place])]
    )
