"""The boundaries of two label maps and how far they lie apart: by surface voxels, and by surface elements with their area.

Guarantees memory in proportion to the volume (one byte a voxel and side) plus the surfaces of a few labels at a time, whatever
the masks look like.
"""

import numpy as np

from evaluators.metrics import _areas, _distances, _scan
from evaluators.metrics._volumes import Pair

MOST = 1 << 24  # voxels whose labels are compared at a time, where they are more than one
SAMPLE = 256  # surface voxels that tell whether two surfaces are near each other
HOPELESS = 33  # offsets tried before the search where they are not
WORTH = 60  # a distance transform of a box costs as much as the search for one in so many of its voxels
SLACK = 1 + 1e-9  # a distance equal to the tolerance up to rounding is within it


class Directed:
    """Distances in mm from every surface voxel of one mask to the surface of the other, as counts of ascending lengths."""

    def __init__(self, lengths: np.ndarray, counts: np.ndarray, far: np.ndarray):
        """`counts` of `lengths`, and `far`: more distances, none shorter than a counted one."""
        far.sort()  # in place, and runs by hand: a hopeless mask has millions, and no copy of them is needed
        first = np.flatnonzero(np.concatenate([[True], far[1:] != far[:-1]])) if far.size else np.empty(0, int)
        more = far[first]
        used = counts > 0
        self.lengths = np.concatenate([lengths[used], more])
        self.counts = np.concatenate([counts[used], np.diff(first, append=far.size)])
        self.n = int(self.counts.sum())
        self.total = float(self.counts @ self.lengths)
        self._upto = np.cumsum(self.counts)

    @property
    def largest(self) -> float:
        return float(self.lengths[-1])

    def percentile(self, share: float) -> float:
        """As numpy does it: linear between the two nearest order statistics."""
        place = (self.n - 1) * share
        low = int(place)
        first, second = self.lengths[np.searchsorted(self._upto, (low, min(low + 1, self.n - 1)), side="right")]
        return float(first + (place - low) * (second - first))

    def within(self, tolerance: float) -> int:
        """How many are at most `tolerance`."""
        shorter = np.searchsorted(self.lengths, tolerance * SLACK, side="right")
        return int(self._upto[shorter - 1]) if shorter else 0


class Boundaries:
    """Surfaces of all labels of a `Pair`; distances are found for all labels at once, when first asked for."""

    def __init__(self, pair: Pair, wanted: list[int], sizes: tuple[np.ndarray, np.ndarray]):
        """`wanted`: codes to be compared, each present in both maps; `sizes`: voxels by code of reference and prediction."""
        self.pair, self.wanted = pair, wanted
        if pair.reference.size >= 2**32:
            raise ValueError("a volume may have at most 2**32 voxels")
        self.between: dict[int, tuple[Directed, Directed]] = {}
        self.boxes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        shape = pair.reference.shape
        marks = [np.zeros(shape, np.uint8) for _ in range(2)]
        rows = np.zeros((2, *shape[:2]), np.bool_)
        for volume, mark, some in zip((pair.reference, pair.prediction), marks, rows, strict=True):
            _scan.surface(volume, pair.flat, mark, some)
        self._measure(marks, rows, sizes)

    def _measure(self, marks, rows, sizes) -> None:
        flat, both = [mark.reshape(-1) for mark in marks], sizes[0] + sizes[1]
        todo = list(self.wanted)
        while todo:
            group = [todo.pop(0)]
            held = int(both[group[0]])
            while todo and held + int(both[todo[0]]) <= MOST:
                held += int(both[todo[0]])
                group.append(todo.pop(0))
            places = [_gathered(*side, group) for side in zip(marks, rows, sizes, strict=True)]
            for code in group:
                self._compare(code, flat, places[0].pop(code), places[1].pop(code))

    def _compare(self, code, marks, reference, prediction) -> None:
        shape = self.pair.reference.shape
        low, high = np.array(shape, np.int64), np.full(3, -1, np.int64)
        for places in (reference, prediction):
            _scan.box(places, shape[1], shape[2], low, high)
        self.boxes[code] = low, high
        self.between[code] = (
            self._directed(code, reference, prediction, marks[1]),
            self._directed(code, prediction, reference, marks[0]),
        )

    def _directed(self, code, here, there, mark) -> Directed:
        """Distances from the places `here` to the places `there`, which are the `code`s of `mark`."""
        shape, (low, high) = self.pair.reference.shape, self.boxes[code]
        moves, lengths, _ = _distances.offsets(self.pair.spacing, self.pair.flat)
        ranks, far = np.zeros(len(lengths), np.int64), np.empty(here.size, np.uint32)
        sample = np.ascontiguousarray(here[:: max(1, here.size // SAMPLE)])
        hopeless = _distances.near(sample, mark, np.uint8(code), *shape, moves, ranks, far) > sample.size // 2
        ranks[:] = 0
        if hopeless and here.size * WORTH > np.prod(high - low + 1):
            far = _distances.transformed(here, mark.reshape(shape), np.uint8(code), low, high, self.pair.spacing)
        else:
            few = HOPELESS if hopeless else len(moves)
            missed = _distances.near(here, mark, np.uint8(code), *shape, moves[:few], ranks, far)
            far = _distances.far_distances(far[:missed], there, shape, low, high, self.pair.spacing)
        return Directed(lengths, ranks, far)

    def shares_within(self, code: int, tolerance: float) -> tuple[float, float]:
        """Boundary area of both masks (mm2; mm for images) within `tolerance` mm of the other's boundary, and in all."""
        pair, (low, high) = self.pair, self.boxes[code]
        grid = tuple(int(n) for n in high - low + (1 if pair.flat else 2, 2, 2))
        sides = [np.empty(grid, np.uint8) for _ in range(2)]
        for volume, out in zip((pair.reference, pair.prediction), sides, strict=True):
            _scan.corners(volume, np.uint8(code), pair.flat, low, high, out)
        moves, _, complete = _distances.offsets(pair.spacing, pair.flat, reach=float(tolerance))
        within, every = np.zeros((2, 256), np.int64)
        for here, there in (sides, sides[::-1]):
            self._near_by_code(here, there, moves, complete, tolerance, within, every)
        table = _areas.areas(pair.spacing, pair.flat)
        return float(within @ table), float(every @ table)

    def _near_by_code(self, here, there, moves, complete, tolerance, within, every) -> None:
        """Adds to `within` and `every` the neighbourhood codes of `here`; what the moves do not reach is searched for."""
        grid = here.shape
        here, there = here.reshape(-1), there.reshape(-1)
        far = np.empty(0 if complete else np.count_nonzero(here), np.uint32)
        missed = _distances.near_by_code(here, there, *grid, moves, within, every, far)
        if missed and not complete:
            targets, last = np.flatnonzero(there).astype(np.uint32), np.array(grid) - 1
            apart = _distances.far_distances(
                far[:missed], targets, grid, np.zeros(3, int), last, self.pair.spacing, limit=float(tolerance)
            )
            within += np.bincount(here[far[:missed][apart <= tolerance * SLACK]], minlength=256)


def _gathered(mark: np.ndarray, rows: np.ndarray, sizes: np.ndarray, group: list[int]) -> dict[int, np.ndarray]:
    """Flat indices of the surface voxels of each code of a group, in order; `rows`: where there are any.

    No label has more surface than voxels: room for so many is asked for, and as much as is written to is used.
    """
    ends = np.cumsum(sizes[group])
    starts, last = ends - sizes[group], int(ends[-1])
    step, cursor = np.zeros(256, np.int64), np.full(256, last)
    step[group], cursor[group] = 1, starts
    places = np.empty(last + 1, np.uint32)
    _scan.gather(mark, rows, step, cursor, places)
    return {code: places[start : cursor[code]] for code, start in zip(group, starts, strict=True)}
