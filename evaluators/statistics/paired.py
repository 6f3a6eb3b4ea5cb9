"""Two entries, or many, on the same cases: paired tests and the correction for making many of them."""

import numpy as np
from scipy import stats

from evaluators.kernels import draws as kernels


def holm(p) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979, Scand J Stat 6:65); NaN stays NaN and does not count.

    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    adjusted, valid = np.full(p.shape, np.nan), np.flatnonzero(~np.isnan(p))
    order = valid[np.argsort(p[valid])]
    steps = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def mcnemar(table) -> float:
    """Exact two-sided p of McNemar's test; table [[both right, only a], [only b, neither]] (McNemar 1947).

    >>> round(mcnemar([[30, 4], [11, 15]]), 6)
    0.118469
    """
    b, c = int(table[0][1]), int(table[1][0])
    return float(min(1.0, 2 * stats.binom.cdf(min(b, c), b + c, 0.5))) if b + c else 1.0


def wilcoxon(differences, alternative: str = "two-sided") -> float:
    """p of Wilcoxon's signed-rank test; zero differences are dropped, all zero gives 1 (Wilcoxon 1945).

    >>> wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0])
    0.0625
    """
    differences = np.asarray(differences, dtype=np.float64)
    if not np.any(differences):
        return 1.0
    return float(stats.wilcoxon(differences, alternative=alternative).pvalue)


def sign_flip(differences, flips: int = 10_000, seed: int = 0, groups=None) -> np.ndarray:
    """Two-sided p of the mean of each row of differences (pairs, n) under random signs; signs are shared by all rows.

    With groups (n,) a patient's cases flip together. p = (1 + as extreme) / (1 + flips), so never 0 (Phipson & Smyth 2010).

    >>> bool(sign_flip(np.ones((1, 20)))[0] < 0.001)
    True
    """
    differences = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    if groups is not None:
        _, codes = np.unique(groups, return_inverse=True)
        summed = np.zeros((len(differences), codes.max() + 1))
        np.add.at(summed.T, codes, differences.T)
        differences = summed
    scale = np.abs(differences).sum(axis=1, keepdims=True)
    differences = np.divide(differences, scale, out=np.zeros_like(differences), where=scale > 0)
    observed = np.abs(differences.sum(axis=1)) - 1e-12
    extreme = np.zeros(len(differences), dtype=np.int64)
    for start in range(0, flips, 512):
        signs = _signs(differences.shape[1], start, min(512, flips - start), seed)
        extreme += (np.abs(differences @ signs) >= observed[:, None]).sum(axis=1)
    return (1 + extreme) / (1 + flips)


def _signs(n: int, start: int, many: int, seed: int) -> np.ndarray:
    """Random signs (n, many) of flips start, start + 1, ...: bits of the counter-based hash."""
    words = np.empty((many, -(-n // 64)), np.uint64)
    kernels.words(np.uint64(seed), np.int64(start), words)
    bits = np.unpackbits(words.view(np.uint8), axis=1, count=n, bitorder="little")
    return 1.0 - 2.0 * bits.T


def corrected_t(differences, n_test: int, n_train: int) -> tuple[float, float]:
    """Nadeau & Bengio's corrected t and two-sided p over resampled splits; not for one fixed held-out set.

    differences (k,) one a split (Nadeau & Bengio 2003, Mach Learn 52:239, doi:10.1023/A:1024068626366).

    >>> [round(x, 4) for x in corrected_t([0.02, 0.01, 0.03, -0.005, 0.015], n_test=20, n_train=80)]
    [1.6126, 0.1821]
    """
    d = np.asarray(differences, dtype=np.float64)
    t = d.mean() / np.sqrt(d.var(ddof=1) * (1 / d.size + n_test / n_train))
    return float(t), float(2 * stats.t.sf(abs(t), d.size - 1))
