"""How far readers agree with each other, or with themselves: kappas and intraclass correlations."""

import numpy as np


def cohen_kappa(a, b, weights: str | None = None, classes: int | None = None) -> float:
    """Cohen's kappa of two readers' classes (n,), `weights` None, "linear" or "quadratic"; NaN when chance explains all.

    Cohen 1960, doi:10.1177/001316446002000104; weighted 1968, doi:10.1037/h0026256.

    >>> round(cohen_kappa([0, 1, 1, 0], [0, 1, 0, 0]), 6)
    0.5
    """
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"two readers of the same cases: {a.shape} and {b.shape}")
    k = classes or int(max(a.max(), b.max())) + 1
    table = np.zeros((k, k))
    np.add.at(table, (a, b), 1)
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    cost = {None: (distance > 0) * 1.0, "linear": distance * 1.0, "quadratic": distance**2.0}[weights]
    expected = (cost * np.outer(table.sum(axis=1), table.sum(axis=0))).sum() / a.size
    return float(1 - (cost * table).sum() / expected) if expected else float("nan")


def fleiss_kappa(ratings, classes: int | None = None) -> float:
    """Fleiss' kappa of several readers; ratings (cases, readers) of classes (Fleiss 1971, doi:10.1037/h0031619).

    >>> round(fleiss_kappa([[0, 0, 1], [1, 1, 1], [0, 0, 0], [1, 0, 1]]), 6)
    0.333333
    """
    ratings = np.asarray(ratings, dtype=np.int64)
    n, readers = ratings.shape
    if readers < 2:
        raise ValueError("at least two readers")
    k = classes or int(ratings.max()) + 1
    counts = np.stack([(ratings == c).sum(axis=1) for c in range(k)], axis=1)
    within = ((counts**2).sum(axis=1) - readers) / (readers * (readers - 1))
    chance = ((counts.sum(axis=0) / (n * readers)) ** 2).sum()
    return float((within.mean() - chance) / (1 - chance)) if chance < 1 else float("nan")


def intraclass(ratings, form: str = "2,1") -> float:
    """Intraclass correlation of ratings (cases, readers), single rating: "1,1", "2,1" (agreement), "3,1" (consistency).

    Shrout & Fleiss 1979, doi:10.1037/0033-2909.86.2.420. NaN for fewer than two cases or one constant.

    >>> data = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(intraclass(data, f), 2) for f in ("1,1", "2,1", "3,1")]
    [0.17, 0.29, 0.71]
    """
    x = np.asarray(ratings, dtype=np.float64)
    n, k = x.shape
    if n < 2 or k < 2:
        return float("nan")
    grand, cases, readers = x.mean(), x.mean(axis=1), x.mean(axis=0)
    between = k * ((cases - grand) ** 2).sum() / (n - 1)
    of_readers = n * ((readers - grand) ** 2).sum() / (k - 1)
    within = ((x - cases[:, None]) ** 2).sum() / (n * (k - 1))
    rest = ((x - cases[:, None] - readers[None, :] + grand) ** 2).sum() / ((n - 1) * (k - 1))
    top, bottom = {
        "1,1": (between - within, between + (k - 1) * within),
        "2,1": (between - rest, between + (k - 1) * rest + k * (of_readers - rest) / n),
        "3,1": (between - rest, between + (k - 1) * rest),
    }[form]
    return float(top / bottom) if bottom > 0 else float("nan")
