"""Marks on lesions (FROC): the weighted alternative FROC area, and the ROC that the highest mark of each case implies."""

import numpy as np

from evaluators.statistics import intervals
from evaluators.statistics.draws import draw, patients_of


def wafroc_kernel(lesions, case, rating, lesion) -> np.ndarray:
    """(healthy, diseased): how well each diseased case's marks stand above the highest mark of each healthy case, 0 to 1.

    lesions (n,): how many each case has. Marks: case (m,) places in 0..n-1, rating (m,), lesion (m,) from 1, 0 where none was
    hit. All lesions of a case weigh the same; an unmarked lesion or case counts as minus infinity, ties as a half.
    """
    lesions, case = np.asarray(lesions), np.asarray(case, int)
    rating, lesion = np.asarray(rating, float), np.asarray(lesion, int)
    false = np.full(lesions.size, -np.inf)
    np.maximum.at(false, case[lesion == 0], rating[lesion == 0])
    false = false[lesions == 0]
    diseased = np.flatnonzero(lesions > 0)
    kernel = np.zeros((false.size, diseased.size))
    for column, place in enumerate(diseased):
        own = np.full(lesions[place], -np.inf)
        hits = (case == place) & (lesion > 0)
        np.maximum.at(own, lesion[hits] - 1, rating[hits])
        above = (own[None, :] > false[:, None]) + 0.5 * (own[None, :] == false[:, None])
        kernel[:, column] = above.mean(axis=1)
    return kernel


def wafroc(lesions, case, rating, lesion) -> float:
    """Area under the weighted alternative FROC curve; healthy cases alone give the false positives.

    Chakraborty & Zhai 2016, Med Phys 43:2548, doi:10.1118/1.4947125.

    >>> wafroc([0, 0, 1, 2], case=[0, 2, 3, 3], rating=[1.0, 2.0, 3.0, 0.5], lesion=[0, 1, 1, 0])
    0.8125
    """
    return float(wafroc_kernel(lesions, case, rating, lesion).mean())


def wafroc_jackknife(lesions, case, rating, lesion) -> tuple[float, np.ndarray]:
    """The area, and without each case (n,)."""
    kernel, diseased = wafroc_kernel(lesions, case, rating, lesion), np.asarray(lesions) > 0
    healthy, ill = kernel.shape
    left_out = np.empty(diseased.size)
    left_out[~diseased] = (kernel.sum() - kernel.sum(axis=1)) / ((healthy - 1) * ill)
    left_out[diseased] = (kernel.sum() - kernel.sum(axis=0)) / (healthy * (ill - 1))
    return float(kernel.mean()), left_out


class _Area:
    """The mean of a kernel (healthy, diseased) on resampled cases."""

    def __init__(self, kernel: np.ndarray, diseased: np.ndarray):
        self.kernel, self.diseased = kernel, diseased

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        weights = weights.astype(np.float64)
        healthy, ill = weights[~self.diseased], weights[self.diseased]
        top, bottom = (healthy * (self.kernel @ ill)).sum(axis=0), healthy.sum(axis=0) * ill.sum(axis=0)
        return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def wafroc_interval(lesions, marks, groups=None, resamples: int = 2000, seed: int = 0, level: float = 0.95):
    """(value, low, high, standard error) from resampled patients; limits None where there is nothing to resample.

    marks: (case, rating, lesion) as `wafroc` takes them.
    """
    kernel = wafroc_kernel(lesions, *marks)
    codes, patients = patients_of(groups, len(lesions))
    value = float(kernel.mean()) if kernel.size else float("nan")
    if patients < 2 or not kernel.size:
        return value, None, None, None
    resampled = draw(patients, resamples, seed).apply(_Area(kernel, np.asarray(lesions) > 0), codes)
    error = float(np.nanstd(resampled, ddof=1))
    if 0 < value < 1 and error > 0:
        return value, *intervals.logit(value, error, level), error
    return value, *intervals.percentile(resampled, level), error
