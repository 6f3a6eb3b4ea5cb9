"""Counting structures instead of voxels: panoptic quality, and lesions found or invented.

An instance is a connected component of a label, neighbours across corners included (8 in images, 26 in volumes); where a
benchmark says `instances: true`, the values of its maps number the instances, which may then touch.
"""

import numpy as np

from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, REFERENCE_EMPTY, Case, Flagged, per_label, whole

FACTS = {
    "kinds": ("segmentation",),
    "needs": {"masks"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "unit": "",
}
INSTANCE = "Instances are connected components, across corners too, or what the maps number (instances: true). "


def _panoptic_quality(case: Case, label: int, at: float = 0.5) -> float:
    if not 0.5 <= at < 1:
        raise ValueError(f"at is an IoU from 0.5 to below 1, above which at most one instance matches; not {at}")
    reason = case.emptiness(label)
    if reason:
        return Undefined(reason) if reason == BOTH_EMPTY else Flagged(0.0, reason)
    pairs = case.instances(label)
    iou = pairs.overlap / (pairs.reference[pairs.first] + pairs.prediction[pairs.second] - pairs.overlap)
    matched = iou[iou > at]
    return float(matched.sum() / ((len(pairs.reference) + len(pairs.prediction)) / 2))


@metric(
    **FACTS,
    parameters={"at": 0.5},
    title="Panoptic quality",
    symbol="PQ",
    formula="sum of IoU over matches / (TP + FP / 2 + FN / 2); a match has IoU above 0.5",
    convention=INSTANCE + "Per label and case, then the mean. Empty in both: left out (bare: 1); empty in one: 0.",
    equals="panoptica, brute force",
    pitfalls="Touching lesions are one instance; small lesions below IoU 0.5 count as missed and as invented.",
    reference="Kirillov 2019, CVPR 9404, doi:10.1109/CVPR.2019.00963",
    per_case=per_label(_panoptic_quality),
)
def panoptic_quality(reference, prediction, *, at: float = 0.5, label: int | None = None, spacing=None) -> float:
    """Panoptic quality of the instances of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    `at`: the IoU a match must exceed. Without `label`: of a mask, or the mean over labels. Raises ValueError as `dice` does.

    >>> panoptic_quality([[1, 1, 1, 0, 1]], [[1, 1, 0, 0, 0]])
    0.4444444444444444
    """
    return whole(_panoptic_quality, reference, prediction, label, spacing, empty=1.0, at=at)


def _lesions(case: Case, label: int, overlap: float) -> tuple[int, int, int, int]:
    """Found and all lesions of the reference, true and all lesions of the prediction; found: more than `overlap` is covered."""
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap is a share of a lesion from 0 to below 1, not {overlap}")
    pairs = case.instances(label)
    covered = np.bincount(pairs.first, pairs.overlap, len(pairs.reference)) / pairs.reference
    true = np.bincount(pairs.second, pairs.overlap, len(pairs.prediction)) / pairs.prediction
    return int((covered > overlap).sum()), len(covered), int((true > overlap).sum()), len(true)


def _lesion_sensitivity(case: Case, label: int, overlap: float = 0.0) -> float:
    reference, prediction, _ = case.sizes(label)
    if not reference:
        return Undefined(REFERENCE_EMPTY if prediction else BOTH_EMPTY)
    if not prediction:
        return 0.0
    found, lesions, _, _ = _lesions(case, label, overlap)
    return found / lesions


def _lesion_f1(case: Case, label: int, overlap: float = 0.0) -> float:
    reason = case.emptiness(label)
    if reason:
        return Undefined(reason) if reason == BOTH_EMPTY else Flagged(0.0, reason)
    found, lesions, true, answers = _lesions(case, label, overlap)
    sensitivity, precision = found / lesions, true / answers
    return 2 * sensitivity * precision / (sensitivity + precision) if sensitivity + precision else 0.0


LESION = (
    INSTANCE
    + "A lesion is found if the predicted mask covers more than `overlap` of it (0: one voxel); a predicted one is "
    "true if the reference covers more than that of it."
)


@metric(
    **FACTS,
    parameters={"overlap": 0.0},
    title="Lesion-wise F1",
    symbol="Lesion F1",
    formula="2 S P / (S + P); S: share of lesions found, P: share of predicted lesions that are true",
    convention=LESION + " Empty in both: left out of the mean (bare: 1); empty in one: 0.",
    equals="brute force; MetricsReloaded with the same hit rule",
    pitfalls="The hit rule decides: one voxel is lenient to smears, which only an overlap metric punishes.",
    reference="Commowick 2018, Scientific Reports 8:13650, doi:10.1038/s41598-018-31911-7",
    per_case=per_label(_lesion_f1),
)
def lesion_f1(reference, prediction, *, overlap: float = 0.0, label: int | None = None, spacing=None) -> float:
    """F1 over lesions of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    `overlap`: the share of a lesion that must be covered, 0 for one voxel. Without `label`: of a mask, or the mean over
    labels. Raises ValueError as `dice` does.

    >>> lesion_f1([[1, 1, 0, 1, 0, 0]], [[0, 1, 0, 0, 0, 1]])
    0.5
    """
    return whole(_lesion_f1, reference, prediction, label, spacing, empty=1.0, overlap=overlap)


@metric(
    **FACTS,
    parameters={"overlap": 0.0},
    title="Lesion-wise sensitivity",
    symbol="Lesion sensitivity",
    formula="lesions found / lesions",
    convention=LESION + " A case without lesions is left out.",
    equals="brute force; MetricsReloaded with the same hit rule",
    pitfalls="A mask that covers everything finds every lesion; never alone, always beside false positives.",
    reference="Commowick 2018, Scientific Reports 8:13650, doi:10.1038/s41598-018-31911-7",
    per_case=per_label(_lesion_sensitivity),
)
def lesion_sensitivity(reference, prediction, *, overlap: float = 0.0, label: int | None = None, spacing=None) -> float:
    """Share of lesions found; arguments and errors as for `lesion_f1`; NaN without lesions.

    >>> lesion_sensitivity([[1, 1, 0, 1, 0, 0]], [[0, 1, 0, 0, 0, 1]])
    0.5
    """
    return whole(_lesion_sensitivity, reference, prediction, label, spacing, empty=None, overlap=overlap)
