"""The length or area of a label's boundary inside each 2x2 or 2x2x2 neighbourhood of voxels.

Guarantees the surface elements of the original definition of surface Dice (marching cubes with vertices in the middle of edges;
Nikolov et al. 2021, doi:10.2196/26151): they are the same under every turn and reflection and for a mask and its complement,
so fourteen patterns give all 256.
"""

from functools import lru_cache
from itertools import permutations, product

import numpy as np

# Neighbourhood code (bit 7 is the lowest corner, bit 0 the highest, x runs fastest) of one pattern of each kind, with the
# area vectors of its triangles in units of voxel faces (z, y, x), without sign.
A, B, C = 1 / 8, 1 / 4, 3 / 8
PATTERNS = {
    0b00000001: [(A, A, A)],
    0b00000011: [(B, B, 0), (B, B, 0)],
    0b00000110: [(A, A, A)] * 2,
    0b00000111: [(1 / 2, 0, 0), (B, B, B), (A, A, A)],
    0b00001111: [(1 / 2, 0, 0)] * 2,
    0b00010110: [(A, A, A)] * 3,
    0b00010111: [(A, A, A), (B, B, B), (B, B, B), (A, A, A)],
    0b00011000: [(A, A, A)] * 2,
    0b00011001: [(0, B, B), (0, B, B), (A, A, A)],
    0b00011011: [(A, A, A), (C, C, C), (0, B, B), (B, 0, B)],
    0b00011110: [(1 / 2, 0, 0), (A, A, A), (B, B, B), (A, A, A)],
    0b00111100: [(B, B, 0)] * 4,
    0b01101001: [(A, A, A)] * 4,
}


def _turned(code: int):
    """Every code that a turn, reflection or complement makes of `code`, with the order in which it permutes the axes."""
    cube = ((code >> np.arange(7, -1, -1)) & 1).reshape(2, 2, 2)
    weights = 1 << np.arange(7, -1, -1).reshape(2, 2, 2)
    for order in permutations(range(3)):
        for flips in product((slice(None), slice(None, None, -1)), repeat=3):
            turned = int((cube.transpose(order)[flips] * weights).sum())
            yield turned, order
            yield 255 - turned, order


@lru_cache(maxsize=64)
def areas(spacing: tuple[float, float, float], flat: bool) -> np.ndarray:
    """Boundary by neighbourhood code: (256,) mm2 for volumes, or mm (first 16 used) for images, whose axes are the last two."""
    table = np.zeros(256)
    z, y, x = spacing
    if flat:
        corner = np.hypot(y, x) / 2
        for code in range(1, 15):
            table[code] = corner
        table[[0b0110, 0b1001]] = 2 * corner
        table[[0b0011, 0b1100]] = x
        table[[0b0101, 0b1010]] = y
        return table
    faces = np.array([y * x, z * x, z * y])
    for code, triangles in PATTERNS.items():
        for turned, order in _turned(code):
            table[turned] = np.linalg.norm(np.array(triangles)[:, order] * faces, axis=1).sum()
    return table
