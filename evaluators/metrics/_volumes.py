"""Brings a pair of label maps into the one form the compiled kernels read: uint8 codes, C order, three axes.

Guarantees that no volume is copied when it is uint8 or bool already, that voxel axes are only ever permuted together with
the spacing, and that NaN, infinity and half labels are refused.
"""

from dataclasses import dataclass

import numpy as np

SLAB = 1 << 24  # voxels converted at a time, so that a large volume never exists twice in a wide type


@dataclass(frozen=True)
class Pair:
    """Two label maps of one case as codes; `code[label]` is the code of a label, 0 is everything else."""

    reference: np.ndarray  # (z, y, x) uint8, C order; z is 1 for an image
    prediction: np.ndarray
    spacing: tuple[float, float, float]  # mm, in the order of the axes above
    flat: bool  # an image: the first axis does not exist
    reversed: bool  # axes are in reverse order of what was given
    code: dict[int, int]


def pair(reference, prediction, labels=None, spacing=None) -> Pair:
    """Codes of two label maps of equal shape, 2D or 3D. `labels` None: every value but 0 is the one label 1.

    Raises ValueError when shapes differ, an axis count is not 2 or 3, or a value is not a whole number.
    """
    reference, prediction = np.asarray(reference), np.asarray(prediction)
    if reference.shape != prediction.shape:
        raise ValueError(f"reference has shape {reference.shape}, prediction {prediction.shape}: they must be equal")
    if reference.ndim not in (2, 3):
        raise ValueError(f"a label map has 2 or 3 axes, not {reference.ndim}")
    spacing = checked_spacing(spacing, reference.ndim)
    turned = all(a.flags.f_contiguous and not a.flags.c_contiguous for a in (reference, prediction))
    if turned:  # as NIfTI readers give it; a view costs nothing, a copy a second
        reference, prediction, spacing = reference.T, prediction.T, spacing[::-1]
    code = {1: 1} if labels is None else codes_of(labels)
    coded = [_coded(volume, None if labels is None else code) for volume in (reference, prediction)]
    flat = reference.ndim == 2
    if flat:
        coded, spacing = [volume[None] for volume in coded], (1.0, *spacing)
    return Pair(*coded, spacing=spacing, flat=flat, reversed=turned, code=code)


def checked_spacing(spacing, axes: int) -> tuple[float, ...]:
    """Spacing in mm per axis: None is 1 mm, one number is used for every axis. Raises ValueError."""
    values = np.ones(axes) if spacing is None else np.atleast_1d(np.asarray(spacing, float)).ravel()
    if values.size == 1:
        values = np.repeat(values, axes)
    if values.size != axes:
        raise ValueError(f"spacing has {values.size} numbers for {axes} axes")
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise ValueError(f"spacing must be positive and finite, not {values.tolist()}")
    return tuple(float(value) for value in values)


def codes_of(labels) -> dict[int, int]:
    """A code from 1 to 255 for each label; the label itself where that is possible, so that nothing is rewritten."""
    labels = [int(label) for label in labels]
    if not labels or len(set(labels)) != len(labels):
        raise ValueError("labels must be given once each")
    if len(labels) > 255:
        raise ValueError(f"{len(labels)} labels; at most 255 at a time")
    if all(1 <= label <= 255 for label in labels):
        return {label: label for label in labels}
    return {label: index for index, label in enumerate(labels, start=1)}


def present(volume) -> np.ndarray:
    """The sorted values of a label map other than 0."""
    volume = np.asarray(volume)
    if volume.dtype == np.uint8 or volume.dtype == bool:
        values = np.flatnonzero(np.bincount(volume.ravel(order="K").view(np.uint8), minlength=2)) if volume.size else []
    else:
        values = np.unique(_whole(volume))
    return np.asarray([int(value) for value in values if value], dtype=np.int64)


def _whole(volume: np.ndarray) -> np.ndarray:
    if volume.dtype.kind == "f":
        if not np.isfinite(volume).all():
            raise ValueError("a label map holds NaN or infinity")
        if (volume != np.rint(volume)).any():
            raise ValueError("a label map holds values that are not whole numbers")
    elif volume.dtype.kind not in "biu":
        raise ValueError(f"a label map holds numbers, not {volume.dtype}")
    return volume


def _coded(volume: np.ndarray, code: dict[int, int] | None) -> np.ndarray:
    """uint8 codes in C order, rewritten slab by slab only where the values are not codes already."""
    if volume.dtype == bool:
        volume = volume.view(np.uint8)
    same = code is not None and all(label == value for label, value in code.items())
    if volume.dtype == np.uint8 and (same or (code is None and volume.size and volume.max() <= 1)):
        return np.ascontiguousarray(volume)
    out = np.zeros(volume.shape, np.uint8)
    step = max(1, SLAB // max(1, int(np.prod(volume.shape[1:]))))
    for start in range(0, volume.shape[0], step):
        part = _whole(volume[start : start + step])
        if code is None:
            out[start : start + step] = part != 0
        elif same and part.size and part.min() >= 0 and part.max() <= 255:
            out[start : start + step] = part.astype(np.uint8)
        else:
            for label, value in code.items():
                out[start : start + step][part == label] = value
    return out
