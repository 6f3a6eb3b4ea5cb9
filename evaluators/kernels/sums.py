"""Weighted counts and sums over the rows of a held-out set, for a block of resamples at once."""

import numpy as np


def tally(codes: np.ndarray, cells: int, weights: np.ndarray) -> np.ndarray:
    """How often each code 0..cells-1 occurs: codes (n,), weights (n, B) uint8 -> (cells, B) float64, exact."""
    out = np.zeros((cells, weights.shape[1]))
    for cell in range(cells):
        out[cell] = weights[codes == cell].sum(axis=0, dtype=np.int64)
    return out


def columns(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of each row of values (m, n) over weights (n, B) uint8 -> (m, B) float64."""
    return values @ weights.astype(np.float64)
