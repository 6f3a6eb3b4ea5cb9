"""The multiplicities of a bootstrap: how often each patient is drawn, 32 resamples side by side.

Each resample has random streams of its own, begun from (seed, resample), so any block can be made at any time by any thread.
"""

import numba
import numpy as np

from evaluators.kernels.compiled import LANES, kernel

CHUNK, STREAMS = 4096, 32


@numba.njit
def _begin(key, state):
    """Streams of their own for a key: splitmix64 of the key and of each stream."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    key = key ^ (key >> np.uint64(31))
    for k in range(STREAMS):
        z = key + np.uint64(0xD1342543DE82EF95) * np.uint64(k + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        state[0, k], state[1, k], state[2, k] = np.uint32(z), np.uint32(z >> np.uint64(32)), np.uint32(key)


@numba.njit
def _next(state, step, many, chosen):
    """Fill chosen with whole numbers below `many`, from `step` on; the step after it."""
    for first in range(0, chosen.size, STREAMS):
        for k in range(STREAMS):
            a, b, c = state[0, k], state[1, k], state[2, k]
            w = np.uint32(np.uint32(a + b) + step)
            state[0, k] = np.uint32(b ^ (b >> np.uint32(9)))
            state[1, k] = np.uint32(c + np.uint32(c << np.uint32(3)))
            state[2, k] = np.uint32(np.uint32(np.uint32(c << np.uint32(21)) | (c >> np.uint32(11))) + w)
            chosen[first + k] = np.uint32((np.uint64(w) * many) >> np.uint64(32))
        step = np.uint32(step + np.uint32(1))
    return step


@kernel("u8", "i8", "u8[:,::1]!")
def multiplicities(seed, block, out):
    """Fill out (patients, 4), seen as bytes (patients, 32), with the multiplicities of resamples 32 * block and following.

    Draw i of a resample is word i // 32 of its stream i % 32: sfc32 (C. Doty-Humphrey, PractRand), begun from splitmix64
    of seed, resample and stream; a word w names the patient floor(w * patients / 2^32). Eight resamples are counted in the
    first-level cache, then packed.
    """
    patients = out.shape[0]
    count = np.empty((8, patients), np.uint8)
    chosen = np.empty(CHUNK, np.uint32)
    state = np.empty((3, STREAMS), np.uint32)
    for l in range(LANES):
        _begin(seed + np.uint64(0x9E3779B97F4A7C15) * np.uint64(block * LANES + l + 1), state)
        lane = count[l & 7]
        lane[:] = 0
        step = np.uint32(1)
        for start in range(0, patients, CHUNK):
            size = min(CHUNK, patients - start)
            whole = -(-size // STREAMS) * STREAMS
            step = _next(state, step, np.uint64(patients), chosen[:whole])
            for i in range(size):
                lane[np.uint64(chosen[i])] += np.uint8(1)
        if l & 7 == 7:
            for i in range(patients):
                word = np.uint64(count[0, i])
                for j in range(1, 8):
                    word |= np.uint64(count[j, i]) << np.uint64(8 * j)
                out[i, l >> 3] = word


@kernel("u8", "i8", "u8[:,::1]!")
def words(seed, start, out):
    """Fill out (many, words) with the random bits of rows start, start + 1, ...: splitmix64 of (seed, row, word)."""
    for r in range(out.shape[0]):
        key = seed + np.uint64(0xD1342543DE82EF95) * np.uint64(start + r + 1)
        for w in range(out.shape[1]):
            z = key + np.uint64(0x9E3779B97F4A7C15) * np.uint64(w + 1)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            out[r, w] = z ^ (z >> np.uint64(31))
