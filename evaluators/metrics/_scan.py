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


@njit(cache=True, nogil=True)
def _mark(row, left_of, before, after, above, below, out):
    """One row of surface: the code where any of the six face neighbours differs, else 0; `left_of` pads both ends."""
    n = row.size
    for x in range(1, n - 1):
        c = row[x]
        differs = (
            (row[x - 1] ^ c) | (row[x + 1] ^ c) | (before[x] ^ c) | (after[x] ^ c) | (above[x] ^ c) | (below[x] ^ c)
        )
        out[x] = c if differs != 0 else left_of
    for x in (0, n - 1):  # beyond the image is background, so the rim of a mask is surface
        out[x] = row[x]


@njit(cache=True, nogil=True)
def surface(volume, flat, out):
    """Into `out`, the codes of `volume` (z, y, x) kept where a face neighbour has another code or lies outside the image."""
    nz, ny, nx = volume.shape
    nothing = np.zeros(nx, np.uint8)
    for z in range(nz):
        for y in range(ny):
            row = volume[z, y]
            before = volume[z, y - 1] if y > 0 else nothing
            after = volume[z, y + 1] if y < ny - 1 else nothing
            if flat:
                above, below = row, row
            else:
                above = volume[z - 1, y] if z > 0 else nothing
                below = volume[z + 1, y] if z < nz - 1 else nothing
            _mark(row, np.uint8(0), before, after, above, below, out[z, y])


@njit(cache=True, nogil=True)
def tally(flat_codes, counts):
    """How often each code other than 0 occurs in a mostly empty flat uint8 array."""
    words = flat_codes.size // 8
    wide = flat_codes[: words * 8].view(np.uint64)
    for i in range(words):
        if wide[i] != 0:
            for j in range(i * 8, i * 8 + 8):
                counts[flat_codes[j]] += 1
    for j in range(words * 8, flat_codes.size):
        counts[flat_codes[j]] += 1
    counts[0] = 0


@njit(cache=True, nogil=True)
def gather(flat_codes, wanted, cursor, places):
    """Into `places`, the flat indices of every code that is `wanted`, grouped by code from `cursor[code]` on, in order."""
    words = flat_codes.size // 8
    wide = flat_codes[: words * 8].view(np.uint64)
    for i in range(words + 1):
        if i == words or wide[i] != 0:
            for j in range(i * 8, min(i * 8 + 8, flat_codes.size)):
                c = flat_codes[j]
                if wanted[c]:
                    places[cursor[c]] = j
                    cursor[c] += 1


@njit(cache=True, nogil=True)
def box(places, ny, nx, low, high):
    """Widens the box `low`..`high` (inclusive) by flat indices."""
    for p in places:
        rest, x = divmod(np.int64(p), nx)
        z, y = divmod(rest, ny)
        low[0], low[1], low[2] = min(low[0], z), min(low[1], y), min(low[2], x)
        high[0], high[1], high[2] = max(high[0], z), max(high[1], y), max(high[2], x)


@njit(cache=True, nogil=True)
def _corners(r00, r01, r10, r11, code, full, out):
    """Neighbourhood codes of one row of corners between four rows of voxels, each padded by one voxel at both ends."""
    for x in range(out.size):
        bits = (
            (np.uint8(r00[x] == code) << 7)
            | (np.uint8(r00[x + 1] == code) << 6)
            | (np.uint8(r01[x] == code) << 5)
            | (np.uint8(r01[x + 1] == code) << 4)
            | (np.uint8(r10[x] == code) << 3)
            | (np.uint8(r10[x + 1] == code) << 2)
            | (np.uint8(r11[x] == code) << 1)
            | np.uint8(r11[x + 1] == code)
        )
        out[x] = bits if bits != full else 0


@njit(cache=True, nogil=True)
def corners(volume, code, flat, low, high, out):
    """Into `out`, the 2x2x2 neighbourhood code of each voxel corner of a box where the label's boundary passes, else 0.

    The box `low`..`high` (inclusive) is in voxels; corners are one more per axis (not along z when `flat`). Beyond the image
    is background. `flat`: 4 bits of a 2x2 neighbourhood.
    """
    full = np.uint8(15) if flat else np.uint8(255)
    width = high[2] - low[2] + 1
    rows = np.zeros((4, width + 2), np.uint8)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(4):
                z = low[0] + i - 1 + (k >> 1)
                y = low[1] + j - 1 + (k & 1)
                if flat:
                    z = 0 if k > 1 else -1
                if low[0] <= z <= high[0] and low[1] <= y <= high[1]:
                    rows[k, 1 : width + 1] = volume[z, y, low[2] : high[2] + 1]
                else:
                    rows[k] = 0
            _corners(rows[0], rows[1], rows[2], rows[3], code, full, out[i, j])
