"""Passes over rows sorted by score: areas under curves and operating points of 32 resamples at once.

Rows come sorted and cut into segments (s, 3): start, end of its positives (= start of its negatives), end.
"""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import kernel


@kernel("i8[::1]", "f8[::1]", "u1[::1]", "i4[::1]", "b1", "i4[::1]!", "i4[:,::1]!", "b1[::1]!")
def cut(order, scores, truth, names, merge, rows, segments, tied):
    """Cut rows sorted by score (scores, truth (n,) in that order) into segments; returns how many.

    rows gets names[order], positives before negatives in each segment. With `merge`, neighbouring scores join as long as
    all positives stay before all negatives; without, a segment is one score.
    """
    n, many, start = order.size, 0, 0
    while start < n:
        end = start + 1
        while end < n and scores[end] == scores[start]:
            end += 1
        positives = 0
        for i in range(start, end):
            positives += truth[i]
        mixed = 0 < positives < end - start
        if merge and not mixed:
            if positives == end - start:
                while end < n and truth[end] == 1 and (end + 1 == n or scores[end + 1] != scores[end]):
                    end += 1
                positives = end - start
            while end < n and truth[end] == 0 and (end + 1 == n or scores[end + 1] != scores[end]):
                end += 1
        up, down = start, start + positives
        for i in range(start, end):
            if truth[i] == 1:
                rows[up] = names[order[i]]
                up += 1
            else:
                rows[down] = names[order[i]]
                down += 1
        segments[many, 0], segments[many, 1], segments[many, 2] = start, start + positives, end
        tied[many] = mixed
        many += 1
        start = end
    return many


@kernel("i4[::1]", "i4[:,::1]", "b1[::1]", "u1[:,::1]", "u8[:,::1]!")
def area(rows, segments, tied, weights, out):
    """Twice the number of (positive, negative) pairs in order, half for ties, and the two counts.

    rows (n,): row numbers by ascending score. A tied segment is one score, where pairs count half; in another all its
    positives lie below its negatives. out (3, 32): doubled area, positives, negatives.
    """
    below, count = lanes.zeros_u4(), lanes.zeros_u4()
    doubled = lanes.zeros_u8()
    for s in range(segments.shape[0]):
        start, middle, end = segments[s, 0], segments[s, 1], segments[s, 2]
        positives = lanes.zeros_u4()
        for i in range(start, middle):
            positives += lanes.load(weights, np.int64(rows[i]))
        before = below
        for i in range(middle, end):
            below += lanes.load(weights, np.int64(rows[i]))
        if middle > start:
            reach = before + below if tied[s] else before + before
            doubled += lanes.u8(positives) * lanes.u8(reach)
            count += positives
    lanes.store(out, 0, doubled)
    lanes.store(out, 1, lanes.u8(count))
    lanes.store(out, 2, lanes.u8(below))


@kernel("i4[::1]", "i4[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def precision(rows, segments, weights, out):
    """Step-wise area under the precision-recall curve, times the positives; rows by descending score, a segment a score.

    out (2, 32): that sum, positives.
    """
    tp, above = lanes.zeros_u4(), lanes.zeros_u4()
    total = lanes.zeros_f8()
    for s in range(segments.shape[0]):
        start, middle, end = segments[s, 0], segments[s, 1], segments[s, 2]
        new = lanes.zeros_u4()
        for i in range(start, middle):
            new += lanes.load(weights, np.int64(rows[i]))
        above += new
        for i in range(middle, end):
            above += lanes.load(weights, np.int64(rows[i]))
        if middle > start:
            tp += new
            said = lanes.f8(above)
            total += lanes.f8(new) * lanes.f8(tp) / lanes.pick(said, lanes.zeros_f8(), lanes.spread(1.0), said)
    lanes.store(out, 0, total)
    lanes.store(out, 1, lanes.f8(tp))


@kernel("i4[::1]", "i4[:,::1]", "u1[:,::1]", "f8", "f8[:,::1]!")
def operating_point(rows, segments, weights, at, out):
    """The most true positives of a threshold with at most (1 - at) of the negatives above it; rows as for `precision`.

    out (3, 32): true positives there, positives, negatives.
    """
    negatives = lanes.zeros_u4()
    for s in range(segments.shape[0]):
        for i in range(segments[s, 1], segments[s, 2]):
            negatives += lanes.load(weights, np.int64(rows[i]))
    allowed = lanes.f8(negatives) * (1.0 - at) + 1e-9
    tp, fp, best = lanes.zeros_u4(), lanes.zeros_u4(), lanes.zeros_u4()
    for s in range(segments.shape[0]):
        start, middle, end = segments[s, 0], segments[s, 1], segments[s, 2]
        for i in range(start, middle):
            tp += lanes.load(weights, np.int64(rows[i]))
        for i in range(middle, end):
            fp += lanes.load(weights, np.int64(rows[i]))
        best = lanes.pick(lanes.f8(fp), allowed, tp, best)
    lanes.store(out, 0, lanes.f8(best))
    lanes.store(out, 1, lanes.f8(tp))
    lanes.store(out, 2, lanes.f8(negatives))


@kernel("i4[::1]", "i4[:,::1]", "u1[:,::1]", "f8", "f8[:,::1]!")
def partial_area(rows, segments, weights, limit, out):
    """Area under the ROC curve up to the false positive rate `limit`, the curve straight within a score.

    out (3, 32): area in units of positives x negatives, positives, negatives; rows as for `precision`.
    """
    negatives = lanes.zeros_u4()
    for s in range(segments.shape[0]):
        for i in range(segments[s, 1], segments[s, 2]):
            negatives += lanes.load(weights, np.int64(rows[i]))
    room = lanes.f8(negatives) * limit
    none, one = lanes.zeros_f8(), lanes.spread(1.0)
    tp, total = lanes.zeros_f8(), lanes.zeros_f8()
    for s in range(segments.shape[0]):
        start, middle, end = segments[s, 0], segments[s, 1], segments[s, 2]
        more_tp, more_fp = lanes.zeros_u4(), lanes.zeros_u4()
        for i in range(start, middle):
            more_tp += lanes.load(weights, np.int64(rows[i]))
        for i in range(middle, end):
            more_fp += lanes.load(weights, np.int64(rows[i]))
        step, rise = lanes.f8(more_fp), lanes.f8(more_tp)
        share = lanes.pick(step, room, step, room)
        total += share * (tp + rise * share / lanes.pick(step, none, one, step) * 0.5)
        room -= share
        tp += rise
    lanes.store(out, 0, total)
    lanes.store(out, 1, tp)
    lanes.store(out, 2, lanes.f8(negatives))


@kernel("i8[::1]", "f8[::1]", "b1[::1]", "i4[::1]", "f8[::1]!", "f8[::1]!")
def placements(order, score, positive, place, of_positive, of_negative):
    """The share of the other class that each case is ranked right of, ties half; order: rows by ascending score.

    place (n,): where a row goes among those of its class in of_positive (m,) and of_negative (n - m,).
    """
    size, start = order.size, 0
    m, n = of_positive.size, of_negative.size
    positives, negatives = 0, 0
    while start < size:
        end, more = start, 0
        while end < size and score[order[end]] == score[order[start]]:
            more += positive[order[end]]
            end += 1
        fewer = end - start - more
        up, down = (negatives + 0.5 * fewer) / n, 1.0 - (positives + 0.5 * more) / m
        for i in range(start, end):
            r = order[i]
            if positive[r]:
                of_positive[place[r]] = up
            else:
                of_negative[place[r]] = down
        positives += more
        negatives += fewer
        start = end
