"""Large cases through a network that sees a part at a time, and mirrored views of a case: `inference` of config.json.

`{"patch": [96, 96, 96], "overlap": 0.5, "blend": "gaussian", "flips": [0, 1]}`. Windows overlap by that share and count
towards the answer by a Gaussian around their middle (deviation an eighth of the window; Isensee et al., nnU-Net, Nature
Methods 18:203-211, 2021), or evenly. Of `flips`, axes in space, every combination is answered and taken back; the mean counts.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluators.faults import Fault, Faults

KEYS = ("patch", "overlap", "blend", "flips")
DEVIATION = 0.125  # of the window's side
LEAST = 1e-3  # weight of a window's corner, so that no voxel is divided by nothing
MOST_WINDOWS = 100_000


@dataclass(frozen=True)
class Plan:
    """How a case is shown to a network: `patch` () for the whole case at once."""

    patch: tuple[int, ...] = ()
    overlap: float = 0.5
    blend: str = "gaussian"
    flips: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patch or self.flips)


def plan(config: dict) -> Plan:
    """The checked declaration. Raises Faults."""
    given = config.get("inference", {})
    if not isinstance(given, dict) or set(given) - set(KEYS):
        raise _refusal("`inference` in config.json is not understood", f"It may hold {', '.join(KEYS)}.")
    patch, overlap = given.get("patch", []), given.get("overlap", 0.5)
    blend, flips = given.get("blend", "gaussian"), given.get("flips", [])
    if not _whole(patch, 1, 4096):
        raise _refusal("`inference.patch` is not a list of one to three sizes", "One per axis in space.")
    if type(overlap) not in (int, float) or not 0 <= overlap <= 0.9:
        raise _refusal("`inference.overlap` is not a number from 0 to 0.9")
    if blend not in ("gaussian", "constant"):
        raise _refusal(f"`inference.blend` is {str(blend)[:40]!r}", "Choose gaussian or constant.")
    if not _whole(flips, 0, 2) or len(set(flips)) < len(flips):
        raise _refusal("`inference.flips` is not a list of axes", "Axes in space count from 0.")
    return Plan(tuple(patch), float(overlap), blend, tuple(flips))


def _whole(values, low: int, high: int) -> bool:
    return isinstance(values, list) and len(values) <= 3 and all(type(n) is int and low <= n <= high for n in values)


def _refusal(message: str, hint: str = "") -> Faults:
    return Faults([Fault(message, hint, file="config.json")])


def answer(array: np.ndarray, how: Plan, run: Callable[[list[np.ndarray]], list[np.ndarray]]) -> np.ndarray:
    """The output for one case (channels, *space), by `run`, which answers a list of arrays of one shape. Raises Faults."""
    space = array.ndim - 1
    if any(axis >= space for axis in how.flips) or (how.patch and len(how.patch) != space):
        raise _refusal(f"`inference` does not fit a case of {space} axes in space", "Give one value per axis.")
    total: np.ndarray | None = None
    views = [view for n in range(len(how.flips) + 1) for view in itertools.combinations(how.flips, n)]
    for view in views:
        axes = [1 + axis for axis in view]
        seen = np.ascontiguousarray(np.flip(array, axes))
        output = _by_windows(seen, how, run) if how.patch else run([seen])[0]
        if output.ndim == array.ndim and output.shape[1:] == array.shape[1:]:
            output = np.flip(output, axes)
        elif output.shape == array.shape[1:]:
            output = np.flip(output, view)
        total = output.astype(np.float32) if total is None else total + output
    return total / np.float32(len(views))


def _by_windows(array: np.ndarray, how: Plan, run) -> np.ndarray:
    shape = array.shape[1:]
    missing = [max(0, patch - n) for patch, n in zip(how.patch, shape, strict=True)]
    if any(missing):
        array = np.pad(array, [(0, 0), *((n // 2, n - n // 2) for n in missing)])
    places = list(itertools.product(*map(_starts, array.shape[1:], how.patch, [how.overlap] * len(shape))))
    if len(places) > MOST_WINDOWS:
        raise _refusal(
            f"a case takes {len(places):,} windows", f"At most {MOST_WINDOWS:,}: a larger patch, less overlap."
        )
    weight = importance(how.patch, how.blend)
    total = None
    counted = np.zeros(array.shape[1:], np.float32)
    for first in range(0, len(places), 16):
        cuts = [
            tuple(slice(a, a + n) for a, n in zip(place, how.patch, strict=True))
            for place in places[first : first + 16]
        ]
        for cut, output in zip(cuts, run([np.ascontiguousarray(array[:, *cut]) for cut in cuts]), strict=True):
            output = output[None] if output.shape == how.patch else output
            if output.shape[1:] != how.patch:
                found = " x ".join(map(str, output.shape))
                raise _refusal(f"the network gives {found} for a window of {' x '.join(map(str, how.patch))}")
            if total is None:
                total = np.zeros((len(output), *array.shape[1:]), np.float32)
            total[:, *cut] += output * weight
            counted[cut] += weight
    total /= counted
    return total[:, *(slice(n // 2, n // 2 + length) for n, length in zip(missing, shape, strict=True))]


def _starts(length: int, patch: int, overlap: float) -> list[int]:
    """Where windows begin along one axis: evenly, the last one at the end."""
    step = max(1, int(patch * (1 - overlap))) if length > patch else patch
    count = 1 + math.ceil((length - patch) / step)
    return [min(n * step, length - patch) for n in range(count)]


def importance(patch: tuple[int, ...], blend: str) -> np.ndarray:
    """The weight of each place in a window, (*patch) float32."""
    weight = np.ones(patch, np.float32)
    if blend == "gaussian":
        for axis, n in enumerate(patch):
            place = np.arange(n) - (n - 1) / 2
            curve = np.exp(-(place**2) / (2 * (DEVIATION * n) ** 2))
            weight = weight * curve.reshape([-1 if other == axis else 1 for other in range(len(patch))]).astype(
                np.float32
            )
    return np.maximum(weight, LEAST)


def part(array: np.ndarray, how: Plan) -> tuple[np.ndarray, int]:
    """What a network sees of a case (channels, *space) at once, and how many times."""
    views = 1 << len(how.flips)
    if not how.patch:
        return array, views
    sides = [max(n, patch) for n, patch in zip(array.shape[1:], how.patch, strict=True)]
    starts = map(_starts, sides, how.patch, [how.overlap] * len(sides))
    return np.zeros((len(array), *how.patch), array.dtype), views * math.prod(len(places) for places in starts)
