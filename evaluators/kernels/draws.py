"""The multiplicities of a bootstrap: how often each patient is drawn, 32 resamples side by side.

Drawn from a counter-based hash of (seed, resample, draw), so any block can be made at any time by any thread.
"""

import numpy as np

from evaluators.kernels.compiled import LANES, kernel

CHUNK = 4096


@kernel("u8", "i8", "u8[:,::1]!")
def multiplicities(seed, block, out):
    """Fill out (patients, 4), seen as bytes (patients, 32), with the multiplicities of resamples 32 * block and following.

    Two rounds of the 32-bit integer hash of C. Wellons (lowbias32), keyed by splitmix64 of seed and resample; a word w
    names the patient floor(w * patients / 2^32). Eight resamples are counted in the first-level cache, then packed.
    """
    patients = out.shape[0]
    count = np.empty((8, patients), np.uint8)
    chosen = np.empty(CHUNK, np.uint32)
    many = np.uint64(patients)
    for l in range(LANES):
        z = seed + np.uint64(0x9E3779B97F4A7C15) * np.uint64(block * LANES + l + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
        first, second = np.uint32(z & np.uint64(0xFFFFFFFF)), np.uint32(z >> np.uint64(32))
        lane = count[l & 7]
        lane[:] = 0
        for start in range(0, patients, CHUNK):
            size = min(CHUNK, patients - start)
            for i in range(size):
                w = np.uint32(np.uint32(start + i) ^ first)
                w = np.uint32((w ^ (w >> np.uint32(16))) * np.uint32(0x7FEB352D))
                w = np.uint32((w ^ (w >> np.uint32(15))) * np.uint32(0x846CA68B))
                w = np.uint32((w ^ (w >> np.uint32(16))) + second)
                w = np.uint32((w ^ (w >> np.uint32(16))) * np.uint32(0x7FEB352D))
                w = np.uint32((w ^ (w >> np.uint32(15))) * np.uint32(0x846CA68B))
                w = np.uint32(w ^ (w >> np.uint32(16)))
                chosen[i] = np.uint32((np.uint64(w) * many) >> np.uint64(32))
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
