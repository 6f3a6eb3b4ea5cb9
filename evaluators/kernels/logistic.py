"""Logistic regression of an outcome on one covariate, for 32 resamples at once."""

import numpy as np

from evaluators.kernels.compiled import LANES, kernel

STEPS = 40


@kernel("f8[::1]", "f8[::1]", "b1", "u1[:,::1]", "f8[:,::1]!", fastmath={"contract", "reassoc"})
def recalibrate(x, y, slope, weights, out):
    """Newton's method for logit P(y) = a + b x, or with b = 1 held; out (3, 32): a, b, 1 where it converged.

    Lanes start flat (a = 0, b = 0 unless held), from where large logits do not throw the first steps far off; they stop
    each on its own, and do not converge where the classes are separated.
    """
    n = x.size
    a, b, done = np.zeros(LANES), np.full(LANES, 0.0 if slope else 1.0), np.zeros(LANES, np.uint8)
    positives, total = np.zeros(LANES), np.zeros(LANES)
    for i in range(n):
        for l in range(LANES):
            positives[l] += weights[i, l] * y[i]
            total[l] += weights[i, l]
    for l in range(LANES):
        if positives[l] == 0 or positives[l] == total[l]:
            done[l] = 2
    for _ in range(STEPS):
        ga, gb, haa, hab, hbb = np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES), np.zeros(LANES)
        for i in range(n):
            for l in range(LANES):
                p = 1.0 / (1.0 + np.exp(-(a[l] + b[l] * x[i])))
                w = weights[i, l]
                rest, curve = w * (y[i] - p), w * p * (1.0 - p)
                ga[l] += rest
                haa[l] += curve
                gb[l] += rest * x[i]
                hab[l] += curve * x[i]
                hbb[l] += curve * x[i] * x[i]
        left = 0
        for l in range(LANES):
            if done[l] != 0:
                continue
            if slope:
                determinant = haa[l] * hbb[l] - hab[l] * hab[l]
                if not determinant > 1e-12 * haa[l] * hbb[l]:
                    done[l] = 2
                    continue
                da = (hbb[l] * ga[l] - hab[l] * gb[l]) / determinant
                db = (haa[l] * gb[l] - hab[l] * ga[l]) / determinant
            else:
                if not haa[l] > 0.0:
                    done[l] = 2
                    continue
                da, db = ga[l] / haa[l], 0.0
            shrink = 1.0 / max(1.0, abs(da) / 4.0, abs(db) / 4.0)
            a[l] += shrink * da
            b[l] += shrink * db
            if abs(da) + abs(db) < 1e-10 * (1.0 + abs(a[l]) + abs(b[l])):
                done[l] = 1
            elif abs(b[l]) > 1e4 or abs(a[l]) > 1e4:
                done[l] = 2
            else:
                left += 1
        if left == 0:
            break
    for l in range(LANES):
        out[0, l], out[1, l], out[2, l] = a[l], b[l], 1.0 if done[l] == 1 else 0.0
