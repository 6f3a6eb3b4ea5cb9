"""Weighted counts and sums over the rows of a held-out set, for a block of 32 resamples at once."""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import LANES, kernel


@kernel("i4[::1]", "u1[:,::1]", "u4[:,::1]!")
def tally(codes, weights, out):
    """out[code] += weights[row] for every row: codes (n,), weights (n, 32), out (cells, 32)."""
    for i in range(codes.size):
        cell = np.int64(codes[i])
        lanes.store(out, cell, lanes.load(out, cell) + lanes.load(weights, i))


@kernel("i4[::1]", "f8[::1]", "u1[:,::1]", "f8[:,::1]!")
def grouped(codes, values, weights, out):
    """out[code] += value * weights[row] for every row: codes, values (n,), weights (n, 32), out (cells, 32)."""
    for i in range(codes.size):
        cell = np.int64(codes[i])
        lanes.store(out, cell, lanes.load(out, cell) + lanes.f8(lanes.load(weights, i)) * values[i])


@kernel("f8[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def columns(values, weights, out):
    """out[column] += value * weights[row]: values (m, n), weights (n, 32), out (m, 32); four columns a pass."""
    many, n = values.shape
    for start in range(0, n, 512):
        stop = min(start + 512, n)
        for c in range(0, many - 3, 4):
            a, b = lanes.load(out, np.int64(c)), lanes.load(out, np.int64(c + 1))
            d, e = lanes.load(out, np.int64(c + 2)), lanes.load(out, np.int64(c + 3))
            for i in range(start, stop):
                w = lanes.f8(lanes.load(weights, i))
                a += w * values[c, i]
                b += w * values[c + 1, i]
                d += w * values[c + 2, i]
                e += w * values[c + 3, i]
            lanes.store(out, np.int64(c), a)
            lanes.store(out, np.int64(c + 1), b)
            lanes.store(out, np.int64(c + 2), d)
            lanes.store(out, np.int64(c + 3), e)
        for c in range(many - many % 4, many):
            total = lanes.load(out, np.int64(c))
            for i in range(start, stop):
                total += lanes.f8(lanes.load(weights, i)) * values[c, i]
            lanes.store(out, np.int64(c), total)


@kernel("i4[::1]", "i4[::1]", "f8[:,::1]", "f8[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def products(a, b, of_a, of_b, weights, out):
    """Weighted squares and product of two values that differ by resample: of_a[a[row]], of_b[b[row]] (cells, 32) each.

    out (4, 32): sums of a^2, b^2, a b, and of the weights.
    """
    aa, bb, ab, count = lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8()
    for i in range(a.size):
        w = lanes.f8(lanes.load(weights, i))
        x, y = lanes.load(of_a, np.int64(a[i])), lanes.load(of_b, np.int64(b[i]))
        aa += w * x * x
        bb += w * y * y
        ab += w * x * y
        count += w
    lanes.store(out, 0, aa)
    lanes.store(out, 1, bb)
    lanes.store(out, 2, ab)
    lanes.store(out, 3, count)


def tallied(codes: np.ndarray, cells: int, weights: np.ndarray) -> np.ndarray:
    """How often each code 0..cells-1 occurs: codes (n,) int32, weights (n, 32) uint8 -> (cells, 32) float64, exact."""
    out = np.zeros((cells, LANES), np.uint32)
    tally(codes, weights, out)
    return out.astype(np.float64)


def grouped_sums(codes: np.ndarray, values: np.ndarray, cells: int, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of values (n,) float64 by code (n,) int32 -> (cells, 32) float64."""
    out = np.zeros((cells, LANES))
    grouped(codes, values, weights, out)
    return out


def summed(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of each row of values (m, n) float64 over weights (n, 32) uint8 -> (m, 32) float64."""
    out = np.zeros((len(values), LANES))
    columns(values, weights, out)
    return out
