"""What passes from child 1 to child 2: plain arrays in files, loaded without pickle and checked before anyone counts on them.

A prediction, in case order, is by kind: classification `(n, k)`; regression `(n,)`; survival `{"risk": (n,)}` and/or
`{"times": (t,), "survival": (n, t)}`; detection a list of `(m, 5 or 7)` per class name; segmentation and restoration one
array per case, in a file of its own, so that one volume at a time is in memory.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

FILE = "prediction.npz"


class Malformed(ValueError):
    """Child 1 left something else than it should; never the participant's fault."""


def case_file(index: int) -> str:
    """Where the array of one case lies, relative to the folder."""
    return f"cases/{index:07d}.npy"


def save_case(folder: Path, index: int, array: np.ndarray) -> None:
    """Write the array of one case of a segmentation or restoration benchmark."""
    path = folder / case_file(index)
    path.parent.mkdir(exist_ok=True)
    np.save(path, array, allow_pickle=False)


def save(folder: Path, prediction) -> None:
    """Write everything but per-case volumes to `folder`."""
    if isinstance(prediction, Mapping) and all(isinstance(boxes, Sequence) for boxes in prediction.values()):
        arrays = {}
        for number, (name, boxes) in enumerate(prediction.items()):  # the name goes as bytes: any text is a class
            arrays[f"{number}:name"] = np.frombuffer(name.encode(), np.uint8)
            arrays[f"{number}:count"] = np.array([len(rows) for rows in boxes], np.int64)
            arrays[f"{number}:boxes"] = np.concatenate([np.asarray(rows, float) for rows in boxes])
    elif isinstance(prediction, Mapping):
        arrays = {name: np.asarray(array, float) for name, array in prediction.items()}
    else:
        arrays = {"values": np.asarray(prediction, float)}
    np.savez(folder / FILE, allow_pickle=False, **arrays)


class CaseFiles(Sequence):
    """The arrays of a folder, one per case, each read when it is asked for."""

    def __init__(self, folder: Path, n: int):
        self.folder, self.n = folder, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.n:
            raise IndexError(index)
        return np.load(self.folder / case_file(index), allow_pickle=False)


def load(folder: Path, kind: str, n: int):
    """The prediction of `n` cases from `folder`. Raises Malformed for another form, NaN or infinity."""
    if kind in ("segmentation", "restoration"):
        return CaseFiles(folder, n)
    with np.load(folder / FILE, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise Malformed(f"{name}: {array.dtype}, or not finite")
    if kind == "detection":
        return _boxes(arrays, n)
    if kind == "survival":
        expected = {"risk": (n,), "survival": (n, len(arrays.get("times", ())))}
        if any(name in arrays and arrays[name].shape != shape for name, shape in expected.items()) or not arrays:
            raise Malformed(f"survival: {[(name, array.shape) for name, array in arrays.items()]}")
        return arrays
    if arrays["values"].shape[:1] != (n,):
        raise Malformed(f"{arrays['values'].shape} for {n} cases")
    return arrays["values"]


def _boxes(arrays: dict, n: int) -> dict[str, list[np.ndarray]]:
    found = {}
    for number in range(len(arrays) // 3):
        count, boxes = arrays[f"{number}:count"], arrays[f"{number}:boxes"]
        if count.shape != (n,) or (count < 0).any() or count.sum() != len(boxes):
            raise Malformed("detection: counts and boxes do not fit together")
        found[arrays[f"{number}:name"].tobytes().decode()] = np.split(boxes, np.cumsum(count)[:-1])
    return found
