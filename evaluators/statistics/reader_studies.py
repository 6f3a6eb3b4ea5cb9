"""A model against human readers, or two ways of reading against each other, where all read the same cases:
Obuchowski-Rockette with Hillis's degrees of freedom."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from evaluators.statistics.delong import components


@dataclass(frozen=True)
class ReaderStudy:
    """Model minus average reader, in AUROC, with random readers and random cases."""

    effect: float
    statistic: float
    p: float  # two-sided without a margin; one-sided for non-inferiority with one
    low: float
    high: float
    degrees_of_freedom: float
    model: float
    readers: np.ndarray  # (R,) of each reader
    non_inferior: bool | None  # the lower limit is above -margin; None without a margin


def reader_study(disease, model, readers, margin: float = 0.0, level: float = 0.95) -> ReaderStudy:
    """Compare a model's scores (n,) with those of R >= 2 readers (R, n) on cases with truth disease (n,) 0/1.

    margin: of non-inferiority in AUROC, fixed beforehand; 0 tests for a difference. Covariances by jackknife over cases
    (Obuchowski & Rockette 1995, doi:10.1080/03610919508813243; Hillis 2007, doi:10.1002/sim.2532). Where neither readers
    nor cases vary there is no test: p is NaN.

    >>> truth = [0, 0, 0, 1, 1, 1]
    >>> study = reader_study(truth, [1, 2, 5, 4, 6, 7], [[1, 3, 4, 2, 5, 6], [2, 1, 5, 3, 4, 6]], margin=0.1)
    >>> round(study.effect, 4)
    0.1111
    """
    readers = np.atleast_2d(np.asarray(readers, dtype=np.float64))
    if len(readers) < 2:
        raise ValueError("a reader study needs at least two readers")
    if margin < 0:
        raise ValueError(f"margin: {margin} is negative")
    auc, left_out = _jackknife(disease, np.vstack([np.asarray(model, np.float64)[None], readers]))
    differences, many = auc[0] - auc[1:], len(readers)
    of_cases = left_out[0] - left_out[1:]
    centred, n = of_cases - of_cases.mean(axis=1, keepdims=True), of_cases.shape[1]
    covariance = centred @ centred.T * (n - 1) / n
    shared = (covariance.sum() - np.trace(covariance)) / (many * (many - 1))
    spread, shared = differences.var(ddof=1), max(many * shared, 0.0)
    error = np.sqrt((spread + shared) / many)
    effect = float(differences.mean())
    if not error > 0 or not spread > 0:
        nan = float("nan")
        return ReaderStudy(effect, nan, nan, nan, nan, nan, float(auc[0]), auc[1:], None)
    freedom = ((spread + shared) / spread) ** 2 * (many - 1)
    statistic = (effect + margin) / error
    p = stats.t.sf(statistic, freedom) if margin else 2 * stats.t.sf(abs(statistic), freedom)
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    low, high = effect - half, effect + half
    verdict = bool(low > -margin) if margin else None
    return ReaderStudy(
        effect, float(statistic), float(p), float(low), float(high), float(freedom), float(auc[0]), auc[1:], verdict
    )


@dataclass(frozen=True)
class ArmStudy:
    """Second arm minus first, in mean area of the same readers, with random readers and random cases."""

    effect: float
    statistic: float  # t; its square is the F of the analysis of variance
    p: float
    low: float
    high: float
    degrees_of_freedom: float
    first: float
    second: float


def arm_study(areas, left_out, level: float = 0.95) -> ArmStudy:
    """Compare two arms that R >= 2 readers read alike: areas (2, R), and without each of n cases, (2, R, n).

    Covariances by jackknife over cases; error and degrees of freedom as Hillis 2007, doi:10.1002/sim.2532, has them for two
    tests. Where neither readers nor cases vary there is no test: p is NaN.

    >>> areas = [[0.80, 0.70], [0.90, 0.85]]
    >>> left = [[[0.79, 0.81], [0.69, 0.71]], [[0.90, 0.90], [0.84, 0.86]]]
    >>> round(arm_study(areas, left).effect, 3)
    0.125
    """
    areas, left_out = np.asarray(areas, np.float64), np.asarray(left_out, np.float64)
    many, n = left_out.shape[1:]
    if many < 2:
        raise ValueError("a reader study needs at least two readers")
    centred = left_out - left_out.mean(axis=2, keepdims=True)
    within, between = (
        np.mean([_off_diagonal(one @ two.T) for one, two in pairs]) * (n - 1) / n
        for pairs in ([(centred[0], centred[0]), (centred[1], centred[1])], [(centred[0], centred[1])])
    )
    differences = areas[1] - areas[0]
    spread, shared = differences.var(ddof=1) / 2, max(many * (within - between), 0.0)  # spread: of arm by reader
    effect, error = float(differences.mean()), np.sqrt(2 / many * (spread + shared))
    first, second = (float(value) for value in areas.mean(axis=1))
    if not error > 0 or not spread > 0:
        nan = float("nan")
        return ArmStudy(effect, nan, nan, nan, nan, nan, first, second)
    freedom = ((spread + shared) / spread) ** 2 * (many - 1)
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    p = 2 * stats.t.sf(abs(effect) / error, freedom)
    return ArmStudy(
        effect, float(effect / error), float(p), effect - half, effect + half, float(freedom), first, second
    )


def jackknife(disease, scores) -> tuple[np.ndarray, np.ndarray]:
    """AUROC (rows,) of each row of scores (rows, n), and without each case (rows, n)."""
    return _jackknife(disease, np.asarray(scores, np.float64))


def _off_diagonal(matrix: np.ndarray) -> float:
    """The mean of what stands beside the diagonal."""
    many = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (many * (many - 1)))


def _jackknife(disease, scores) -> tuple[np.ndarray, np.ndarray]:
    """AUROC of each row of scores, and without each case (rows, n)."""
    truth = np.asarray(disease).astype(bool)
    auc, of_positive, of_negative = components(truth, scores)
    m, n = int(truth.sum()), int((~truth).sum())
    if min(m, n) < 2:
        raise ValueError("a reader study needs at least two cases of each class")
    left_out = np.empty((len(auc), truth.size))
    left_out[:, truth] = (m * auc[:, None] - of_positive) / (m - 1)
    left_out[:, ~truth] = (n * auc[:, None] - of_negative) / (n - 1)
    return auc, left_out
