"""Kaplan-Meier curves of 32 resamples at once, and what is weighted by them. Rows sorted by ascending time.

groups (m + 1,): where each distinct time starts among the rows; within a time the order does not matter.
"""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import kernel


@kernel("i4[::1]", "i4[::1]", "b1[::1]", "b1", "u1[:,::1]", "f8[:,::1]!")
def product_limit(rows, groups, event, censoring, weights, out):
    """The Kaplan-Meier curve after each distinct time, out (m, 32): of the events, or (`censoring`) of being censored.

    Events come before censoring at the same time, so those with an event leave first for the censoring curve.
    """
    none, one = lanes.zeros_f8(), lanes.spread(1.0)
    at_risk = lanes.zeros_f8()
    for i in range(rows.size):
        at_risk += lanes.f8(lanes.load(weights, np.int64(rows[i])))
    curve = lanes.spread(1.0)
    for g in range(groups.size - 1):
        events, censored = lanes.zeros_u4(), lanes.zeros_u4()
        happens, leaves = False, False
        for i in range(groups[g], groups[g + 1]):
            if event[rows[i]]:
                happens = True
                events += lanes.load(weights, np.int64(rows[i]))
            else:
                leaves = True
                censored += lanes.load(weights, np.int64(rows[i]))
        left, gone = lanes.f8(events), lanes.f8(censored)
        if censoring and leaves:
            exposed = at_risk - left
            curve = curve * (one - gone / lanes.pick(exposed, none, one, exposed))
        elif happens and not censoring:
            curve = curve * (one - left / lanes.pick(at_risk, none, one, at_risk))
        lanes.store(out, g, curve)
        at_risk = at_risk - left - gone


@kernel("i4[::1]", "i4[::1]", "b1[::1]", "f8[:,::1]", "f8[:,::1]!")
def inverse(rows, groups, event, curve, out):
    """1 / curve (m, 32) of being censored, infinite where it is 0; divided where somebody left only, as it is the same between."""
    worth = lanes.spread(1.0)
    for g in range(groups.size - 1):
        leaves = False
        for i in range(groups[g], groups[g + 1]):
            leaves |= not event[rows[i]]
        if leaves:
            worth = lanes.spread(1.0) / lanes.load(curve, g)
        lanes.store(out, g, worth)


@kernel("i4[::1]", "i4[:,::1]", "b1[::1]", "b1[::1]", "f8[:,::1]", "i4[::1]", "u1[:,::1]", "f8[:,::1]!")
def dynamic_area(rows, ties, case, control, worth, line, weights, out):
    """Pairs of a case below and above controls by risk, cases worth `worth[line[row]]` (lines, 32); rows by ascending risk.

    ties (s, 2): start and end of each risk. out (4, 32): area, worth of cases, controls, cases of infinite worth.
    """
    none, one, huge = lanes.zeros_f8(), lanes.spread(1.0), lanes.spread(1e300)
    area, total, endless = lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8()
    below = lanes.zeros_u4()
    for s in range(ties.shape[0]):
        before = below
        cases = lanes.zeros_f8()
        for i in range(ties[s, 0], ties[s, 1]):
            r = np.int64(rows[i])
            if control[r]:
                below += lanes.load(weights, r)
            elif case[r]:
                w, v = lanes.f8(lanes.load(weights, r)), lanes.load(worth, np.int64(line[r]))
                endless += lanes.pick(v, huge, none, lanes.pick(w, none, none, one))
                cases += w * lanes.pick(v, huge, v, none)
        area += cases * lanes.f8(before + below) * 0.5
        total += cases
    lanes.store(out, 0, area)
    lanes.store(out, 1, total)
    lanes.store(out, 2, lanes.f8(below))
    lanes.store(out, 3, endless)


@kernel("i4[::1]", "i4[::1]", "f8[:,::1]", "i8[::1]", "f8[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def squared_errors(rows, line, loss, upto, worth, weights, out):
    """Brier numerators at k times: losses of the cases (rows[:upto]; 0 where censored), each worth its line; the others.

    loss (k, n) and upto (k,) per time. out (2 k + 1, 32): sums over cases of loss x worth (0 where infinite), sums over the
    others of loss, and the number of rows.
    """
    none, huge, count = lanes.zeros_f8(), lanes.spread(1e300), lanes.zeros_u4()
    for i in range(rows.size):
        count += lanes.load(weights, i)
    for t in range(upto.size):
        cases, others = lanes.zeros_f8(), lanes.zeros_f8()
        for i in range(upto[t]):
            r = np.int64(rows[i])
            if loss[t, r] != 0.0:
                v = lanes.load(worth, np.int64(line[r]))
                cases += lanes.f8(lanes.load(weights, r)) * lanes.pick(v, huge, v, none) * loss[t, r]
        for i in range(upto[t], rows.size):
            r = np.int64(rows[i])
            others += lanes.f8(lanes.load(weights, r)) * loss[t, r]
        lanes.store(out, t, cases)
        lanes.store(out, upto.size + t, others)
    lanes.store(out, 2 * upto.size, lanes.f8(count))


@kernel("i4[::1]", "f8[::1]", "u1[:,::1]", "f8[:,::1]!")
def median_rank(order, rank, weights, out):
    """The lower median of rank (n,) on 32 resamples, out (1, 32); order: rows by ascending rank."""
    total, passed = lanes.zeros_f8(), lanes.zeros_f8()
    for i in range(order.size):
        total += lanes.f8(lanes.load(weights, np.int64(order[i])))
    half, cut = total * 0.5, lanes.zeros_f8()
    for i in range(order.size):
        r = np.int64(order[i])
        w = lanes.f8(lanes.load(weights, r))
        reached = lanes.pick(half, passed, cut, lanes.spread(rank[r]))
        cut = lanes.pick(w, lanes.zeros_f8(), cut, reached)
        passed += w
    lanes.store(out, 0, cut)


@kernel("i4[::1]", "b1[::1]", "f8[::1]", "f8[:,::1]", "u1[:,::1]", "f8[:,::1]!")
def two_groups(line, event, rank, cut, weights, out):
    """Per distinct time (rows 4 * line ...): events above the cut, all events, leaving above the cut, all leaving."""
    none, limit = lanes.zeros_f8(), lanes.load(cut, 0)
    for r in range(line.size):
        w = lanes.f8(lanes.load(weights, r))
        high = lanes.pick(lanes.spread(rank[r]), limit, none, w)
        at = 4 * np.int64(line[r])
        if event[r]:
            lanes.store(out, at, lanes.load(out, at) + high)
            lanes.store(out, at + 1, lanes.load(out, at + 1) + w)
        lanes.store(out, at + 2, lanes.load(out, at + 2) + high)
        lanes.store(out, at + 3, lanes.load(out, at + 3) + w)
