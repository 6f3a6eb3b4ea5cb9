"""Restoration: an image or volume per case, of the shape of its target."""

import numpy as np

from evaluators.faults import Findings
from evaluators.readers import _volumes
from evaluators.readers.registry import Kind, Unreadable, register


def columns(manifest: dict) -> list[str]:
    return ["reference"]


def reference(manifest: dict, given: dict[str, list[str]], report) -> list[str]:
    """File names under reference/."""
    return _volumes.references(given, report)


def image(array: np.ndarray, manifest: dict) -> np.ndarray:
    """The image as float64. Raises Unreadable for NaN or infinity."""
    if array.size == 0 or array.ndim not in (1, 2, 3, 4):
        raise Unreadable("it has no pixel, or too many axes", "Write an image or a volume.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Unreadable("it holds NaN or infinity", "Give every pixel a finite value.")
    return array.astype(np.float64)


def read(manifest: dict, ids: list[str], path, folder, found: Findings) -> np.ndarray:
    """One image per case, in files of `folder`."""
    return _volumes.read(manifest, ids, path, folder, found, lambda array: image(array, manifest), labels=False)


def sample(manifest: dict, cases, out) -> str:
    """Zero everywhere."""
    return _volumes.zeros(manifest, cases, np.float32, out)


register(
    Kind(
        "restoration",
        0,
        columns,
        reference,
        _volumes.check,
        read,
        sample,
        archive=True,
        inspect=_volumes.inspector(image, False),
        open=_volumes.opener(image, False),
    )
)
