"""One case of a segmentation benchmark: every overlap, surface and instance metric of all its labels from one pass.

`case_scores` is what the evaluator calls, case by case; a metric of this kind is a function of (`Case`, label), and
`per_label` and `whole` make its registered forms from it. Guarantees that no volume is held longer than its case.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Self

import numpy as np
from scipy import ndimage

from evaluators.metrics import _boundaries, _scan, _volumes
from evaluators.metrics.registry import METRICS, Undefined

BOTH_EMPTY = "the label is in neither the reference nor the prediction of this case: left out of the mean"
REFERENCE_EMPTY = "the label is not in the reference of this case, the prediction has it"
PREDICTION_EMPTY = "the label is in the reference of this case, the prediction has none"


class Flagged(float):
    """A value fixed by convention where the formula has none; `.reason` says which."""

    reason: str

    def __new__(cls, value: float, reason: str):
        self = super().__new__(cls, value)
        self.reason = reason
        return self


@dataclass(frozen=True)
class Instances:
    """Sizes of the instances of two masks in voxels, and for every overlapping pair its two indices and its overlap."""

    reference: np.ndarray  # (n,)
    prediction: np.ndarray  # (m,)
    first: np.ndarray  # (pairs,) index into reference
    second: np.ndarray  # (pairs,) index into prediction
    overlap: np.ndarray  # (pairs,) voxels

    @classmethod
    def of(cls, reference: np.ndarray, prediction: np.ndarray) -> Self:
        """Instances of two masks of equal shape: connected components, neighbours across corners included."""
        touch = np.ones((3,) * reference.ndim)
        return cls._paired(*(ndimage.label(mask, touch) for mask in (reference, prediction)))

    @classmethod
    def numbered(cls, reference: np.ndarray, prediction: np.ndarray) -> Self:
        """Instances of two maps of equal shape whose values are the numbers of the instances; 0 is none."""
        return cls._paired(*(_consecutive(volume) for volume in (reference, prediction)))

    @classmethod
    def _paired(cls, reference: tuple[np.ndarray, int], prediction: tuple[np.ndarray, int]) -> Self:
        (one, n), (two, m) = reference, prediction
        both = (one > 0) & (two > 0)
        pairs, overlap = np.unique((one[both].astype(np.int64) - 1) * m + (two[both] - 1), return_counts=True)
        first, second = np.divmod(pairs, max(1, m))
        sizes = [np.bincount(found.ravel(), minlength=count + 1)[1:] for found, count in ((one, n), (two, m))]
        return cls(*sizes, first, second, overlap)


def _consecutive(volume: np.ndarray) -> tuple[np.ndarray, int]:
    """The map with its instances numbered from 1 without gaps, and how many there are."""
    values, place = np.unique(volume, return_inverse=True)
    place = place.reshape(volume.shape)
    none = bool(len(values)) and values[0] == 0
    return (place, len(values) - 1) if none else (place + 1, len(values))


class Case:
    """Reference and prediction of one case, and what all metrics share, computed when first asked for.

    `reference`, `prediction`: label maps of equal shape, 2D or 3D; `labels`: the values that count (None: one mask,
    every value but 0); `spacing`: mm per axis (default 1). `numbered`: there is one label, and the values of both maps are
    the numbers of its instances; without it they are connected components. Raises ValueError for unequal shapes, NaN or half labels.
    """

    def __init__(self, reference, prediction, labels=None, spacing=None, numbered: bool = False):
        if numbered and labels is not None and len(labels) != 1:
            raise ValueError(f"numbered instances are of one label, not of {len(labels)}")
        self.pair = _volumes.pair(reference, prediction, None if numbered else labels, spacing)
        self.labels = list(labels) if numbered and labels is not None else list(self.pair.code)
        if numbered:
            self.pair = replace(self.pair, code=dict.fromkeys(self.labels, 1))
        self._numbers = (np.asarray(reference), np.asarray(prediction)) if numbered else None
        self._instances: dict[int, Instances] = {}

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Voxels by code: reference, prediction, both."""
        return _scan.sizes(self.pair.reference, self.pair.prediction)

    @cached_property
    def voxel(self) -> float:
        """Volume of a voxel in mm3 (area of a pixel in mm2)."""
        return math.prod(self.pair.spacing)

    @cached_property
    def diagonal(self) -> float:
        """The longest distance between two voxel centres, mm."""
        shape = self.pair.reference.shape
        return math.hypot(*((n - 1) * step for n, step in zip(shape, self.pair.spacing, strict=True)))

    def sizes(self, label: int) -> tuple[int, int, int]:
        """Voxels of a label: reference, prediction, both."""
        code = self.pair.code[label]
        reference, prediction, both = self.counts
        return int(reference[code]), int(prediction[code]), int(both[code])

    @cached_property
    def _extents(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.full((256, 3), 1 << 40), np.full((256, 3), -1)
        for volume in (self.pair.reference, self.pair.prediction):
            _scan.extents(volume, low, high)
        return low, high

    def masks(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """The label in reference and prediction, cut to the box around both (empty arrays if it is in neither)."""
        code = self.pair.code[label]
        low, high = (edge[code] for edge in self._extents)
        box = tuple(slice(first, last + 1) for first, last in zip(low, high, strict=True))
        masks = tuple(volume[box] == code for volume in (self.pair.reference, self.pair.prediction))
        return tuple(mask[0] for mask in masks) if self.pair.flat else masks

    def instances(self, label: int) -> Instances:
        """Instances of the label on both sides and which of them overlap; both must hold something."""
        if label not in self._instances:
            found = Instances.numbered(*self._numbers) if self._numbers else Instances.of(*self.masks(label))
            self._instances[label] = found
        return self._instances[label]

    @cached_property
    def boundaries(self) -> _boundaries.Boundaries:
        """Surfaces and distances of every label that both masks hold."""
        reference, prediction, _ = self.counts
        codes = self.pair.code.values()
        return _boundaries.Boundaries(
            self.pair, [code for code in codes if reference[code] and prediction[code]], (reference, prediction)
        )

    def distances(self, label: int) -> tuple[_boundaries.Directed, _boundaries.Directed]:
        """Distances in mm from the reference's surface voxels to the prediction's, and back; both must hold something."""
        return self.boundaries.between[self.pair.code[label]]

    def boundary_within(self, label: int, tolerance: float) -> tuple[float, float]:
        """Boundary area (mm2; length in mm for images) within `tolerance` mm of the other boundary, and in all."""
        return self.boundaries.shares_within(self.pair.code[label], tolerance)

    def emptiness(self, label: int) -> str:
        """Why the formula has no value for this label, or "" where both masks hold something."""
        reference, prediction, _ = self.sizes(label)
        if reference and prediction:
            return ""
        if reference or prediction:
            return PREDICTION_EMPTY if reference else REFERENCE_EMPTY
        return BOTH_EMPTY


def case_scores(
    metrics: Sequence[str], reference, prediction, labels: Sequence[int], spacing=None, *, numbered=False, **parameters
) -> dict[str, dict[int, float]]:
    """All segmentation metrics of one case in one pass: `{metric: {label: value}}`.

    `numbered`: the values of the maps number the instances of one label, see `Case`.
    `parameters` go to every metric that takes them (`tolerance=2.0`), or to one by its name (`nsd={"tolerance": 2.0}`).
    NaN (`Undefined`) is a label that is left out of the mean; `Flagged` a value fixed by convention; both say why.
    Raises KeyError for an unknown metric, ValueError for one of another kind or for volumes that do not fit together.

    >>> truth, answer = np.zeros((2, 4, 4), int)
    >>> truth[1:3, 1:3], answer[1:3, 1:4] = 1, 1
    >>> case_scores(["dice", "iou"], truth, answer, labels=[1, 2])
    {'dice': {1: 0.8, 2: nan}, 'iou': {1: 0.6666666666666666, 2: nan}}
    """
    case = Case(reference, prediction, labels, spacing, numbered)
    scores = {}
    for name in metrics:
        function = getattr(METRICS[name].per_case, "of_case", None)
        if function is None:
            raise ValueError(f"{name} is not a segmentation metric")
        chosen = parameters_of(name, parameters)
        scores[name] = {label: function(case, label, **chosen) for label in case.labels}
    return scores


def parameters_of(name: str, parameters: Mapping) -> dict:
    """What of `parameters` metric `name` takes: its own mapping over the shared values."""
    taken = METRICS[name].parameters
    shared = {key: value for key, value in parameters.items() if key in taken and not isinstance(value, Mapping)}
    own = parameters.get(name, {})
    unknown = set(own) - set(taken)
    if unknown:
        raise ValueError(f"{name} takes {', '.join(taken) or 'no parameters'}, not {', '.join(sorted(unknown))}")
    return shared | dict(own)


def per_label(function: Callable[..., float]) -> Callable[..., np.ndarray]:
    """The `per_case` form of a metric: (reference, prediction, labels, spacing) of one case -> (labels,), NaN = left out."""

    @wraps(function)
    def values(reference, prediction, labels, spacing=None, **parameters) -> np.ndarray:
        case = Case(reference, prediction, labels, spacing)
        return np.array([function(case, label, **parameters) for label in case.labels], float)

    values.of_case = function
    return values


def whole(function, reference, prediction, label, spacing, empty: float | None, **parameters) -> float:
    """The bare form: one label, or all of a label map in the mean; `empty` is the value of two empty masks.

    Without `label` a mask is anything but 0; maps of several labels give the mean over the labels in either.
    """
    labels = None if label is None else [label]
    if label is None:
        found = [_volumes.present(volume) for volume in (reference, prediction)]
        if max(len(values) for values in found) > 1:
            labels = sorted({int(value) for values in found for value in values})
    case = Case(reference, prediction, labels, spacing)
    values = [function(case, one, **parameters) for one in case.labels]
    if empty is not None and len(values) == 1 and case.emptiness(case.labels[0]) == BOTH_EMPTY:
        return Flagged(empty, BOTH_EMPTY)
    if len(values) == 1:
        return values[0]
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else Undefined(BOTH_EMPTY)
