"""Centrelines of masks by thinning (Lee, Kashyap & Chu 1994, doi:10.1006/cgip.1994.1042), in volumes and in images.

Guarantees that a skeleton keeps the topology of its mask, and costs time only at the border of what is left.
"""

import numpy as np
from numba import njit

from evaluators.kernels import kernel

# A voxel and its neighbourhood as 27 bits, z slowest; its faces are looked at in this order (images: the first four).
FACES = np.array([[0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0]], np.int64)


def _adjacency() -> np.ndarray:
    """For each of 27 voxels the bits of the others that touch it, the centre left out."""
    place = np.stack(np.unravel_index(np.arange(27), (3, 3, 3)), 1)
    touch = (abs(place[:, None] - place[None]).max(2) <= 1) & ~np.eye(27, dtype=bool)
    touch[:, 13] = False
    return (touch * (1 << np.arange(27))).sum(1).astype(np.int64)


def _octants() -> np.ndarray:
    """The seven neighbours in each of eight octants: three across faces, three across edges, one across the corner."""
    octants = []
    for dz in (-1, 1):
        for dy in (-1, 1):
            for dx in (-1, 1):
                steps = [(dz, 0, 0), (0, dy, 0), (0, 0, dx), (dz, dy, 0), (dz, 0, dx), (0, dy, dx), (dz, dy, dx)]
                octants.append([(z + 1) * 9 + (y + 1) * 3 + x + 1 for z, y, x in steps])
    return np.array(octants, np.int64)


def _euler() -> np.ndarray:
    """By the seven neighbours of an octant (7 bits): eight times what the centre alone adds to the Euler number there.

    A face of the centre is its own unless the voxel across is there, an edge unless one of three is, the corner unless any is.
    """
    table = np.zeros(128, np.int64)
    for bits in range(128):
        z, y, x, zy, zx, yx, _ = (bool(bits >> i & 1) for i in range(7))
        faces = (not z) + (not y) + (not x)
        edges = (not (z or y or zy)) + (not (z or x or zx)) + (not (y or x or yx))
        table[bits] = 8 * (bits == 0) - 4 * edges + 2 * faces - 1
    return table


ADJACENCY, OCTANTS, EULER = _adjacency(), _octants(), _euler()


@njit(nogil=True)
def _around(volume, z, y, x):
    """The neighbourhood of a voxel as 27 bits, the centre left out."""
    bits, place = 0, 0
    for a in range(z - 1, z + 2):
        for b in range(y - 1, y + 2):
            for c in range(x - 1, x + 2):
                if volume[a, b, c] != 0:
                    bits |= 1 << place
                place += 1
    return bits & ~(1 << 13)


@njit(nogil=True)
def _in_one_piece(bits, adjacency):
    """Whether the neighbours hang together without the centre."""
    piece = bits & -bits
    front = piece
    while front != 0:
        reached = 0
        for place in range(27):
            if front >> place & 1:
                reached |= adjacency[place]
        front = reached & bits & ~piece
        piece |= front
    return piece == bits


@njit(nogil=True)
def _keeps_euler(bits, octants, euler):
    total = 0
    for o in range(8):
        code = 0
        for i in range(7):
            code |= (bits >> octants[o, i] & 1) << i
        total += euler[code]
    return total == 0


@kernel("u1[:,:,::1]!", "i8[:,::1]", "i8[::1]", "i8[:,::1]", "i8[::1]")
def _thin(volume, faces, adjacency, octants, euler):
    """Thins `volume`, uint8 with a rim of 0, in place, from each of `faces` in turn."""
    nz, ny, nx = volume.shape
    left = np.empty((np.count_nonzero(volume), 3), np.int32)
    n = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if volume[z, y, x] != 0:
                    left[n, 0], left[n, 1], left[n, 2] = z, y, x
                    n += 1
    candidates = np.empty((n, 3), np.int32)
    unchanged = 0
    while unchanged < faces.shape[0]:
        unchanged = 0
        for f in range(faces.shape[0]):
            found = 0
            for i in range(n):
                z, y, x = left[i]
                if volume[z + faces[f, 0], y + faces[f, 1], x + faces[f, 2]] != 0:
                    continue
                bits = _around(volume, z, y, x)
                end = bits != 0 and bits & (bits - 1) == 0
                if not end and _keeps_euler(bits, octants, euler) and _in_one_piece(bits, adjacency):
                    candidates[found] = left[i]
                    found += 1
            removed = 0
            for i in range(found):
                z, y, x = candidates[i]
                bits = _around(volume, z, y, x)
                if bits != 0 and _in_one_piece(bits, adjacency):  # the last voxel of a component stays
                    volume[z, y, x] = 0
                    removed += 1
            if removed == 0:
                unchanged += 1
            else:
                kept = 0
                for i in range(n):
                    z, y, x = left[i]
                    if volume[z, y, x] != 0:
                        left[kept] = left[i]
                        kept += 1
                n = kept


def skeleton(mask: np.ndarray) -> np.ndarray:
    """The centreline of a mask (z, y, x) or (y, x) as a mask of the same shape; an empty mask has none."""
    volume = np.asarray(mask, np.uint8)
    rimmed = np.pad(volume if mask.ndim == 3 else volume[None], 1)
    _thin(rimmed, FACES if mask.ndim == 3 else FACES[:4], ADJACENCY, OCTANTS, EULER)
    return rimmed[1:-1, 1:-1, 1:-1].astype(bool).reshape(mask.shape)
