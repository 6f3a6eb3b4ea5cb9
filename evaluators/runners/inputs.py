"""Declared preprocessing: `inputs` of config.json as data, from a case as it was read to the array a network takes.

Keys, all optional. `kind`: image | volume | table (default by the case itself). For images and volumes: `scale` (divide by
this; default 255 for whole-number images, else 1), `mean` and `std` (per channel, after scaling). Images: `size` [height,
width], `channels` 1 or 3, `interpolation` nearest | bilinear | bicubic | lanczos (default bilinear), `layout` NCHW | NHWC.
Volumes: `normalise` none | zscore | minmax | percentile (1st to 99th), `multiple` (pad each axis with zeros, after the
data, to a multiple of it). Tables: `mean`, `std`.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from evaluators.faults import Fault, Faults
from evaluators.runners import refusal

INTERPOLATION = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
KEYS = {
    "kind": str, "name": str, "size": list, "channels": int, "scale": (int, float), "mean": (list, int, float),
    "std": (list, int, float), "interpolation": str, "layout": str, "normalise": str, "multiple": int,
}  # fmt: skip
CHOICES = {
    "kind": ("image", "volume", "table"),
    "interpolation": tuple(INTERPOLATION),
    "layout": ("NCHW", "NHWC"),
    "normalise": ("none", "zscore", "minmax", "percentile"),
    "channels": (1, 3),
}
MAX_SIDE = 4096


def check(inputs) -> dict:
    """The declaration, checked: all faults at once."""
    if not isinstance(inputs, dict):
        raise refusal(
            "`inputs` in config.json is not an object", 'Write {"size": [224, 224], "mean": [0.5], "std": [0.5]}.'
        )
    faults = []
    for key, value in inputs.items():
        if key not in KEYS:
            faults.append(Fault(f"`inputs.{key}` is not known", f"Known are {', '.join(KEYS)}.", file="config.json"))
        elif not isinstance(value, KEYS[key]) or isinstance(value, bool):
            faults.append(
                Fault(f"`inputs.{key}` has the wrong type", "See the documentation of weights.", file="config.json")
            )
        elif key in CHOICES and value not in CHOICES[key]:
            choices = ", ".join(map(str, CHOICES[key]))
            faults.append(Fault(f"`inputs.{key}` is {str(value)[:40]!r}", f"Choose {choices}.", file="config.json"))
    if not faults:
        faults = [Fault(text, file="config.json") for text in _numbers(inputs)]
    if faults:
        raise Faults(faults)
    return inputs


def _numbers(inputs: dict) -> list[str]:
    wrong = []
    size = inputs.get("size")
    if size is not None and (len(size) != 2 or not all(isinstance(n, int) and 1 <= n <= MAX_SIDE for n in size)):
        wrong.append(f"`inputs.size` is not [height, width] of 1 to {MAX_SIDE}")
    for key in ("mean", "std"):
        values = np.atleast_1d(np.array(inputs.get(key, 1.0), object))
        if not all(isinstance(n, int | float) and np.isfinite(n) and (key == "mean" or n > 0) for n in values):
            wrong.append(f"`inputs.{key}` holds something else than {'positive ' * (key == 'std')}numbers")
    if not np.isfinite(inputs.get("scale", 1)) or inputs.get("scale", 1) == 0:
        wrong.append("`inputs.scale` is not a number other than 0")
    if not 1 <= inputs.get("multiple", 1) <= 1024:
        wrong.append("`inputs.multiple` is not 1 to 1024")
    return wrong


@dataclass
class Prepared:
    """What the network gets for one case (no batch axis), and the shape of the case itself, to crop an answer back to."""

    array: np.ndarray
    shape: tuple[int, ...]


SPATIAL = {"table": 0, "image": 2, "volume": 3}


def prepare(case: np.ndarray, inputs: dict, spatial: int) -> Prepared:
    """A case as the network takes it, float32. `spatial`: 2 for images, 3 for volumes, 0 for rows of a table; the declared
    kind goes before it."""
    spatial = SPATIAL.get(inputs.get("kind"), spatial)
    if spatial == 3 and case.ndim not in (3, 4) or spatial == 2 and case.ndim not in (2, 3):
        raise refusal(
            "the inputs of this benchmark are not of the declared kind", "Check `inputs.kind` in config.json."
        )
    if spatial == 0:
        row = np.asarray(case, np.float32).ravel()
        return Prepared(_standardise(row, inputs, axis=0), row.shape)
    if spatial == 2:
        return _image(case, inputs)
    return _volume(case, inputs)


def _image(case: np.ndarray, inputs: dict) -> Prepared:
    shape = case.shape[:2]
    whole = case.dtype.kind in "ub"
    channels = inputs.get("channels", 1 if case.ndim == 2 else 3)
    if case.ndim == 2:
        planes = [case] * channels
    elif channels == 1:
        planes = [case[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)]
    else:
        planes = [case[..., channel] for channel in range(3)]
    size = tuple(inputs.get("size", shape))
    if size != shape:
        method = INTERPOLATION[inputs.get("interpolation", "bilinear")]
        resized = [Image.fromarray(np.asarray(plane, np.float32)).resize(size[::-1], method) for plane in planes[:3]]
        planes = [np.asarray(plane) for plane in resized]
    array = np.stack(planes).astype(np.float32) / np.float32(inputs.get("scale", 255 if whole else 1))
    array = _pad(_standardise(array, inputs, axis=0), inputs)
    return Prepared(array.transpose(1, 2, 0) if inputs.get("layout") == "NHWC" else array, shape)


def _volume(case: np.ndarray, inputs: dict) -> Prepared:
    array = np.asarray(case, np.float32)
    shape = array.shape[:3]
    how = inputs.get("normalise", "none")
    if how == "zscore":
        array = (array - array.mean()) / max(float(array.std()), 1e-8)
    elif how in ("minmax", "percentile"):
        low, high = (array.min(), array.max()) if how == "minmax" else np.percentile(array, [1, 99])
        array = np.clip((array - low) / max(float(high - low), 1e-8), 0, 1)
    array = array[None] if array.ndim == 3 else np.moveaxis(array, -1, 0)
    array = np.ascontiguousarray(array, np.float32) / np.float32(inputs.get("scale", 1))
    return Prepared(_pad(_standardise(array, inputs, axis=0), inputs), shape)


def _standardise(array: np.ndarray, inputs: dict, axis: int) -> np.ndarray:
    for key, apply in (("mean", np.subtract), ("std", np.divide)):
        if key in inputs:
            values = np.atleast_1d(np.asarray(inputs[key], np.float32))
            if len(values) not in (1, array.shape[axis]):
                raise refusal(f"`inputs.{key}` has {len(values)} values for {array.shape[axis]} channels or columns")
            array = apply(array, values.reshape(-1, *[1] * (array.ndim - 1)))
    return array.astype(np.float32, copy=False)


def _pad(array: np.ndarray, inputs: dict) -> np.ndarray:
    """Zeros after the data, so that every spatial axis is a multiple."""
    multiple = inputs.get("multiple", 1)
    return np.pad(array, [(0, 0)] + [(0, -n % multiple) for n in array.shape[1:]]) if multiple > 1 else array
