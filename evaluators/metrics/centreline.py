"""Overlap of centrelines, for tubes: vessels, airways, nerves."""

import numpy as np

from evaluators.metrics import _skeleton
from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, Case, Flagged, per_label, whole


def _cl_dice(case: Case, label: int) -> float:
    reason = case.emptiness(label)
    if reason:
        return Undefined(reason) if reason == BOTH_EMPTY else Flagged(0.0, reason)
    reference, prediction = case.masks(label)
    of_prediction, of_reference = _skeleton.skeleton(prediction), _skeleton.skeleton(reference)
    precision = np.count_nonzero(of_prediction & reference) / np.count_nonzero(of_prediction)
    sensitivity = np.count_nonzero(of_reference & prediction) / np.count_nonzero(of_reference)
    return float(2 * precision * sensitivity / (precision + sensitivity)) if precision + sensitivity else 0.0


@metric(
    kinds=("segmentation",),
    needs={"masks"},
    direction="higher",
    range=(0.0, 1.0),
    best=1.0,
    unit="",
    title="Centreline Dice",
    symbol="clDice",
    formula="2 Tp Ts / (Tp + Ts), Tp = |S(P) ∩ R| / |S(P)|, Ts = |S(R) ∩ P| / |S(R)|; S: skeleton",
    convention="Skeletons by Lee's thinning in volumes and images; counted in voxels. Empty in both: left out of the mean "
    "(bare: 1); empty in one: 0.",
    equals='scikit-image, skeletonize(method="lee"), which loses some components of a few voxels that are kept here',
    pitfalls="For tubes only; says nothing of their width, and thinning another way moves it by a few hundredths.",
    reference="Shit 2021, CVPR 16560, doi:10.1109/CVPR46437.2021.01629",
    per_case=per_label(_cl_dice),
)
def cl_dice(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Centreline Dice of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    Without `label`: of a mask, or the mean over labels. Raises ValueError as `dice` does.

    >>> cl_dice([[0, 0, 0, 0], [1, 1, 1, 1]], [[0, 0, 0, 0], [0, 0, 1, 1]])
    0.6666666666666666
    """
    return whole(_cl_dice, reference, prediction, label, spacing, empty=1.0)
