"""Distances from one set of voxels to the nearest of another, in mm, exact.

Near ones by offsets sorted by length over a map of marks, the few far ones by a search over cells of cells that starts from
the answer of a neighbour. Guarantees memory in proportion to the surfaces and no bad case: a hopeless mask costs little more.
"""

from functools import lru_cache

import numpy as np
from numba import njit

from evaluators.kernels import kernel

PIECE = 1 << 20  # places turned into coordinates at a time
OFFSETS = 320  # tried before the search over cells; about four voxels around


@lru_cache(maxsize=64)
def offsets(spacing: tuple[float, float, float], flat: bool, reach: float | None = None, most: int = OFFSETS):
    """Steps (k, 3) int64 and their lengths (k,) in mm, shortest first, complete up to the last length.

    All within `reach` mm, as far as that is not more than about `most` of them.
    """
    axes = (1, 2) if flat else (0, 1, 2)
    steps = np.array(spacing)[list(axes)]
    ball = np.pi if flat else 4 / 3 * np.pi
    radius = (most * float(np.prod(steps)) / ball) ** (1 / len(axes))
    if most > 1:
        radius = max(radius, float(steps.min()))
    if reach is not None:
        radius = min(radius, reach)
    radius *= 1 + 1e-9
    half = [int(min(radius / step, most)) for step in steps]
    grid = np.stack(np.meshgrid(*[np.arange(-h, h + 1) for h in half], indexing="ij"), -1).reshape(-1, len(axes))
    length = np.sqrt(((grid * steps) ** 2).sum(1))
    order = np.argsort(length, kind="stable")
    order = order[length[order] <= radius]
    moves = np.zeros((order.size, 3), np.int64)
    moves[:, axes] = grid[order]
    complete = reach is not None and radius >= reach
    return moves, length[order], complete


@njit(nogil=True)
def _jumps(moves, ny, nx):
    """The moves as steps of a flat index, and how far they reach along each axis."""
    jump, reach = np.empty(moves.shape[0], np.int64), np.zeros(3, np.int64)
    for i in range(moves.shape[0]):
        jump[i] = (moves[i, 0] * ny + moves[i, 1]) * nx + moves[i, 2]
        for a in range(3):
            reach[a] = max(reach[a], abs(moves[i, a]))
    return jump, reach


@kernel("u4[::1]", "u1[::1]", "u1", "i8", "i8", "i8", "i8[:,::1]", "i8[::1]!", "u4[::1]!")
def near(places, marks, code, nz, ny, nx, moves, ranks, far):
    """Counts in `ranks` the first move from each flat index that lands on `code` in `marks`; those without go into `far`.

    `marks` flat uint8 of (nz, ny, nx). Returns how many are far.
    """
    jump, reach = _jumps(moves, ny, nx)
    k = jump.size
    missed = 0
    for p in places:
        at = np.int64(p)
        if marks[at] == code:
            ranks[0] += 1
            continue
        row = np.uint32(p) // np.uint32(nx)
        x = at - np.int64(row) * nx
        z = np.int64(row // np.uint32(ny))
        y = np.int64(row) - z * ny
        found = 0
        if reach[0] <= z < nz - reach[0] and reach[1] <= y < ny - reach[1] and reach[2] <= x < nx - reach[2]:
            for i in range(1, k):
                if marks[at + jump[i]] == code:
                    found = i
                    break
        else:
            for i in range(1, k):
                dz, dy, dx = moves[i]
                if 0 <= z + dz < nz and 0 <= y + dy < ny and 0 <= x + dx < nx and marks[at + jump[i]] == code:
                    found = i
                    break
        if found > 0:
            ranks[found] += 1
        else:
            far[missed] = p
            missed += 1
    return missed


@kernel("u1[::1]", "u1[::1]", "i8", "i8", "i8", "i8[:,::1]", "i8[::1]!", "i8[::1]!", "u4[::1]!")
def near_by_code(here, there, nz, ny, nx, moves, within, every, far):
    """Counts the codes other than 0 of `here` in `every`, and in `within` those from which a move lands on one of `there`.

    Both are flat uint8 of (nz, ny, nx). The others go into `far` as long as it has room; returns how many there are.
    """
    jump, reach = _jumps(moves, ny, nx)
    k = jump.size
    missed = 0
    for z in range(nz):
        for y in range(ny):
            start = (z * ny + y) * nx
            inside = reach[0] <= z < nz - reach[0] and reach[1] <= y < ny - reach[1]
            for x in range(nx):
                at = start + x
                code = here[at]
                if code == 0:
                    continue
                every[code] += 1
                found = there[at] != 0
                if not found and inside and reach[2] <= x < nx - reach[2]:
                    for i in range(1, k):
                        if there[at + jump[i]] != 0:
                            found = True
                            break
                elif not found:
                    for i in range(1, k):
                        dz, dy, dx = moves[i]
                        if 0 <= z + dz < nz and 0 <= y + dy < ny and 0 <= x + dx < nx and there[at + jump[i]] != 0:
                            found = True
                            break
                if found:
                    within[code] += 1
                else:
                    if missed < far.size:
                        far[missed] = at
                    missed += 1
    return missed


@kernel("u4[::1]", "i8", "i8", "i4[:,::1]!")
def _split(places, ny, nx, out):
    """Flat indices as (z, y, x)."""
    for i in range(places.size):
        rest, x = divmod(np.int64(places[i]), nx)
        z, y = divmod(rest, ny)
        out[i, 0], out[i, 1], out[i, 2] = z, y, x


@njit(nogil=True)
def _key(z, y, x, low, shifts, dy, dx):
    """The cell of a point such that the 64 cells of a cell of cells follow one another, and their 64 groups too."""
    z, y, x = (z - low[0]) >> shifts[0], (y - low[1]) >> shifts[1], (x - low[2]) >> shifts[2]
    top = ((z >> 4) * dy + (y >> 4)) * dx + (x >> 4)
    middle = ((z >> 2) & 3) << 4 | ((y >> 2) & 3) << 2 | ((x >> 2) & 3)
    return top << 12 | middle << 6 | (z & 3) << 4 | (y & 3) << 2 | (x & 3)


@kernel("i4[:,::1]", "i8[::1]", "i8[::1]", "i8[::1]", "i4[:,::1]!")
def _build(points, low, shifts, dims, ordered):
    """Points ordered by nested cells, and for each of three levels the first member of a node and the box around it."""
    n = points.shape[0]
    cells = dims[0] * dims[1] * dims[2] * 4096
    count = np.zeros(cells + 1, np.int32)
    keys = np.empty(n, np.int32)
    for i in range(n):
        key = _key(points[i, 0], points[i, 1], points[i, 2], low, shifts, dims[1], dims[2])
        keys[i] = key
        count[key + 1] += 1
    filled = 0
    for cell in range(cells):
        filled += count[cell + 1] > 0
        count[cell + 1] += count[cell]
    for i in range(n):
        key = keys[i]
        at = count[key]
        ordered[at, 0], ordered[at, 1], ordered[at, 2] = points[i, 0], points[i, 1], points[i, 2]
        count[key] += 1
    # count[cell] is now the end of the cell
    spans = np.empty((3, filled + 1), np.int32)
    boxes = np.empty((3, filled, 6), np.int32)
    used = np.zeros(3, np.int64)
    owner = np.full(3, -1, np.int64)
    start = 0
    for cell in range(cells):
        end = count[cell]
        if end == start:
            continue
        for level in range(3):
            key = cell >> (6 * level)
            if owner[level] != key:
                owner[level] = key
                node = used[level]
                spans[level, node] = start if level == 0 else used[level - 1] - 1
                boxes[level, node, :3] = 2147483647
                boxes[level, node, 3:] = -1
                used[level] += 1
            node = used[level] - 1
            for i in range(start, end):
                for a in range(3):
                    boxes[level, node, a] = min(boxes[level, node, a], ordered[i, a])
                    boxes[level, node, 3 + a] = max(boxes[level, node, 3 + a], ordered[i, a])
        start = end
    spans[0, used[0]] = n
    spans[1, used[1]] = used[0]
    spans[2, used[2]] = used[1]
    return spans, boxes, used


@njit(nogil=True)
def _gap(box, z, y, x, sz, sy, sx):
    """Squared distance from a point to a box."""
    dz = max(box[0] - z, 0, z - box[3]) * sz
    dy = max(box[1] - y, 0, y - box[4]) * sy
    dx = max(box[2] - x, 0, x - box[5]) * sx
    return dz * dz + dy * dy + dx * dx


@kernel(
    "i4[:,::1]",
    "i4[:,::1]",
    "i4[:,::1]",
    "i4[:,:,::1]",
    "i8",
    "i8[::1]",
    "i8[::1]",
    "i8[::1]",
    "f8[::1]",
    "f8",
    "f8[::1]!",
)
def _search(queries, points, spans, boxes, tops, low, shifts, dims, spacing, limit, out):
    """Squared distance of each query to its nearest point, over three levels of boxes; beyond `limit` only that it is beyond."""
    sz, sy, sx = spacing
    last = np.full(dims[0] * dims[1] * dims[2] * 64, -1, np.int32)  # the answer to the last query of a group of cells
    guess = 0
    for q in range(queries.shape[0]):
        z, y, x = queries[q]
        group = _key(z, y, x, low, shifts, dims[1], dims[2]) >> 6
        if last[group] >= 0:
            guess = last[group]
        dz, dy, dx = (points[guess, 0] - z) * sz, (points[guess, 1] - y) * sy, (points[guess, 2] - x) * sx
        best = dz * dz + dy * dy + dx * dx
        bound = min(best, limit)
        for c in range(tops):
            if _gap(boxes[2, c], z, y, x, sz, sy, sx) >= bound:
                continue
            for b in range(spans[2, c], spans[2, c + 1]):
                if _gap(boxes[1, b], z, y, x, sz, sy, sx) >= bound:
                    continue
                for a in range(spans[1, b], spans[1, b + 1]):
                    if _gap(boxes[0, a], z, y, x, sz, sy, sx) >= bound:
                        continue
                    for i in range(spans[0, a], spans[0, a + 1]):
                        dz, dy, dx = (points[i, 0] - z) * sz, (points[i, 1] - y) * sy, (points[i, 2] - x) * sx
                        d = dz * dz + dy * dy + dx * dx
                        if d < bound:
                            bound = d
                            best = d
                            guess = i
        out[q] = best
        last[group] = guess


@kernel("i4[:,::1]", "i4[:,::1]", "f8[::1]", "f8[::1]!")
def _brute(queries, points, spacing, out):
    """The same by looking at every pair; quicker than building cells for a handful of queries."""
    sz, sy, sx = spacing
    for q in range(queries.shape[0]):
        z, y, x = queries[q]
        best = np.inf
        for i in range(points.shape[0]):
            dz, dy, dx = (points[i, 0] - z) * sz, (points[i, 1] - y) * sy, (points[i, 2] - x) * sx
            best = min(best, dz * dz + dy * dy + dx * dx)
        out[q] = best


@kernel("u1[:,:,::1]", "u1", "i8[::1]", "i8[::1]", "u2[:,:,::1]!")
def _steps_along_z(marks, code, low, high, steps):
    """For each voxel of the box `low`..`high`, the steps along z to the nearest mark in its column (65535: none there)."""
    nz, ny, nx = steps.shape
    for z in range(nz):
        for y in range(ny):
            row = marks[low[0] + z, low[1] + y, low[2] : high[2] + 1]
            for x in range(nx):
                steps[z, y, x] = 0 if row[x] == code else 65535
            if z > 0:
                for x in range(nx):
                    steps[z, y, x] = min(steps[z, y, x], max(steps[z - 1, y, x], steps[z - 1, y, x] + np.uint16(1)))
    for z in range(nz - 2, -1, -1):
        for y in range(ny):
            for x in range(nx):
                steps[z, y, x] = min(steps[z, y, x], max(steps[z + 1, y, x], steps[z + 1, y, x] + np.uint16(1)))


@njit(nogil=True)
def _envelope(heights, step, where, starts):
    """Parabolas of the lower envelope of height[i] + (step (x - i))**2: their places, and from where on each is lowest."""
    square = step * step
    last = -1
    for i in range(heights.size):
        if heights[i] == np.inf:
            continue
        begin = -np.inf
        while last >= 0:
            j = where[last]
            begin = ((heights[i] - heights[j]) / square + (i * i - j * j)) / (2.0 * (i - j))
            if begin > starts[last]:
                break
            last -= 1
            begin = -np.inf
        last += 1
        where[last] = i
        starts[last] = begin
    return last + 1


@kernel("i4[:,::1]", "u2[:,:,::1]", "f8[::1]", "f8[::1]!")
def _transform(queries, steps, spacing, out):
    """Squared distances at `queries` (z, y, x), sorted by z and y, from the steps along z: envelopes along y, then along x."""
    sz, sy, sx = spacing
    nz, ny, nx = steps.shape
    plane = np.empty((ny, nx))
    column, where, starts = np.empty(ny), np.empty(max(ny, nx), np.int64), np.empty(max(ny, nx))
    nearest = np.empty(nx)
    done_z, done_y, parabolas = -1, -1, 0
    for q in range(queries.shape[0]):
        z, y, x = queries[q]
        if z != done_z:
            for c in range(nx):
                for r in range(ny):
                    s = steps[z, r, c]
                    column[r] = np.inf if s == 65535 else (s * sz) ** 2
                count = _envelope(column, sy, where, starts)
                k = 0
                for r in range(ny):
                    if count == 0:
                        plane[r, c] = np.inf
                        continue
                    while k + 1 < count and starts[k + 1] <= r:
                        k += 1
                    plane[r, c] = column[where[k]] + ((r - where[k]) * sy) ** 2
            done_z, done_y = z, -1
        if y != done_y:
            parabolas = _envelope(plane[y], sx, where, starts)
            k = 0
            for c in range(nx):
                while k + 1 < parabolas and starts[k + 1] <= c:
                    k += 1
                nearest[c] = plane[y, where[k]] + ((c - where[k]) * sx) ** 2
            done_y = y
        out[q] = nearest[x]


def transformed(queries: np.ndarray, marks: np.ndarray, code: int, low, high, spacing) -> np.ndarray:
    """Distance in mm of each flat index to the nearest `code` in `marks` (z, y, x), by a distance transform of a box.

    `queries` ascending; they and the marks lie within the box `low`..`high` (inclusive). What it costs depends on the box and
    not on the masks; two bytes a voxel.
    """
    out = np.empty(queries.size)
    steps = np.empty(tuple(int(n) for n in high - low + 1), np.uint16)
    _steps_along_z(marks, code, low, high, steps)
    spacing = np.asarray(spacing, float)
    for start in range(0, queries.size, PIECE):
        part = slice(start, start + PIECE)
        asked = np.empty((queries[part].size, 3), np.int32)
        _split(queries[part], marks.shape[1], marks.shape[2], asked)
        asked -= low.astype(np.int32)
        _transform(asked, steps, spacing, out[part])
    return np.sqrt(out, out=out)


def far_distances(queries, targets, shape, low, high, spacing, limit: float = np.inf) -> np.ndarray:
    """Distance in mm of each query to the nearest target, both flat indices into a volume of `shape` (z, y, x).

    All lie within the box `low`..`high` (inclusive). What lies beyond `limit` mm need not be exact, only beyond it. `targets` must not be empty.
    """
    out = np.empty(queries.size)
    if not queries.size:
        return out
    spacing = np.asarray(spacing, float)
    asked, points = np.empty((queries.size, 3), np.int32), np.empty((targets.size, 3), np.int32)
    _split(queries, shape[1], shape[2], asked)
    _split(targets, shape[1], shape[2], points)
    if queries.size * targets.size < 20 * (queries.size + targets.size):
        _brute(asked, points, spacing, out)
    else:
        # about 8 voxels of the finest axis a side, so that cells are cubes in mm also where slices are thick
        shifts = np.clip(np.floor(np.log2(8 * spacing.min() / spacing + 1e-9)), 0, 3).astype(np.int64)
        dims = ((high - low) >> (shifts + 4)) + 1
        ordered = np.empty_like(points)
        spans, boxes, used = _build(points, low, shifts, dims, ordered)
        _search(asked, ordered, spans, boxes, used[2], low, shifts, dims, spacing, (limit * (1 + 1e-9)) ** 2, out)
    return np.sqrt(out, out=out)
