"""Structural similarity inside one moving window, fused: local means, variances and covariance never exist as whole images.

Guarantees double precision and the windows that lie wholly inside the image, as a crop of the borders leaves them.
"""

import numpy as np
from numba import njit

from evaluators.kernels import kernel

GAUSSIAN = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
GAUSSIAN /= GAUSSIAN.sum()
UNIFORM = np.full(7, 1 / 7)


@njit(nogil=True)
def _across(row, taps, out):
    """One row seen through symmetric taps, windows inside it; written out so that it becomes vector instructions."""
    n = out.size
    if taps.size == 11:
        a, b, c, d, e, f = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
        for x in range(n):
            out[x] = (
                a * (row[x] + row[x + 10])
                + b * (row[x + 1] + row[x + 9])
                + c * (row[x + 2] + row[x + 8])
                + d * (row[x + 3] + row[x + 7])
                + e * (row[x + 4] + row[x + 6])
                + f * row[x + 5]
            )
    else:
        a, b, c, d = taps[0], taps[1], taps[2], taps[3]
        for x in range(n):
            out[x] = (
                a * (row[x] + row[x + 6])
                + b * (row[x + 1] + row[x + 5])
                + c * (row[x + 2] + row[x + 4])
                + d * row[x + 3]
            )


@njit(nogil=True)
def _down(ring, last, taps, out):
    """Symmetric taps over the rows of a ring whose newest is `last`."""
    k = taps.size
    n = out.size
    if k == 11:
        q0, q1, q2, q3 = ring[(last + 1) % k], ring[(last + 2) % k], ring[(last + 3) % k], ring[(last + 4) % k]
        q4, q5, q6, q7 = ring[(last + 5) % k], ring[(last + 6) % k], ring[(last + 7) % k], ring[(last + 8) % k]
        q8, q9, q10 = ring[(last + 9) % k], ring[(last + 10) % k], ring[last % k]
        a, b, c, d, e, f = taps[0], taps[1], taps[2], taps[3], taps[4], taps[5]
        for x in range(n):
            out[x] = (
                a * (q0[x] + q10[x])
                + b * (q1[x] + q9[x])
                + c * (q2[x] + q8[x])
                + d * (q3[x] + q7[x])
                + e * (q4[x] + q6[x])
                + f * q5[x]
            )
    else:
        q0, q1, q2, q3 = ring[(last + 1) % k], ring[(last + 2) % k], ring[(last + 3) % k], ring[(last + 4) % k]
        q4, q5, q6 = ring[(last + 5) % k], ring[(last + 6) % k], ring[last % k]
        a, b, c, d = taps[0], taps[1], taps[2], taps[3]
        for x in range(n):
            out[x] = a * (q0[x] + q6[x]) + b * (q1[x] + q5[x]) + c * (q2[x] + q4[x]) + d * q3[x]


@njit(nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _score(one, two, squares, product, c1, c2, scale):
    """Sums over a row of similarity and of its contrast-structure part, from local means of x, y, x2 + y2 and xy."""
    whole, structure = 0.0, 0.0
    for x in range(one.size):
        both, power = one[x] * two[x], one[x] * one[x] + two[x] * two[x]
        part = (2 * scale * (product[x] - both) + c2) / (scale * (squares[x] - power) + c2)
        structure += part
        whole += (2 * both + c1) / (power + c1) * part
    return whole, structure


@kernel("f8[:,::1]", "f8[:,::1]", "f8[::1]", "f8[:,:,::1]!")
def smooth(x, y, taps, out):
    """Local means (4, height, width) of x, y, x2 + y2 and xy over windows inside the image, rows then columns."""
    k = taps.size
    height, width = x.shape
    ring = np.empty((4, k, width - k + 1))
    product, squares = np.empty(width), np.empty(width)
    for row in range(height):
        for i in range(width):
            product[i] = x[row, i] * y[row, i]
            squares[i] = x[row, i] * x[row, i] + y[row, i] * y[row, i]
        slot = row % k
        _across(x[row], taps, ring[0, slot])
        _across(y[row], taps, ring[1, slot])
        _across(squares, taps, ring[2, slot])
        _across(product, taps, ring[3, slot])
        if row >= k - 1:
            for m in range(4):
                _down(ring[m], slot, taps, out[m, row - k + 1])


@kernel("f8[:,::1]", "f8[:,::1]", "f8[::1]", "f8", "f8", "f8")
def plane(x, y, taps, c1, c2, scale):
    """Mean similarity of two images and of its contrast-structure part, over all windows inside."""
    k = taps.size
    height, width = x.shape
    inside = width - k + 1
    ring = np.empty((4, k, inside))
    product, squares = np.empty(width), np.empty(width)
    means = np.empty((4, inside))
    whole, structure = 0.0, 0.0
    for row in range(height):
        for i in range(width):
            product[i] = x[row, i] * y[row, i]
            squares[i] = x[row, i] * x[row, i] + y[row, i] * y[row, i]
        slot = row % k
        _across(x[row], taps, ring[0, slot])
        _across(y[row], taps, ring[1, slot])
        _across(squares, taps, ring[2, slot])
        _across(product, taps, ring[3, slot])
        if row >= k - 1:
            for m in range(4):
                _down(ring[m], slot, taps, means[m])
            one, two = _score(means[0], means[1], means[2], means[3], c1, c2, scale)
            whole += one
            structure += two
    windows = inside * (height - k + 1)
    return whole / windows, structure / windows


@kernel("f8[:,:,:,::1]", "i8", "f8[::1]", "f8", "f8", "f8")
def across_planes(ring, newest, taps, c1, c2, scale):
    """Sums of similarity over one plane of windows, from the local means (k, 4, height, width) of the planes it spans."""
    k, _, height, width = ring.shape
    means = np.empty((4, width))
    whole, structure = 0.0, 0.0
    for row in range(height):
        for m in range(4):
            for x in range(width):
                means[m, x] = 0.0
            for t in range(k):
                tap = taps[t]
                line = ring[(newest + 1 + t) % k, m, row]
                for x in range(width):
                    means[m, x] += tap * line[x]
        one, two = _score(means[0], means[1], means[2], means[3], c1, c2, scale)
        whole += one
        structure += two
    return whole, structure


def similarity(x, y, taps: np.ndarray, data_range: float, sample: bool = False) -> tuple[float, float]:
    """Mean structural similarity and mean contrast-structure of two float64 images or volumes, over windows inside them.

    K1 = 0.01, K2 = 0.03; `sample`: variances over N - 1 of the window instead of N. No axis may be shorter than the window.
    """
    k = taps.size
    count = k**x.ndim
    scale = count / (count - 1) if sample else 1.0
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    if x.ndim == 2:
        return plane(x, y, taps, c1, c2, scale)
    depth, height, width = (n - k + 1 for n in x.shape)
    ring = np.empty((k, 4, height, width))
    total = np.zeros(2)
    for z in range(x.shape[0]):
        smooth(x[z], y[z], taps, ring[z % k])
        if z >= k - 1:
            total += across_planes(ring, z % k, taps, c1, c2, scale)
    return tuple(total / (depth * height * width))
