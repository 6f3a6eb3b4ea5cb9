"""Overlap of the bands along two boundaries, which does not reward the easy inside of a large structure."""

import math

import numpy as np
from scipy import ndimage

from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, Case, Flagged, per_label, whole


def _band(mask: np.ndarray, width: int) -> np.ndarray:
    """The voxels of a mask within `width` steps (diagonal steps too) of its outside; beyond the image is outside."""
    inside = ndimage.minimum_filter(mask.view(np.uint8), size=2 * width + 1, mode="constant", cval=0)
    return mask & (inside == 0)


def _boundary_iou(case: Case, label: int, dilation: float = 0.02) -> float:
    if not 0 < dilation < 1:
        raise ValueError(f"dilation is a share of the image diagonal between 0 and 1, not {dilation}")
    reason = case.emptiness(label)
    if reason:
        return Undefined(reason) if reason == BOTH_EMPTY else Flagged(0.0, reason)
    shape = case.pair.reference.shape[1:] if case.pair.flat else case.pair.reference.shape
    width = max(1, round(dilation * math.hypot(*shape)))
    reference, prediction = (_band(mask, width) for mask in case.masks(label))
    return float(np.count_nonzero(reference & prediction) / np.count_nonzero(reference | prediction))


@metric(
    kinds=("segmentation",),
    needs={"masks"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    unit="",
    parameters={"dilation": 0.02},
    title="Boundary intersection over union",
    symbol="Boundary IoU",
    formula="|(R_d ∩ R) ∩ (P_d ∩ P)| / |(R_d ∩ R) ∪ (P_d ∩ P)|; R_d: voxels within d of the boundary of R",
    convention="d is 2 % of the image diagonal in voxels, at least 1, by erosion with a full square or cube; spacing plays no "
    "part. Empty in both: left out of the mean (bare: 1); empty in one: 0.",
    equals="the authors' boundary-iou-api",
    pitfalls="The width follows the image, not the structure: cropping the image changes the value.",
    reference="Cheng 2021, CVPR 15334, doi:10.1109/CVPR46437.2021.01508",
    per_case=per_label(_boundary_iou),
)
def boundary_iou(reference, prediction, *, dilation: float = 0.02, label: int | None = None, spacing=None) -> float:
    """Boundary IoU of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    `dilation`: width of the band as a share of the image diagonal. Without `label`: of a mask, or the mean over labels.
    Raises ValueError as `dice` does.

    >>> boundary_iou([[1, 1, 0], [1, 1, 0]], [[0, 1, 0], [0, 1, 0]])
    0.5
    """
    return whole(_boundary_iou, reference, prediction, label, spacing, empty=1.0, dilation=dilation)
