"""The registry of corruptions: a function of one case in [0, 1], with its facts beside it as data."""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIGNAL, IMAGE, VOLUME = 1, 2, 3  # axes in space
ATTACK = "one_pixel"  # seeks its pixel by asking the network, and so is no function of the case alone
MR = re.compile(r"\b(f|d)?MRI?\b|magnetic resonance", re.IGNORECASE)


@dataclass(frozen=True)
class Corruption:
    """`function(x, severity, random, spatial)`: x float32 in [0, 1], axes of space first, then channels where it has them.

    severities: the value for each level, mild to severe. spaces: axes in space of the inputs it is for. mr: for magnetic
    resonance alone. moves: the answer of a network that draws maps would move with the input, so it is not for those.
    """

    name: str
    title: str
    says: str
    function: Callable[[np.ndarray, float, np.random.Generator, int], np.ndarray]
    severities: tuple[float, ...]
    spaces: tuple[int, ...]
    version: int = 1
    mr: bool = False
    moves: bool = False


CORRUPTIONS: dict[str, Corruption] = {}


def corruption(*, title: str, says: str, severities, spaces, **facts):
    """Register a function under its own name; returns it unchanged."""

    def register(function):
        name = function.__name__
        if name in CORRUPTIONS:
            raise ValueError(f"corruption {name!r} is registered twice")
        CORRUPTIONS[name] = Corruption(name, title, says, function, tuple(severities), tuple(spaces), **facts)
        return function

    return register


def load(package: str) -> None:
    for module in sorted(item.name for item in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        if not module.startswith("_") and module != "registry":
            importlib.import_module(f"{package}.{module}")


def suited(manifest: dict) -> list[str]:
    """The names of the corruptions that this benchmark's kind and modality allow; the inputs' own form decides at run time."""
    mr = bool(MR.search((manifest.get("task") or {}).get("modality") or ""))
    maps = manifest.get("kind") in ("segmentation", "restoration", "detection")
    return [name for name, one in CORRUPTIONS.items() if (mr or not one.mr) and not (maps and one.moves)]


def apply(one: Corruption, case: np.ndarray, level: int, random: np.random.Generator, spatial: int) -> np.ndarray:
    """A corrupted copy of a case as it was read, in its own type and range. `level`: 0 is the mildest."""
    whole = case.dtype.kind in "ub"
    low, high = (0.0, float(np.iinfo(case.dtype).max)) if whole and case.dtype.kind == "u" else _range(case)
    scaled = (case.astype(np.float32) - low) / max(high - low, 1e-12)
    changed = one.function(scaled, one.severities[level], random, spatial)
    if spatial != SIGNAL:  # an image has no values beyond its range; a signal may leave it
        changed = np.clip(changed, 0, 1)
    back = changed * (high - low) + low
    if case.dtype.kind in "iub":
        limits = np.iinfo(case.dtype) if case.dtype.kind != "b" else None
        back = np.rint(back) if limits is None else np.clip(np.rint(back), limits.min, limits.max)
    return back.astype(case.dtype)


def _range(case: np.ndarray) -> tuple[float, float]:
    finite = case[np.isfinite(case)] if case.dtype.kind == "f" else case
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def sides(x: np.ndarray, spatial: int) -> tuple[int, ...]:
    """The shape in space."""
    return x.shape[:spatial]


def each(x: np.ndarray, spatial: int, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`function` on each channel by itself."""
    if x.ndim == spatial:
        return function(x)
    return np.stack([function(x[..., channel]) for channel in range(x.shape[-1])], axis=-1)
