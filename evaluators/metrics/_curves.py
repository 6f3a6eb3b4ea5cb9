"""The ROC and precision-recall curves of one binary answer: one sort, ties as one threshold, all resamples from it."""

import numpy as np

from evaluators.kernels import LANES, roc


def auc(truth, score) -> float:
    """Area under the ROC curve, ties half; NaN when a class is missing. truth (n,) 0/1, score (n,) finite."""
    fp, tp = counts(truth, score)
    positives, negatives = tp[-1], fp[-1]
    if not positives or not negatives:
        return float("nan")
    doubled = np.dot(np.diff(fp), tp[1:] + tp[:-1])
    return float(doubled / (2 * int(positives) * int(negatives)))


def counts(truth, score) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives (thresholds + 1,) int64 as the threshold falls from above the highest score."""
    order = np.argsort(-score)
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    tp = np.concatenate([[0], np.cumsum(truth[order])[ends]])
    return np.concatenate([[0], ends + 1]) - tp, tp


def average_precision(truth, score) -> float:
    """Step-wise area under the precision-recall curve; NaN without a positive."""
    fp, tp = counts(truth, score)
    if not tp[-1]:
        return float("nan")
    return float(np.dot(np.diff(tp) / tp[-1], tp[1:] / (tp[1:] + fp[1:])))


def partial_area(truth, score, limit: float) -> float:
    """Area under the ROC curve up to a false positive rate, over `limit`; NaN when a class is missing."""
    fp, tp = counts(truth, score)
    if not tp[-1] or not fp[-1]:
        return float("nan")
    room = np.clip(limit * fp[-1] - fp[:-1], 0, None)
    step, rise = np.diff(fp), np.diff(tp)
    share = np.minimum(step, room)
    area = share * (tp[:-1] + 0.5 * rise * share / np.maximum(step, 1))
    return float(area.sum() / tp[-1] / fp[-1])


def sensitivity_where(truth, score, at: float) -> float:
    """Highest sensitivity of a threshold whose specificity is at least `at`; NaN when a class is missing."""
    fp, tp = counts(truth, score)
    if not tp[-1] or not fp[-1]:
        return float("nan")
    return float(tp[fp <= fp[-1] * (1.0 - at) + 1e-9].max() / tp[-1])


def segments(truth, score, rows=None, *, merge: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows by score and their segments for the kernels: ascending and merged across scores, or descending, one a score."""
    order = np.argsort(score if merge else -score)
    size = order.size
    out_rows, cuts, tied = np.empty(size, np.int32), np.empty((size, 3), np.int32), np.empty(size, bool)
    rows = np.arange(size, dtype=np.int32) if rows is None else rows
    many = roc.cut(order, score[order], truth[order].astype(np.uint8), rows, merge, out_rows, cuts, tied)
    return out_rows, cuts[:many].copy(), tied[:many].copy()


def ratio(top, bottom) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


class AreaPlan:
    """weights (n, 32) -> area under the ROC curve on each resample; `counts` of positives and negatives."""

    def __init__(self, truth, score, rows=None):
        self.truth, self.score = truth, score
        self.counts = (int(truth.sum()), int(truth.size - truth.sum())) if rows is None else None
        self.cuts = segments(truth, score, rows, merge=True)

    def __call__(self, weights):
        out = np.zeros((3, LANES), np.uint64)
        roc.area(*self.cuts, weights, out)
        return ratio(out[0].astype(np.float64), 2.0 * out[1] * out[2])

    def independent_variance(self) -> float:
        """DeLong's variance of the area if every row were a patient of its own."""
        _, tie = np.unique(self.score, return_inverse=True)
        per_tie = np.stack([np.bincount(tie, weights=self.truth == c) for c in (0, 1)])
        below = np.cumsum(per_tie, axis=1) - 0.5 * per_tie
        positives, negatives = below[0][tie[self.truth == 1]], below[1][tie[self.truth == 0]]
        if min(positives.size, negatives.size) < 2:
            return 0.0
        shares = positives / negatives.size, negatives / positives.size
        return float(sum(share.var(ddof=1) / share.size for share in shares))


def precision_plan(truth, score, rows=None):
    """weights (n, 32) -> average precision on each resample."""
    ordered, cuts, _ = segments(truth, score, rows, merge=False)

    def plan(weights):
        out = np.zeros((2, LANES))
        roc.precision(ordered, cuts, weights, out)
        return ratio(out[0], out[1])

    return plan


def _limited(kernel, number: float, result):
    def build(truth, score, rows=None):
        ordered, cuts, _ = segments(truth, score, rows, merge=False)

        def plan(weights):
            out = np.zeros((3, LANES))
            kernel(ordered, cuts, weights, number, out)
            return np.where(out[2] > 0, result(out), np.nan)

        plan.trials = float(truth.sum())
        plan.rarer = min(plan.trials, truth.size - plan.trials)
        return plan

    return build


def partial_area_plan(limit: float):
    return _limited(roc.partial_area, limit, lambda out: ratio(out[0], out[1] * out[2]))


def sensitivity_plan(at: float):
    return _limited(roc.operating_point, at, lambda out: ratio(out[0], out[1]))
