"""The compiled passes over a whole volume: sizes and overlaps of all labels at once.

Guarantees one read of both volumes, eight voxels at a time where nothing or only one label is there.
"""

import numpy as np
from numba import njit

ONES = np.uint64(0x0101010101010101)


@njit(cache=True, nogil=True)
def _sizes(reference, prediction, size_r, size_p, both):
    """Voxels of each code in the reference, in the prediction and in both at one place; flat uint8 arrays of one length."""
    n = reference.size
    words = n // 8
    wide_r = reference[: words * 8].view(np.uint64)
    wide_p = prediction[: words * 8].view(np.uint64)
    for i in range(words):
        r, p = wide_r[i], wide_p[i]
        if r | p == 0:
            continue
        low = r & np.uint64(255)
        if r == p and r == low * ONES:
            size_r[low] += 8
            size_p[low] += 8
            both[low] += 8
            continue
        for j in range(i * 8, i * 8 + 8):
            a, b = reference[j], prediction[j]
            size_r[a] += 1
            size_p[b] += 1
            if a == b:
                both[a] += 1
    for j in range(words * 8, n):
        a, b = reference[j], prediction[j]
        size_r[a] += 1
        size_p[b] += 1
        if a == b:
            both[a] += 1


def sizes(reference: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxel counts by code, each (256,) int64: reference, prediction, both. Code 0 is not counted fully."""
    counts = np.zeros((3, 256), np.int64)
    _sizes(reference.reshape(-1), prediction.reshape(-1), counts[0], counts[1], counts[2])
    return counts[0], counts[1], counts[2]
