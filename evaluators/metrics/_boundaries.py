"""The boundaries of two label maps and how far they lie apart: by surface voxels, and by surface elements with their area.

Guarantees memory in proportion to the volume (one byte a voxel and side) plus the surfaces of a few labels at a time, whatever
the masks look like.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluators.metrics import _areas, _distances, _scan
from evaluators.metrics._volumes import Pair

MOST = 1 << 25  # surface voxels held at a time
SLACK = 1 + 1e-9  # a distance equal to the tolerance up to rounding is within it


@dataclass
class Directed:
    """Distances in mm from every surface voxel of one mask to the surface of the other, as counts of lengths."""

    lengths: np.ndarray  # (k,) ascending
    counts: np.ndarray  # (k,) how many have that length
    far: np.ndarray  # ascending, all longer than the last of `lengths`

    @cached_property
    def n(self) -> int:
        return int(self.counts.sum()) + self.far.size

    @cached_property
    def total(self) -> float:
        return float(self.counts @ self.lengths) + float(self.far.sum())

    @property
    def largest(self) -> float:
        return self._at(self.n - 1)

    def percentile(self, share: float) -> float:
        """As numpy does it: linear between the two nearest order statistics."""
        place = (self.n - 1) * share
        low = int(place)
        first = self._at(low)
        return first + (place - low) * (self._at(min(low + 1, self.n - 1)) - first)

    def within(self, tolerance: float) -> int:
        """How many are at most `tolerance`."""
        near = int(self.counts[: np.searchsorted(self.lengths, tolerance * SLACK, side="right")].sum())
        return near + int(np.searchsorted(self.far, tolerance * SLACK, side="right"))

    @cached_property
    def _upto(self) -> np.ndarray:
        return np.cumsum(self.counts)

    def _at(self, order: int) -> float:
        near = int(self._upto[-1])
        if order >= near:
            return float(self.far[order - near])
        return float(self.lengths[np.searchsorted(self._upto, order, side="right")])


class Boundaries:
    """Surfaces of all labels of a `Pair`; distances are found for all labels at once, when first asked for."""

    def __init__(self, pair: Pair, wanted: list[int]):
        """`wanted`: codes to be compared, each present in both maps."""
        self.pair, self.wanted = pair, wanted
        if pair.reference.size >= 2**32:
            raise ValueError("a volume may have at most 2**32 voxels")
        self.between: dict[int, tuple[Directed, Directed]] = {}
        self.boxes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        marks = [np.empty_like(pair.reference), np.empty_like(pair.reference)]
        for volume, out in zip((pair.reference, pair.prediction), marks, strict=True):
            _scan.surface(volume, pair.flat, out)
        self._measure([mark.reshape(-1) for mark in marks])

    def _measure(self, marks) -> None:
        counts = np.zeros((2, 256), np.int64)
        for mark, count in zip(marks, counts, strict=True):
            _scan.tally(mark, count)
        todo = list(self.wanted)
        while todo:
            group = [todo.pop(0)]
            held = int(counts[:, group[0]].sum())
            while todo and held + int(counts[:, todo[0]].sum()) <= MOST:
                held += int(counts[:, todo[0]].sum())
                group.append(todo.pop(0))
            places = [_gathered(mark, group, count) for mark, count in zip(marks, counts, strict=True)]
            for code in group:
                self._compare(code, marks, places[0].pop(code), places[1].pop(code))

    def _compare(self, code, marks, reference, prediction) -> None:
        shape = self.pair.reference.shape
        low, high = np.array(shape, np.int64), np.full(3, -1, np.int64)
        for places in (reference, prediction):
            _scan.box(places, shape[1], shape[2], low, high)
        self.boxes[code] = low, high
        moves, lengths, _ = _distances.offsets(self.pair.spacing, self.pair.flat)
        sides = []
        for here, there, mark in ((reference, prediction, marks[1]), (prediction, reference, marks[0])):
            ranks, far = np.zeros(len(lengths), np.int64), np.empty(here.size, np.uint32)
            missed = _distances.near(here, mark, np.uint8(code), *shape, moves, ranks, far)
            far = _distances.far_distances(far[:missed], there, shape, self.pair.spacing)
            sides.append(Directed(lengths, ranks, np.sort(far)))
        self.between[code] = sides[0], sides[1]

    def shares_within(self, code: int, tolerance: float) -> tuple[float, float]:
        """Boundary area of both masks (mm2; mm for images) within `tolerance` mm of the other's boundary, and in all."""
        pair, (low, high) = self.pair, self.boxes[code]
        grid = tuple(int(n) for n in high - low + (1 if pair.flat else 2, 2, 2))
        sides = [np.empty(grid, np.uint8) for _ in range(2)]
        for volume, out in zip((pair.reference, pair.prediction), sides, strict=True):
            _scan.corners(volume, np.uint8(code), pair.flat, low, high, out)
        sides = [out.reshape(-1) for out in sides]
        moves, _, complete = _distances.offsets(pair.spacing, pair.flat, reach=float(tolerance))
        within, every = np.zeros((2, 256), np.int64)
        for here, there in (sides, sides[::-1]):
            far = np.empty(0 if complete else np.count_nonzero(here), np.uint32)
            missed = _distances.near_by_code(here, there, *grid, moves, within, every, far)
            if missed and not complete:
                targets = np.flatnonzero(there).astype(np.uint32)
                apart = _distances.far_distances(far[:missed], targets, grid, pair.spacing, limit=float(tolerance))
                within += np.bincount(here[far[:missed][apart <= tolerance * SLACK]], minlength=256)
        table = _areas.areas(pair.spacing, pair.flat)
        return float(within @ table), float(every @ table)


def _gathered(mark: np.ndarray, group: list[int], count: np.ndarray) -> dict[int, np.ndarray]:
    """Flat indices of the surface voxels of each code of a group, in order."""
    wanted, cursor = np.zeros(256, np.bool_), np.zeros(256, np.int64)
    wanted[group] = True
    ends = np.cumsum(count[group])
    cursor[group] = ends - count[group]
    places = np.empty(int(ends[-1]), np.uint32)
    _scan.gather(mark, wanted, cursor, places)
    return {code: places[end - count[code] : end] for code, end in zip(group, ends, strict=True)}
