"""How much of a structure was found, wherever it lies: differences of volume."""

from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, REFERENCE_EMPTY, Case, per_label, whole

FACTS = {"kinds": ("segmentation",), "needs": {"masks"}, "best": 0.0}
LEFT_OUT = " Empty in both: left out of the mean (bare: 0)."
ML = 1000.0  # mm3


def _volume_bias(case: Case, label: int) -> float:
    reference, prediction, _ = case.sizes(label)
    return (prediction - reference) * case.voxel / ML if reference + prediction else Undefined(BOTH_EMPTY)


def _volume_difference(case: Case, label: int) -> float:
    value = _volume_bias(case, label)
    return value if value != value else abs(value)


def _relative_volume_difference(case: Case, label: int) -> float:
    reference, prediction, _ = case.sizes(label)
    if not reference:
        return Undefined(REFERENCE_EMPTY if prediction else BOTH_EMPTY)
    return abs(prediction - reference) / reference


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, float("inf")),
    unit="mL",
    title="Absolute volume difference",
    symbol="AVD",
    formula="|V(P) - V(R)|",
    convention="In millilitres, from the spacing; of an image, thousands of mm2." + LEFT_OUT,
    equals="brute force",
    pitfalls="A mask of the right size in the wrong place scores best; read it beside an overlap metric.",
    reference="Heimann 2009, IEEE TMI 28:1251, doi:10.1109/TMI.2009.2013851",
    per_case=per_label(_volume_difference),
)
def volume_difference(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Absolute difference of volume in mL of two masks, or of one `label` of two label maps (2D or 3D, equal shapes).

    `spacing`: mm per axis (1). Without `label`: of a mask, or the mean over labels. Raises ValueError as `dice` does.

    >>> volume_difference([[1, 1, 1]], [[0, 0, 1]], spacing=(10, 100))
    2.0
    """
    return whole(_volume_difference, reference, prediction, label, spacing, empty=0.0)


@metric(
    **FACTS,
    direction="lower",
    range=(0.0, float("inf")),
    unit="",
    title="Relative volume difference",
    symbol="RVD",
    formula="|V(P) - V(R)| / V(R)",
    convention="Without sign, as a share of the reference. An empty reference has none: left out of the mean; two empty masks "
    "as a bare function: 0.",
    equals="MetricsReloaded, brute force",
    pitfalls="A case without the structure is left out even if the prediction invents one: Dice counts that.",
    reference="Heimann 2009, IEEE TMI 28:1251, doi:10.1109/TMI.2009.2013851",
    per_case=per_label(_relative_volume_difference),
)
def relative_volume_difference(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Absolute difference of volume as a share of the reference's; arguments and errors as for `volume_difference`.

    >>> relative_volume_difference([[1, 1, 0, 0]], [[1, 0, 0, 0]])
    0.5
    """
    return whole(_relative_volume_difference, reference, prediction, label, spacing, empty=0.0)


@metric(
    **FACTS,
    direction="target",
    range=(float("-inf"), float("inf")),
    unit="mL",
    title="Volume bias",
    symbol="ΔV",
    formula="V(P) - V(R)",
    convention="In millilitres, positive where the prediction is larger; best at 0." + LEFT_OUT,
    equals="brute force",
    pitfalls="Too large in one case and too small in another cancel in the mean; AVD shows both.",
    reference="Heimann 2009, IEEE TMI 28:1251, doi:10.1109/TMI.2009.2013851",
    per_case=per_label(_volume_bias),
)
def volume_bias(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Predicted minus true volume in mL; arguments and errors as for `volume_difference`.

    >>> volume_bias([[1, 1, 1]], [[0, 0, 1]], spacing=(10, 100))
    -2.0
    """
    return whole(_volume_bias, reference, prediction, label, spacing, empty=0.0)
