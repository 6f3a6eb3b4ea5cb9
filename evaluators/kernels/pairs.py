"""All pairs of entries on 32 resamples at once: the largest studentised difference, and the rank of each."""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import kernel


@kernel("f8[:,::1]", "f8[:,::1]", "f8[:,::1]!")
def largest(centred, inverse, out):
    """Largest |difference| / error over pairs; centred (K, 32), inverse (K, K) of the errors (0: left out), out (1, 32)."""
    top, none = lanes.zeros_f8(), lanes.zeros_f8()
    for i in range(centred.shape[0]):
        own = lanes.load(centred, i)
        for j in range(i):
            d = own - lanes.load(centred, j)
            d = lanes.pick(none, d, d, none - d) * inverse[i, j]
            top = lanes.pick(top, d, d, top)
    lanes.store(out, 0, top)


@kernel("f8[:,::1]", "f8[:,::1]!")
def ranks(values, out):
    """1 + how many are better (higher) on each resample; values, out (K, 32)."""
    one, none = lanes.spread(1.0), lanes.zeros_f8()
    for i in range(values.shape[0]):
        own, better = lanes.load(values, i), lanes.spread(1.0)
        for j in range(values.shape[0]):
            better += lanes.pick(lanes.load(values, j), own, none, one)
        lanes.store(out, i, better)


@kernel("f8[:,::1]", "i8", "i8[:,::1]!")
def histogram(found, many, out):
    """Count the first `many` lanes of ranks found (K, 32) into out (K, K): row the entry, column the rank."""
    for i in range(found.shape[0]):
        for l in range(many):
            out[i, np.int64(found[i, l]) - 1] += 1
