"""Segmentation: a label map per case, in two or three dimensions; values as benchmark.yaml numbers its classes."""

import numpy as np

from evaluators.faults import Findings
from evaluators.readers import _volumes
from evaluators.readers.registry import Kind, Unreadable, register


def columns(manifest: dict) -> list[str]:
    return ["reference"]


def reference(manifest: dict, given: dict[str, list[str]], report) -> list[str]:
    """File names under reference/."""
    return _volumes.references(given, report)


def label_map(array: np.ndarray, manifest: dict) -> np.ndarray:
    """The map as small whole numbers. Raises Unreadable for anything that is not a declared label."""
    if array.ndim not in (2, 3):
        raise Unreadable(f"it has {array.ndim} axes", "A label map has two or three.")
    if array.size == 0:
        raise Unreadable("it has no voxel", "Write it again.")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise Unreadable("it holds NaN or infinity", "Write whole numbers: the label of each voxel.")
        if not (array == np.rint(array)).all():
            raise Unreadable("it holds fractions", "Write labels, not probabilities: threshold, or take the argmax.")
    low, high = int(array.min()), int(array.max())
    allowed = {0, *manifest["label_values"].values()}
    if low < 0 or high > 0xFFFFFFFF:
        raise Unreadable(f"it holds the value {low if low < 0 else high}", "Labels are whole numbers from 0.")
    if not manifest.get("instances"):
        present = np.flatnonzero(np.bincount(array.ravel().astype(np.int64))) if high < 1 << 20 else np.unique(array)
        other = [int(value) for value in present if int(value) not in allowed]
        if other:
            known = ", ".join(f"{value} {name}" for name, value in manifest["label_values"].items())
            extra = " Is it stored as 0 and 255?" if other == [255] else ""
            raise Unreadable(
                f"it holds the value {other[0]}, which is no label", f"The labels are 0 background, {known}.{extra}"
            )
    return array.astype(np.uint8 if high < 256 else np.uint16 if high < 65_536 else np.uint32)


def read(manifest: dict, ids: list[str], path, folder, found: Findings) -> np.ndarray:
    """One label map per case, in files of `folder`."""
    return _volumes.read(manifest, ids, path, folder, found, lambda array: label_map(array, manifest), labels=True)


def sample(manifest: dict, cases, out) -> str:
    """Background everywhere."""
    return _volumes.zeros(manifest, cases, np.uint8, out)


register(
    Kind(
        "segmentation",
        1,
        columns,
        reference,
        _volumes.check,
        read,
        sample,
        archive=True,
        inspect=_volumes.inspector(label_map, True),
        open=_volumes.opener(label_map, True),
    )
)
