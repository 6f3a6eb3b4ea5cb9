"""NumPy arrays: .npy, and .npz with one array (and optionally `spacing`, in mm per axis). Pickles are never loaded.

With an index, `file.npz#12` is row 12 (from 0) along the first axis; `file.npz#images:12` also names the array.
"""

import functools
import zipfile
import zlib
from pathlib import Path

import numpy as np

from evaluators.readers.registry import MAX_ARRAY_BYTES, Format, Picture, Unreadable, register

PREFERRED = ("labels", "label", "mask", "image", "images", "data", "x", "arr_0")
BESIDE = ("spacing", "affine")


def read_npy(path: Path, index: str = "", labels: bool = False) -> Picture:
    with open(path, "rb") as source:
        _header(source)
    array = _guard(lambda: np.load(path, mmap_mode="r" if index else None, allow_pickle=False))
    return Picture(np.array(_row(array, index)) if index else array)


def read_npz(path: Path, index: str = "", labels: bool = False) -> Picture:
    name, _, row = index.rpartition(":")
    stat = path.stat()
    if row:
        name, array, _ = _cached(str(path), stat.st_mtime_ns, stat.st_size, name)
        return Picture(np.array(_row(array, row)))
    _, array, spacing = _arrays(path, name)
    return Picture(array, spacing)


@functools.lru_cache(maxsize=2)
def _cached(path: str, changed: int, size: int, name: str):
    return _arrays(Path(path), name)


def _arrays(path: Path, wanted: str) -> tuple[str, np.ndarray, tuple[float, ...] | None]:
    """Name and content of the array that is meant, and the spacing where it is stored beside it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [item.filename[:-4] for item in archive.infolist() if item.filename.endswith(".npy")]
            name = _choose(names, wanted)
            array = _member(archive, name)
            spacing = _member(archive, "spacing", most=1024) if "spacing" in names and name != "spacing" else None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(
            "the .npz file is cut off or damaged", "Write it again with numpy.savez_compressed."
        ) from error
    if spacing is not None:
        values = np.ravel(spacing)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all() or (values <= 0).any():
            raise Unreadable("spacing in the .npz file is not above 0", "Give mm per axis, or leave it out.")
        spacing = tuple(float(item) for item in values)
    return name, array, spacing


def _choose(names: list[str], wanted: str) -> str:
    arrays = [name for name in names if name not in BESIDE]
    if wanted:
        if wanted not in names:
            raise Unreadable(f"the .npz file holds no array {wanted!r}", f"It holds {', '.join(names[:5])}.")
        return wanted
    if len(arrays) == 1:
        return arrays[0]
    named = [name for name in PREFERRED if name in arrays]
    if len(named) == 1:
        return named[0]
    if not arrays:
        raise Unreadable("the .npz file holds no array", "Write it with numpy.savez_compressed(file, labels=array).")
    raise Unreadable(f"the .npz file holds {len(arrays)} arrays", "Store one, named labels.")


def _member(archive: zipfile.ZipFile, name: str, most: int = MAX_ARRAY_BYTES) -> np.ndarray:
    with archive.open(f"{name}.npy") as source:
        _header(source, most)
    with archive.open(f"{name}.npy") as source:
        return _guard(lambda: np.lib.format.read_array(source, allow_pickle=False))


def _header(source, most: int = MAX_ARRAY_BYTES) -> None:
    """Refuse by the header alone what is too large, or holds objects."""
    try:
        version = np.lib.format.read_magic(source)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = reader(source)
    except (MemoryError, zipfile.BadZipFile):
        raise
    except Exception as error:  # numpy parses the header as a Python literal; damaged ones raise many kinds
        raise Unreadable("this is not a NumPy array", "Write it with numpy.save or numpy.savez_compressed.") from error
    if dtype.kind not in "biuf":
        hint = "Store whole or floating point numbers; objects are pickles, which are never loaded."
        raise Unreadable(f"the array is of type {dtype}", hint)
    if np.prod([float(item) for item in shape]) * dtype.itemsize > most or any(item < 0 for item in shape):
        raise Unreadable(f"an array of {' x '.join(map(str, shape))} is too large", "Keep the shape of the input.")


def _guard(load):
    try:
        return load()
    except (ValueError, EOFError, OSError, TypeError) as error:
        raise Unreadable("the NumPy array is cut off or damaged", "Write it again.") from error


def _row(array: np.ndarray, index: str) -> np.ndarray:
    if not index.isdigit() or array.ndim == 0 or int(index) >= len(array):
        rows = len(array) if array.ndim else 0
        raise Unreadable(f"there is no row {index} of {rows:,}", "Count rows from 0.")
    return array[int(index)]


register(Format("npy", (".npy",), read_npy))
register(Format("npz", (".npz",), read_npz))
