"""The ROC and precision-recall curves of one binary answer: one sort, ties as one threshold."""

import numpy as np


def auc(truth, score) -> float:
    """Area under the ROC curve by midranks; NaN when a class is missing. truth (n,) 0/1, score (n,) finite."""
    fp, tp = counts(truth, score)
    positives, negatives = tp[-1], fp[-1]
    if not positives or not negatives:
        return float("nan")
    doubled = np.dot(np.diff(fp), tp[1:] + tp[:-1])
    return float(doubled / (2 * int(positives) * int(negatives)))


def counts(truth, score) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives (thresholds + 1,) int64 as the threshold falls from above the highest score."""
    order = np.argsort(-score, kind="stable")
    ends = np.concatenate([np.flatnonzero(np.diff(score[order])), [score.size - 1]])
    tp = np.concatenate([[0], np.cumsum(truth[order])[ends]])
    return np.concatenate([[0], ends + 1]) - tp, tp


def average_precision(truth, score) -> float:
    """Step-wise area under the precision-recall curve; NaN without a positive."""
    fp, tp = counts(truth, score)
    if not tp[-1]:
        return float("nan")
    return float(np.dot(np.diff(tp) / tp[-1], tp[1:] / (tp[1:] + fp[1:])))
