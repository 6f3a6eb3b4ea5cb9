"""The shared bootstrap: which patients each resample draws, the same for every entry of a held-out set.

Guarantees the same multiplicities for a (seed, patients) whatever the number of threads, and memory of a few blocks of
32 resamples only once a set is too large to keep.
"""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from evaluators.kernels import LANES
from evaluators.kernels.draws import multiplicities

KEEP = 128 * 2**20  # bytes of multiplicities kept for one held-out set; beyond it blocks are drawn again when needed


def seed_of(slug: str, version: int, subset: str = "all") -> int:
    """The seed of a held-out set, from slug, version and subset alone (never from the submission or the labels); 63 bits.

    >>> seed_of("retina", 1) == seed_of("retina", 1, "all") != seed_of("retina", 2)
    True
    """
    digest = hashlib.sha256(f"{slug}\n{int(version)}\n{subset}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


class Draws:
    """Multiplicities of `resamples` bootstrap resamples of `patients`, in blocks (patients, 32) of uint8."""

    def __init__(self, patients: int, resamples: int, seed: int):
        if patients < 1 or resamples < 1:
            raise ValueError(f"{patients} patients, {resamples} resamples: at least one of each")
        self.patients, self.resamples = int(patients), int(resamples)
        self.seed = np.uint64(int(seed) & (2**64 - 1))
        self.blocks = -(-self.resamples // LANES)
        whole = self.blocks, self.patients, LANES
        # In one piece, which the system backs by large pages: touching them first costs less than drawing.
        self._kept, self._drawn = np.empty(whole, np.uint8) if np.prod(whole) <= KEEP else None, set()

    @classmethod
    def of(cls, counts) -> "Draws":
        """Draws that were made elsewhere: counts (resamples, patients), whole numbers up to 255."""
        counts = np.asarray(counts)
        self = cls(counts.shape[1], counts.shape[0], 0)
        padded = np.zeros((self.blocks * LANES, self.patients), np.uint8)
        padded[: self.resamples] = counts
        self._kept = np.ascontiguousarray(padded.reshape(self.blocks, LANES, self.patients).swapaxes(1, 2))
        self._drawn = set(range(self.blocks))
        return self

    def block(self, index: int) -> np.ndarray:
        """Multiplicities (patients, 32) of resamples 32 * index and following; read only."""
        block = np.empty((self.patients, LANES), np.uint8) if self._kept is None else self._kept[index]
        if index not in self._drawn:
            multiplicities(self.seed, np.int64(index), block.view(np.uint64))
            if self._kept is not None:
                self._drawn.add(index)
        block.flags.writeable = False
        return block

    def counts(self) -> np.ndarray:
        """All multiplicities, (resamples, patients) uint8."""
        return np.concatenate([self.block(b).T for b in range(self.blocks)])[: self.resamples]

    def apply(self, plan, codes=None, threads: int | None = None) -> np.ndarray:
        """`plan(weights (n, 32)) -> (32,) or (m, 32)` on every block -> (B,) or (m, B).

        codes (n,): the patient of each row, whose weight it inherits; None when row i is patient i.
        """

        def one(index: int) -> np.ndarray:
            weights = self.block(index)
            return plan(weights if codes is None else weights[codes])

        threads = min(threads or default_threads(), self.blocks)
        if threads == 1:
            parts = [one(i) for i in range(self.blocks)]
        else:
            with ThreadPoolExecutor(threads) as pool:
                parts = list(pool.map(one, range(self.blocks)))
        return np.concatenate(parts, axis=-1)[..., : self.resamples]


def default_threads() -> int:
    """KENSA_THREADS, else the processors this process may use."""
    return int(os.environ.get("KENSA_THREADS") or len(os.sched_getaffinity(0)))


@lru_cache(maxsize=8)
def draw(patients: int, resamples: int, seed: int) -> Draws:
    """The draws of a held-out set, shared by all that ask with the same numbers."""
    return Draws(patients, resamples, seed)


def patients_of(groups, n: int) -> tuple[np.ndarray | None, int]:
    """The patient of each row as codes (n,) and how many there are; codes are None when every row is its own patient."""
    if groups is None:
        return None, n
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups: shape {groups.shape}, expected ({n},)")
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) == n and (codes == np.arange(n)).all():
        return None, n
    return codes.astype(np.int32), len(names)
