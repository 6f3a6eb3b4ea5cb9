"""DeLong's covariance of areas under ROC curves: the midranks of each entry once, all pairs in one product."""

import numpy as np
from scipy.special import ndtr

from evaluators.kernels import roc


def components(reference, scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(auc (K,), of each positive (K, m), of each negative (K, n)): the share of the other class it is ranked right of."""
    truth = np.asarray(reference).astype(bool)
    scores = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if scores.shape[1] != truth.size or not np.isfinite(scores).all():
        raise ValueError(f"scores: shape {scores.shape} for {truth.size} cases, all finite")
    m, n = int(truth.sum()), int((~truth).sum())
    if not m or not n:
        raise ValueError("only one class among the cases")
    of_positive, of_negative = np.empty((len(scores), m)), np.empty((len(scores), n))
    place = np.where(truth, np.cumsum(truth) - 1, np.cumsum(~truth) - 1).astype(np.int32)
    for k, score in enumerate(np.ascontiguousarray(scores)):
        roc.placements(np.argsort(score), score, truth, place, of_positive[k], of_negative[k])
    return of_positive.mean(axis=1), of_positive, of_negative


def delong(reference, scores) -> tuple[np.ndarray, np.ndarray]:
    """Areas under the ROC curve (K,) and their covariance (K, K) of entries scored on the same cases.

    reference (n,) 0/1, scores (K, n). Variance 0 at an area of exactly 1: not usable there (DeLong et al. 1988,
    Biometrics 44:837, doi:10.2307/2531595; midranks after Sun & Xu 2014, doi:10.1109/LSP.2014.2337313).

    >>> auc, covariance = delong([0, 0, 1, 1], [[0.1, 0.4, 0.35, 0.8]])
    >>> float(auc[0]), float(covariance[0, 0])
    (0.75, 0.125)
    """
    auc, of_positive, of_negative = components(reference, scores)
    return auc, _covariance(of_positive) + _covariance(of_negative)


def _covariance(parts: np.ndarray) -> np.ndarray:
    size = parts.shape[1]
    if size < 2:
        return np.full((len(parts), len(parts)), np.nan)
    centred = parts - parts.mean(axis=1, keepdims=True)
    return centred @ centred.T / (size * (size - 1))


def delong_test(reference, scores) -> tuple[np.ndarray, np.ndarray]:
    """z (K, K) and two-sided p (K, K) of every pair of entries; NaN where a difference has no variance."""
    auc, covariance = delong(reference, scores)
    variance = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    floor = 1e-12 * (np.diag(covariance)[:, None] + np.diag(covariance)[None, :])
    error = np.sqrt(np.where(variance > floor, variance, np.nan))
    z = (auc[:, None] - auc[None, :]) / error
    return z, 2 * ndtr(-np.abs(z))
