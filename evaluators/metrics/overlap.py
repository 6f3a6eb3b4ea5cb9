"""Overlap of a predicted mask with the reference: Dice and intersection over union."""

from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, Case, per_label, whole

FACTS = {
    "kinds": ("segmentation",),
    "needs": {"masks"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "unit": "",
    "convention": "Per label and case. Empty in both: left out of the mean and counted; empty in one: 0, so that an invented "
    "label costs. Mean over cases, then over labels. As a bare function on two empty masks: 1.",
    "equals": "MONAI, MetricsReloaded",
}


def _dice(case: Case, label: int) -> float:
    reference, prediction, both = case.sizes(label)
    return 2 * both / (reference + prediction) if reference + prediction else Undefined(BOTH_EMPTY)


@metric(
    **FACTS,
    title="Dice similarity coefficient",
    symbol="Dice",
    formula="2 |R ∩ P| / (|R| + |P|)",
    pitfalls="A single voxel of a small structure moves it much; says nothing of shape, so pair it with a surface metric.",
    reference="Dice 1945, Ecology 26:297, doi:10.2307/1932409",
    per_case=per_label(_dice),
)
def dice(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Dice similarity coefficient of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    Without `label`: of a mask (anything but 0), or the mean over the labels in either map. Raises ValueError for unequal
    shapes, NaN, infinity or values that are not whole.

    >>> dice([[0, 1, 1]], [[0, 1, 0]])
    0.6666666666666666
    """
    return whole(_dice, reference, prediction, label, spacing, empty=1.0)


def _iou(case: Case, label: int) -> float:
    reference, prediction, both = case.sizes(label)
    return both / (reference + prediction - both) if reference + prediction else Undefined(BOTH_EMPTY)


@metric(
    **FACTS,
    title="Intersection over union (Jaccard index)",
    symbol="IoU",
    formula="|R ∩ P| / |R ∪ P|",
    pitfalls="Orders entries of one case as Dice does, their means over cases not always; report one of the two.",
    reference="Jaccard 1912, New Phytologist 11:37, doi:10.1111/j.1469-8137.1912.tb05611.x",
    per_case=per_label(_iou),
)
def iou(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Intersection over union of two masks, or of one `label` of two label maps (2D or 3D, equal shapes); 0 to 1.

    Without `label` and what is refused: as for `dice`.

    >>> iou([[0, 1, 1]], [[0, 1, 0]])
    0.5
    """
    return whole(_iou, reference, prediction, label, spacing, empty=1.0)
