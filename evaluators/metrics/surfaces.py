"""How far two boundaries lie apart: Hausdorff and average surface distances, and normalised surface distance.

Surface voxels are those with a face neighbour outside the mask or outside the image; distances are between voxel centres, mm.
"""

import numpy as np

from evaluators.metrics.registry import Undefined, metric
from evaluators.metrics.segmentation import BOTH_EMPTY, Case, Flagged, per_label, whole

DISTANCE = {
    "kinds": ("segmentation",),
    "needs": {"masks"},
    "direction": "lower",
    "range": (0.0, float("inf")),
    "best": 0.0,
    "unit": "mm",
}
SHARE = {
    "kinds": ("segmentation",),
    "needs": {"masks"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "unit": "",
    "parameters": {"tolerance": 1.0},
}
EMPTY_DISTANCE = (
    " Empty in both: left out of the mean (bare: 0); empty in one: the image diagonal, (shape - 1) x spacing, flagged."
)
EMPTY_SHARE = " Empty in both: left out of the mean (bare: 1); empty in one: 0."


def _distance(of_both):
    """A distance metric of a case from a function of the two directed distances, with the rule for empty masks."""

    def value(case: Case, label: int) -> float:
        reason = case.emptiness(label)
        if reason:
            return Undefined(reason) if reason == BOTH_EMPTY else Flagged(case.diagonal, reason)
        return of_both(*case.distances(label))

    return value


_hd = _distance(lambda there, back: max(there.largest, back.largest))
_hd95 = _distance(lambda there, back: max(there.percentile(0.95), back.percentile(0.95)))
_assd = _distance(lambda there, back: (there.total + back.total) / (there.n + back.n))
_masd = _distance(lambda there, back: (there.total / there.n + back.total / back.n) / 2)


@metric(
    **DISTANCE,
    title="Hausdorff distance",
    symbol="HD",
    formula="max(max over ∂R of d(r, ∂P), max over ∂P of d(p, ∂R))",
    convention="Between surface voxels, mm." + EMPTY_DISTANCE,
    equals="MONAI, medpy, MetricsReloaded",
    pitfalls="One stray voxel decides it; HD95 is steadier.",
    reference="Huttenlocher 1993, IEEE TPAMI 15:850, doi:10.1109/34.232073",
    per_case=per_label(_hd),
)
def hd(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Hausdorff distance in mm of two masks, or of one `label` of two label maps (2D or 3D, equal shapes).

    `spacing`: mm per axis (1). Without `label`: of a mask, or the mean over labels. Raises ValueError as `dice` does.

    >>> hd([[1, 0, 0, 0]], [[0, 0, 1, 0]], spacing=(1, 0.5))
    1.0
    """
    return whole(_hd, reference, prediction, label, spacing, empty=0.0)


@metric(
    **DISTANCE,
    title="95th percentile of the Hausdorff distance",
    symbol="HD95",
    formula="max(P95 over ∂R of d(r, ∂P), P95 over ∂P of d(p, ∂R))",
    convention="The larger of the two directed 95th percentiles, linear between order statistics, mm." + EMPTY_DISTANCE,
    equals="MONAI, MetricsReloaded (medpy pools both directions; surface-distance weights by area)",
    pitfalls="Compare only values of one definition: libraries differ by tenths of a millimetre on one case.",
    reference="Maier-Hein 2024, Nature Methods 21:195, doi:10.1038/s41592-023-02151-z",
    per_case=per_label(_hd95),
)
def hd95(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """95th percentile Hausdorff distance in mm; arguments and errors as for `hd`.

    >>> hd95([[1, 0, 0, 0]], [[0, 0, 1, 0]])
    2.0
    """
    return whole(_hd95, reference, prediction, label, spacing, empty=0.0)


@metric(
    **DISTANCE,
    title="Average symmetric surface distance",
    symbol="ASSD",
    formula="(sum over ∂R of d(r, ∂P) + sum over ∂P of d(p, ∂R)) / (|∂R| + |∂P|)",
    convention="Mean over all surface voxels of both masks together, mm." + EMPTY_DISTANCE,
    equals="medpy, MetricsReloaded",
    pitfalls="Hides a small region that is far off; read it beside HD95.",
    reference="Heimann 2009, IEEE TMI 28:1251, doi:10.1109/TMI.2009.2013851",
    per_case=per_label(_assd),
)
def assd(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Average symmetric surface distance in mm; arguments and errors as for `hd`.

    >>> assd([[1, 1, 0, 0]], [[0, 1, 1, 0]])
    0.5
    """
    return whole(_assd, reference, prediction, label, spacing, empty=0.0)


@metric(
    **DISTANCE,
    title="Mean average surface distance",
    symbol="MASD",
    formula="(mean over ∂R of d(r, ∂P) + mean over ∂P of d(p, ∂R)) / 2",
    convention="Mean of the two directed means, so that a large surface does not outweigh a small one, mm."
    + EMPTY_DISTANCE,
    equals="MetricsReloaded",
    pitfalls="Differs from ASSD where the surfaces differ in size; name the one you report.",
    reference="Maier-Hein 2024, Nature Methods 21:195, doi:10.1038/s41592-023-02151-z",
    per_case=per_label(_masd),
)
def masd(reference, prediction, *, label: int | None = None, spacing=None) -> float:
    """Mean average surface distance in mm; arguments and errors as for `hd`.

    >>> masd([[1, 1, 0, 0]], [[0, 1, 1, 0]])
    0.5
    """
    return whole(_masd, reference, prediction, label, spacing, empty=0.0)


def _share(of_case):
    """A share metric of a case with the rule for empty masks and the check of the tolerance."""

    def value(case: Case, label: int, tolerance: float = 1.0) -> float:
        if not (np.isfinite(tolerance) and tolerance >= 0):
            raise ValueError(f"tolerance is a distance in mm from 0 on, not {tolerance}")
        reason = case.emptiness(label)
        if reason:
            return Undefined(reason) if reason == BOTH_EMPTY else Flagged(0.0, reason)
        within, every = of_case(case, label, tolerance)
        return within / every

    return value


def _within_voxels(case: Case, label: int, tolerance: float) -> tuple[int, int]:
    there, back = case.distances(label)
    return there.within(tolerance) + back.within(tolerance), there.n + back.n


_nsd = _share(Case.boundary_within)
_nsd_voxel = _share(_within_voxels)


@metric(
    **SHARE,
    title="Normalised surface distance (surface Dice)",
    symbol="NSD",
    formula="(area of ∂R within τ of ∂P + area of ∂P within τ of ∂R) / (area of ∂R + area of ∂P)",
    convention="At a stated tolerance τ in mm; surface elements of 2x2x2 neighbourhoods weighted by area."
    + EMPTY_SHARE,
    equals="surface-distance (its git head), MONAI with use_subvoxels",
    pitfalls="The tolerance decides; take it from the disagreement of human readers. The voxel variant gives other numbers.",
    reference="Nikolov 2021, J Med Internet Res 23:e26151, doi:10.2196/26151",
    per_case=per_label(_nsd),
)
def nsd(reference, prediction, *, tolerance: float = 1.0, label: int | None = None, spacing=None) -> float:
    """Share of both boundaries, by area, within `tolerance` mm of the other, 0 to 1; arguments and errors as for `hd`.

    >>> nsd([[0, 1, 1, 0]], [[0, 1, 1, 0]], tolerance=0.5)
    1.0
    """
    return whole(_nsd, reference, prediction, label, spacing, empty=1.0, tolerance=tolerance)


@metric(
    **SHARE,
    title="Normalised surface distance by voxels",
    symbol="NSD (voxels)",
    formula="(|{r in ∂R: d(r, ∂P) ≤ τ}| + |{p in ∂P: d(p, ∂R) ≤ τ}|) / (|∂R| + |∂P|)",
    convention="Counts surface voxels instead of weighting surface elements by area." + EMPTY_SHARE,
    equals="MONAI, MetricsReloaded",
    pitfalls="Depends on the voxel grid more than the area form; 0.71 against 0.79 on one case.",
    reference="Nikolov 2021, J Med Internet Res 23:e26151, doi:10.2196/26151; MONAI's variant",
    per_case=per_label(_nsd_voxel),
)
def nsd_voxel(reference, prediction, *, tolerance: float = 1.0, label: int | None = None, spacing=None) -> float:
    """Share of both surfaces, by voxels, within `tolerance` mm of the other, 0 to 1; arguments and errors as for `hd`.

    >>> nsd_voxel([[0, 1, 1, 0]], [[0, 0, 1, 1]], tolerance=0.5)
    0.5
    """
    return whole(_nsd_voxel, reference, prediction, label, spacing, empty=1.0, tolerance=tolerance)
