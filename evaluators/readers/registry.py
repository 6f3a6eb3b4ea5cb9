"""The registries of readers: kinds of benchmark (what its answers and references look like) and formats of one array.

One file registers one kind or one format; a new one needs no edit elsewhere.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAX_ARRAY_BYTES = 4 << 30  # of one array, unpacked


class Unreadable(Exception):
    """A file is not what it should be. `message` and `hint` speak of the sender's file alone."""

    def __init__(self, message: str, hint: str = ""):
        self.message, self.hint = message, hint
        super().__init__(message)


class Damaged(RuntimeError):
    """A file of a stored package cannot be read, though it could be when it was loaded: our fault, for the log alone."""


@dataclass(frozen=True)
class Picture:
    """One array read from a file. `spacing` in mm per axis (s for a signal) and `affine` (4, 4) where the format says them.

    `spatial`: axes in space, 0 for a row of a table, 1 for a signal or a sequence, 2 for an image, 3 for a volume (channels
    last, where it has them); None where the format does not tell. `axes`: the orientation of a volume, such as "RAS".
    `names`: of the columns or leads. `letters`: a sequence, as bytes. `window`: (centre, width) that the file proposes.
    """

    array: np.ndarray
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    axes: str = ""
    spatial: int | None = None
    names: tuple[str, ...] = ()
    letters: bool = False
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class Format:
    """A file format. `read(path, index, labels)`: index is what stands behind '#' in a case list ("" for none);
    with labels, values are kept as they are stored (palette indices, for one). Raises Unreadable.

    `companions(path, index)`: the names of further files beside this one that are read with it; raises Unreadable.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, str, bool], Picture]
    companions: Callable[[Path, str], list[str]] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of benchmark.

    classes: how many it needs at least; 0 if it takes none.
    columns(manifest): the columns of cases.csv that hold its reference.
    reference(manifest, columns, report): what metrics take, from those columns and case_id (lists of str);
        report(row, column, message, hint) says what is wrong with one of them.
    check(manifest, ids, path, found): add every fault that can be seen without native parsers.
    read(manifest, ids, path, folder, found): the whole prediction, in the form that predictions.py states.
    sample(manifest, cases, out): write a valid answer with every case; returns its file name.
    archive: the answer is a zip of one file per case.
    inspect(manifest, root, cases, found): read every reference file of a package, add its faults, and return what else
        belongs into the manifest; None where the reference lies in cases.csv.
    open(manifest, path): one case's reference from its file, and facts about it.
    """

    name: str
    classes: int
    columns: Callable
    reference: Callable
    check: Callable
    read: Callable
    sample: Callable
    archive: bool = False
    inspect: Callable | None = None
    open: Callable | None = None


FORMATS: dict[str, Format] = {}
KINDS: dict[str, Kind] = {}


def register(thing: Format | Kind) -> None:
    known = KINDS if isinstance(thing, Kind) else FORMATS
    if thing.name in known:
        raise ValueError(f"{thing.name} is registered twice")
    known[thing.name] = thing


def format_of(name: str) -> Format | None:
    """The format of a file by its name."""
    lower = name.lower()
    return next((item for item in FORMATS.values() if lower.endswith(item.suffixes)), None)


def suffix_of(name: str) -> str:
    """The part of a file's name that tells its format: ".nii.gz", ".png", or "" where none is known."""
    known = [suffix for item in FORMATS.values() for suffix in item.suffixes if name.lower().endswith(suffix)]
    return name[len(name) - len(max(known, key=len)) :] if known else ""


def load(package: str) -> None:
    for module in sorted(item.name for item in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        if not module.startswith("_") and module != "registry":
            importlib.import_module(f"{package}.{module}")
