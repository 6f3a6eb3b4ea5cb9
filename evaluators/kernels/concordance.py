"""Concordance of risks with right-censored times: one walk from the latest time down, counting risks already passed.

Guarantees well below n squared for the value, O(n log n) for 32 resamples at once; risks within a tolerance are tied.
"""

import numpy as np

from evaluators.kernels import lanes
from evaluators.kernels.compiled import kernel


@kernel("i8[::1]", "f8[::1]", "f8", "i4[::1]!", "i4[::1]!")
def reach(order, risk, tolerance, low, high):
    """Per row the range low..high of positions in the risk order whose risk lies within the tolerance of its own."""
    n, a, b = order.size, 0, 0
    for i in range(n):
        own = risk[order[i]]
        while own - risk[order[a]] > tolerance:
            a += 1
        while b < n and risk[order[b]] - own <= tolerance:
            b += 1
        low[order[i]] = a
        high[order[i]] = b


@kernel("i8[::1]", "f8[::1]", "b1[::1]", "i4[::1]!", "i4[::1]!")
def walk(order, time, event, rows, groups):
    """Rows from the latest time down, within a time the censored first; groups (3 each): start, end of censored, end."""
    n, many, stop = order.size, 0, order.size
    while stop > 0:
        start = stop - 1
        while start > 0 and time[order[start - 1]] == time[order[stop - 1]]:
            start -= 1
        first = n - stop
        up, down = first, first + stop - start
        for i in range(start, stop):
            if event[order[i]]:
                down -= 1
                rows[down] = order[i]
            else:
                rows[up] = order[i]
                up += 1
        groups[3 * many], groups[3 * many + 1], groups[3 * many + 2] = first, up, n - start
        many += 1
        stop = start
    return many


@kernel("i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "f8[::1]", "f8[::1]!")
def pairs(rows, groups, position, low, high, worth, out):
    """Worth-weighted concordant pairs, ties half, and comparable pairs; out (2,). Rows, groups as from `walk`.

    position (n,): place of each row in the risk order. Taken places are bits, counted by word; the latest few hundred wait
    in a list that is searched whole, and go into the bits together: every loop has a foreseeable length.
    """
    n = rows.size
    words, hold = n // 64 + 1, 64
    while hold * hold < 16 * words:
        hold *= 2
    bits, before = np.zeros(words, np.uint64), np.zeros(words, np.int32)
    waiting = np.empty(hold, np.int32)
    one, held = np.uint64(1), 0
    pairs_1, pairs_2 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
    bytes_1, bytes_2 = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
    concordant, comparable = 0.0, 0.0
    for g in range(groups.size // 3):
        start, middle, end = groups[3 * g], groups[3 * g + 1], groups[3 * g + 2]
        for step in range(2):
            a, b = (start, middle) if step == 0 else (middle, end)
            for i in range(a, b if step == 1 else a):
                r = rows[i]
                if worth[r] == 0.0:
                    continue
                lower, upper = low[r], high[r]
                below = np.int64(0)
                for side in range(2):
                    place = lower if side == 0 else upper
                    v = bits[place >> 6] & ((one << np.uint64(place & 63)) - one)
                    v = v - ((v >> one) & pairs_1)
                    v = (v & pairs_2) + ((v >> np.uint64(2)) & pairs_2)
                    v = (v + (v >> np.uint64(4))) & bytes_1
                    count = np.int64((v * bytes_2) >> np.uint64(56)) + before[place >> 6]
                    below += count
                    if side == 0 and upper - lower == 1:
                        below += count
                        break
                near = np.int32(0)
                for j in range(held):
                    near += np.int32(waiting[j] < lower)
                    near += np.int32(waiting[j] < upper)
                concordant += worth[r] * 0.5 * (below + near)
                comparable += worth[r] * middle
            for i in range(a, b):
                waiting[held] = position[rows[i]]
                held += 1
                if held < hold:
                    continue
                for j in range(held):
                    bits[waiting[j] >> 6] |= one << np.uint64(waiting[j] & 63)
                held, total = 0, np.int32(0)
                for j in range(words):
                    before[j] = total
                    v = bits[j] - ((bits[j] >> one) & pairs_1)
                    v = (v & pairs_2) + ((v >> np.uint64(2)) & pairs_2)
                    v = (v + (v >> np.uint64(4))) & bytes_1
                    total += np.int32((v * bytes_2) >> np.uint64(56))
    out[0], out[1] = concordant, comparable


@kernel("i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "u1[:,::1]", "u8[:,::1]!")
def weighted_pairs(rows, groups, position, low, high, weights, out):
    """Twice the concordant pairs (ties half) and the comparable pairs on 32 resamples; out (2, 32)."""
    n = rows.size
    tree = np.zeros((n + 1, 32), np.uint32)
    concordant, comparable, inserted = lanes.zeros_u8(), lanes.zeros_u8(), lanes.zeros_u4()
    for g in range(groups.size // 3):
        start, middle, end = groups[3 * g], groups[3 * g + 1], groups[3 * g + 2]
        for i in range(start, middle):
            w = lanes.load(weights, np.int64(rows[i]))
            inserted += w
            place = np.int64(position[rows[i]]) + 1
            while place <= n:
                lanes.store(tree, place, lanes.load(tree, place) + w)
                place += place & -place
        for i in range(middle, end):
            r = rows[i]
            below = lanes.zeros_u4()
            place = np.int64(low[r])
            while place > 0:
                below += lanes.load(tree, place)
                place &= place - 1
            if high[r] - low[r] == 1:
                below += below
            else:
                place = np.int64(high[r])
                while place > 0:
                    below += lanes.load(tree, place)
                    place &= place - 1
            w = lanes.u8(lanes.load(weights, np.int64(r)))
            concordant += w * lanes.u8(below)
            comparable += w * lanes.u8(inserted)
        for i in range(middle, end):
            w = lanes.load(weights, np.int64(rows[i]))
            inserted += w
            place = np.int64(position[rows[i]]) + 1
            while place <= n:
                lanes.store(tree, place, lanes.load(tree, place) + w)
                place += place & -place
    lanes.store(out, 0, concordant)
    lanes.store(out, 1, comparable)


@kernel(
    "i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "i4[::1]", "b1[::1]", "f8[:,::1]", "i4[::1]", "u1[:,::1]", "f8[:,::1]!"
)
def worth_pairs(rows, groups, position, low, high, counted, worth, line, weights, out):
    """As `weighted_pairs`, each event of `counted` rows worth `worth[line[row]]` (lines, 32); out (3, 32).

    out: twice the concordant worth, the comparable worth, and how many counted events had an infinite worth.
    """
    n = rows.size
    tree = np.zeros((n + 1, 32), np.uint32)
    none, one, huge = lanes.zeros_f8(), lanes.spread(1.0), lanes.spread(1e300)
    concordant, comparable, endless = lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8()
    inserted = lanes.zeros_u4()
    for g in range(groups.size // 3):
        start, middle, end = groups[3 * g], groups[3 * g + 1], groups[3 * g + 2]
        for step in range(2):
            a, b = (start, middle) if step == 0 else (middle, end)
            if step == 1:
                for i in range(a, b):
                    r = rows[i]
                    if not counted[r]:
                        continue
                    below = lanes.zeros_u4()
                    place = np.int64(low[r])
                    while place > 0:
                        below += lanes.load(tree, place)
                        place &= place - 1
                    if high[r] - low[r] == 1:
                        below += below
                    else:
                        place = np.int64(high[r])
                        while place > 0:
                            below += lanes.load(tree, place)
                            place &= place - 1
                    w = lanes.f8(lanes.load(weights, np.int64(r)))
                    v = lanes.load(worth, np.int64(line[r]))
                    endless += lanes.pick(v, huge, none, lanes.pick(w, none, none, one))
                    share = w * lanes.pick(v, huge, v, none)
                    concordant += share * lanes.f8(below)
                    comparable += share * lanes.f8(inserted)
            for i in range(a, b):
                w = lanes.load(weights, np.int64(rows[i]))
                inserted += w
                place = np.int64(position[rows[i]]) + 1
                while place <= n:
                    lanes.store(tree, place, lanes.load(tree, place) + w)
                    place += place & -place
    lanes.store(out, 0, concordant)
    lanes.store(out, 1, comparable)
    lanes.store(out, 2, endless)


@kernel("f8[::1]", "u1[:,::1]", "f8[:,::1]!")
def probability_pairs(strength, weights, out):
    """Sum over pairs of max(s_i, s_j) / (s_i + s_j), and the number of pairs, on 32 resamples; strength (n,) ascending, > 0."""
    total, before, count = lanes.zeros_f8(), lanes.zeros_f8(), lanes.zeros_f8()
    for i in range(strength.size):
        w = lanes.f8(lanes.load(weights, i))
        below = lanes.zeros_f8()
        for j in range(i):
            below += lanes.f8(lanes.load(weights, j)) * (strength[i] / (strength[i] + strength[j]))
        own = w * (w - 1.0) * 0.5
        total += w * below + own * 0.5
        count += w * before + own
        before += w
    lanes.store(out, 0, total)
    lanes.store(out, 1, count)
