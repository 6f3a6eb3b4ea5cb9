"""The compiled passes over a whole volume: sizes and overlaps of all labels at once.

Guarantees one read of both volumes, eight voxels at a time where nothing or only one label is there.
"""

import numpy as np
from numba import njit

from evaluators.kernels import kernel

ONES = np.uint64(0x0101010101010101)


@kernel("u1[::1]", "u1[::1]", "i8[::1]!", "i8[::1]!", "i8[::1]!")
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


@njit(nogil=True)
def _mark(row, before, after, above, below, out):
    """One row of surface: the code where any of the six face neighbours differs, else 0."""
    n = row.size
    for x in range(1, n - 1):
        c = row[x]
        differs = (
            (row[x - 1] ^ c) | (row[x + 1] ^ c) | (before[x] ^ c) | (after[x] ^ c) | (above[x] ^ c) | (below[x] ^ c)
        )
        out[x] = c if differs != 0 else np.uint8(0)
    for x in (0, n - 1):  # beyond the image is background, so the rim of a mask is surface
        out[x] = row[x]


@njit(nogil=True)
def _void(row):
    """Whether a row of uint8 holds nothing but 0."""
    together = np.uint8(0)
    for x in range(row.size):
        together |= row[x]
    return together == 0


@kernel("u1[:,:,::1]", "b1", "u1[:,:,::1]!", "b1[:,::1]!")
def surface(volume, flat, out, rows):
    """Into `out`, all 0 before, the codes of `volume` (z, y, x) where a face neighbour has another code or is outside.

    rows (z, y), all False before: where a row of `out` has any.
    """
    nz, ny, nx = volume.shape
    nothing = np.zeros(nx, np.uint8)
    for z in range(nz):
        for y in range(ny):
            row = volume[z, y]
            if _void(row):  # and its part of `out` is never touched: memory that was not used is not claimed
                continue
            before = volume[z, y - 1] if y > 0 else nothing
            after = volume[z, y + 1] if y < ny - 1 else nothing
            if flat:
                above, below = row, row
            else:
                above = volume[z - 1, y] if z > 0 else nothing
                below = volume[z + 1, y] if z < nz - 1 else nothing
            _mark(row, before, after, above, below, out[z, y])
            rows[z, y] = not _void(out[z, y])


@kernel("u1[:,:,::1]", "b1[:,::1]", "i8[::1]", "i8[::1]!", "u4[::1]!")
def gather(codes, rows, step, cursor, places):
    """Into `places`, the flat indices of every code whose `step` is 1, grouped by code from `cursor[code]` on, in order.

    `step` and `cursor` (256,): of the other codes 0 and the last of `places`, which is written over and over.
    """
    nz, ny, nx = codes.shape
    words = nx // 8
    for z in range(nz):
        for y in range(ny):
            if not rows[z, y]:
                continue
            row, first = codes[z, y], (z * ny + y) * nx
            wide = row[: words * 8].view(np.uint64)
            for i in range(words + 1):
                if i == words or wide[i] != 0:
                    for j in range(i * 8, min(i * 8 + 8, nx)):
                        c = row[j]
                        places[cursor[c]] = first + j
                        cursor[c] += step[c]


@kernel("u4[::1]", "i8", "i8", "i8[::1]!", "i8[::1]!")
def box(places, ny, nx, low, high):
    """Widens the box `low`..`high` (inclusive) by flat indices."""
    for p in places:
        rest, x = divmod(np.int64(p), nx)
        z, y = divmod(rest, ny)
        low[0], low[1], low[2] = min(low[0], z), min(low[1], y), min(low[2], x)
        high[0], high[1], high[2] = max(high[0], z), max(high[1], y), max(high[2], x)


@njit(nogil=True)
def _pairs(row, code, out):
    """Per corner of a row, which of its two voxels hold the code, as two bits; beyond the row nothing does."""
    n = row.size
    out[0] = np.uint8(row[0] == code)
    for x in range(1, n):
        out[x] = np.uint8(row[x - 1] == code) << np.uint8(1) | np.uint8(row[x] == code)
    out[n] = np.uint8(row[n - 1] == code) << np.uint8(1)


@njit(nogil=True)
def _codes(r00, r01, r10, r11, full, out):
    """Neighbourhood codes of one row of corners from the pairs of four rows of voxels; 0 where all or none are inside."""
    for x in range(out.size):
        bits = r00[x] << np.uint8(6) | r01[x] << np.uint8(4) | r10[x] << np.uint8(2) | r11[x]
        out[x] = bits if bits != full else np.uint8(0)


@kernel("u1[:,:,::1]", "u1", "b1", "i8[::1]", "i8[::1]", "u1[:,:,::1]!")
def corners(volume, code, flat, low, high, out):
    """Into `out`, the 2x2x2 neighbourhood code of each voxel corner of a box where the label's boundary passes, else 0.

    The box `low`..`high` (inclusive) is in voxels and holds the whole label; corners are one more per axis (not along z when
    `flat`, where the code has the 4 bits of a 2x2 neighbourhood).
    """
    full = np.uint8(15) if flat else np.uint8(255)
    nz, ny, nx = high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1
    planes = np.zeros((2, ny + 2, nx + 1), np.uint8)  # the pairs of the last and of this plane, a row of nothing around
    for i in range(out.shape[0]):
        here, before = i & 1, 1 - (i & 1)
        if i < nz:
            for j in range(ny):
                _pairs(volume[low[0] + i, low[1] + j, low[2] : high[2] + 1], code, planes[here, j + 1])
        else:
            planes[here] = 0
        for j in range(ny + 1):
            _codes(planes[before, j], planes[before, j + 1], planes[here, j], planes[here, j + 1], full, out[i, j])


@kernel("u1[:,:,::1]", "i8[:,::1]!", "i8[:,::1]!")
def extents(volume, low, high):
    """Widens `low` and `high` (256, 3; inclusive) by the box around each code other than 0 of `volume` (z, y, x)."""
    nz, ny, nx = volume.shape
    for z in range(nz):
        for y in range(ny):
            row = volume[z, y]
            if _void(row):
                continue
            for x in range(nx):
                c = row[x]
                if c != 0 and (x == 0 or x == nx - 1 or row[x - 1] != c or row[x + 1] != c):
                    low[c, 0], low[c, 1], low[c, 2] = min(low[c, 0], z), min(low[c, 1], y), min(low[c, 2], x)
                    high[c, 0], high[c, 1], high[c, 2] = max(high[c, 0], z), max(high[c, 1], y), max(high[c, 2], x)
