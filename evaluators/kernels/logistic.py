"""Logistic regression of an outcome on one covariate, for 32 resamples at once."""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import LANES, kernel

STEPS = 40


@kernel("f8[::1]", "f8[::1]", "f8[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def slopes(x, y, line, weights, out):
    """The gradient and curvature of the log likelihood of logit P(y) = a + b x at `line` (2, 32): a, b.

    out (5, 32): gradient by a, by b; curvature aa, ab, bb.
    """
    one, a, b = lanes.spread(1.0), lanes.load(line, 0), lanes.load(line, 1)
    low, high = lanes.spread(-700.0), lanes.spread(700.0)
    ga, gb, aa, ab, bb = lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8()
    for i in range(x.size):
        w = lanes.f8(lanes.load(weights, i))
        t = lanes.zeros_f8() - (a + b * x[i])
        t = lanes.pick(t, low, low, lanes.pick(high, t, high, t))
        p = one / (one + lanes.exp(t))
        rest, curve = w * (lanes.spread(y[i]) - p), w * p * (one - p)
        ga += rest
        gb += rest * x[i]
        aa += curve
        ab += curve * x[i]
        bb += curve * (x[i] * x[i])
    lanes.store(out, 0, ga)
    lanes.store(out, 1, gb)
    lanes.store(out, 2, aa)
    lanes.store(out, 3, ab)
    lanes.store(out, 4, bb)


def recalibrate(x, y, slope: bool, weights, start=(0.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """a and b (32,) of logit P(y) = a + b x by Newton's method; b stays 1 without `slope`. NaN where it does not converge.

    x, y (n,) float64, weights (n, 32). Each resample stops on its own; one class alone or separated classes never do.
    """
    line, out = np.empty((2, LANES)), np.empty((5, LANES))
    line[0], line[1] = start
    going, good = np.ones(LANES, bool), np.zeros(LANES, bool)
    for _ in range(STEPS):
        slopes(x, y, line, weights, out)
        ga, gb, aa, ab, bb = out
        with np.errstate(invalid="ignore", divide="ignore"):
            if slope:
                determinant = aa * bb - ab * ab
                fine = determinant > 1e-12 * aa * bb
                da, db = (bb * ga - ab * gb) / determinant, (aa * gb - ab * ga) / determinant
            else:
                fine, da, db = aa > 1e-12, ga / aa, np.zeros(LANES)
            going &= fine
            da, db = np.where(going, da, 0.0), np.where(going, db, 0.0)
            shrink = 1 / np.maximum(1.0, np.maximum(np.abs(da), np.abs(db)) / 4)
        line[0] += shrink * da
        line[1] += shrink * db
        size = np.abs(line).sum(axis=0)
        arrived = going & (np.abs(da) + np.abs(db) < 1e-10 * (1 + size))
        good |= arrived
        going &= ~arrived & (size < 1e4)
        if not going.any():
            break
    return np.where(good, line[0], np.nan), np.where(good, line[1], np.nan)
