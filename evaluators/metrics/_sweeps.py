"""Walks down the scores of all detections once, for many resamples of the images side by side.

Weights are multiplicities of images; a value with weights equals the value on the repeated images.
"""

import numpy as np

from evaluators.kernels import kernel

BLOCK = 64


@kernel("i1[::1]", "b1[::1]", "i8[::1]", "f8[::1]", "f8[::1]", "u1[:,::1]", "f8[:,::1]!")
def free_response(outcome, ends, image, lesions, rates, weights, out):
    """Sensitivity at false positives per image, (rates, B) into `out`, from outcomes (d,) by falling score.

    `ends[d]`: whether the next score is lower, so that a threshold lies between; `lesions` (n,) per image; `weights` (n, B)
    uint8; `rates` ascending. Between thresholds linear; beyond the last one its value; NaN without lesions.
    """
    resamples = weights.shape[1]
    for start in range(0, resamples, BLOCK):
        width = min(BLOCK, resamples - start)
        images, total = np.zeros(width), np.zeros(width)
        for i in range(lesions.size):
            for b in range(width):
                images[b] += weights[i, start + b]
                total[b] += weights[i, start + b] * lesions[i]
        found, false = np.zeros(width), np.zeros(width)
        last_found, last_false = np.zeros(width), np.zeros(width)
        passed = np.zeros(width, np.int64)
        limit = rates[0] * images
        for d in range(outcome.size):
            if outcome[d] == 1:
                for b in range(width):
                    found[b] += weights[image[d], start + b]
            elif outcome[d] == -1:
                for b in range(width):
                    false[b] += weights[image[d], start + b]
            if not ends[d]:
                continue
            for b in range(width):
                while false[b] > limit[b]:
                    share = (limit[b] - last_false[b]) / (false[b] - last_false[b])
                    out[passed[b], start + b] = last_found[b] + share * (found[b] - last_found[b])
                    passed[b] += 1
                    limit[b] = rates[passed[b]] * images[b] if passed[b] < rates.size else np.inf
                last_found[b], last_false[b] = found[b], false[b]
        for b in range(width):
            for k in range(passed[b], rates.size):
                out[k, start + b] = found[b]
            for k in range(rates.size):
                out[k, start + b] = out[k, start + b] / total[b] if total[b] > 0 else np.nan


@kernel("i1[::1]", "i8[::1]", "f8[::1]", "f8[::1]", "u1[:,::1]", "f8[::1]!", "f8[::1]!")
def precision_recall(outcome, image, lesions, recalls, weights, area, reached):
    """COCO's average precision into `area` (B,) and the recall reached into `reached` (B,); outcomes (d,) by falling score.

    Walks upward from the lowest score: precision is made monotone on the way and read at each of `recalls` (ascending).
    """
    resamples = weights.shape[1]
    for start in range(0, resamples, BLOCK):
        width = min(BLOCK, resamples - start)
        total = np.zeros(width)
        for i in range(lesions.size):
            for b in range(width):
                total[b] += weights[i, start + b] * lesions[i]
        found, false = np.zeros(width), np.zeros(width)
        for d in range(outcome.size):
            if outcome[d] == 1:
                for b in range(width):
                    found[b] += weights[image[d], start + b]
            elif outcome[d] == -1:
                for b in range(width):
                    false[b] += weights[image[d], start + b]
        best, gathered = np.zeros(width), np.zeros(width)
        pending = np.empty(width, np.int64)  # the highest of `recalls` that is not read yet
        for b in range(width):
            reached[start + b] = found[b] / total[b] if total[b] > 0 else np.nan
            pending[b] = np.searchsorted(recalls, reached[start + b], side="right") - 1 if total[b] > 0 else -1
        for d in range(outcome.size - 1, -1, -1):
            if outcome[d] == -1:
                for b in range(width):
                    false[b] -= weights[image[d], start + b]
            elif outcome[d] == 1:
                for b in range(width):
                    w = weights[image[d], start + b]
                    if w == 0:
                        continue
                    best[b] = max(best[b], found[b] / (found[b] + false[b] + np.finfo(np.float64).eps))
                    found[b] -= w
                    below = found[b] / total[b]
                    while pending[b] >= 0 and (recalls[pending[b]] > below or found[b] == 0):
                        gathered[b] += best[b]
                        pending[b] -= 1
        for b in range(width):
            area[start + b] = gathered[b] / recalls.size if total[b] > 0 else np.nan
