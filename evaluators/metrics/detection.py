"""Finding lesions by boxes: free-response curves and average precision, with values on resampled images in the same walk."""

import math

import numpy as np

from evaluators.metrics import _boxes, _sweeps
from evaluators.metrics.registry import Undefined, metric

RATES = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)
COCO = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
MOST = 100  # detections of an image that COCO looks at
NO_LESIONS = "no image has a reference box, so there is nothing to find"

FACTS = {
    "kinds": ("detection",),
    "needs": {"boxes"},
    "direction": "higher",
    "range": (0.0, 1.0),
    "best": 1.0,
    "unit": "",
}


class _OverImages:
    """Values of one answer: all images once, or each of many resamples of them; the mean over classes that have lesions."""

    def __init__(self, reference, prediction, **parameters):
        self.classes = _boxes.classes(reference, prediction)
        self.parts = [self.prepare(boxes, **parameters) for boxes in self.classes]
        self.lesions = [np.bincount(boxes.reference_image, minlength=boxes.n).astype(float) for boxes in self.classes]

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """The value on each resample: `weights` (images, B) uint8 -> (B,), NaN where it is undefined."""
        weights = np.ascontiguousarray(weights)
        values = np.array(
            [self.sweep(*each, weights) for each in zip(self.classes, self.parts, self.lesions, strict=True)]
        )
        defined = ~np.isnan(values)
        count = defined.sum(0)
        return np.divide(
            np.where(defined, values, 0).sum(0), count, out=np.full(weights.shape[1], np.nan), where=count > 0
        )

    def value(self) -> float:
        value = float(self(np.ones((self.classes[0].n, 1), np.uint8))[0])
        return Undefined(NO_LESIONS) if math.isnan(value) else value


class _FreeResponse(_OverImages):
    def prepare(self, boxes, fp_per_image=RATES, hit="iou", iou=0.5, within=None):
        self.rates = np.unique(np.atleast_1d(np.asarray(fp_per_image, float)))
        if not (self.rates.size and np.isfinite(self.rates).all() and self.rates[0] >= 0):
            raise ValueError(f"fp_per_image is one or several rates from 0 on, not {fp_per_image}")
        ends = np.append(boxes.scores[1:] != boxes.scores[:-1], True) if boxes.scores.size else np.empty(0, bool)
        return _boxes.outcomes(boxes, hit, iou, within), ends

    def sweep(self, boxes, part, lesions, weights):
        return self.curve(boxes, part, lesions, weights).mean(0)

    def curve(self, boxes, part, lesions, weights) -> np.ndarray:
        """Sensitivity at each of `rates` on each resample, (rates, B)."""
        out = np.empty((len(self.rates), weights.shape[1]))
        _sweeps.free_response(part[0], part[1], boxes.image, lesions, self.rates, weights, out)
        return out


class _Precision(_OverImages):
    def prepare(self, boxes, iou=COCO, recall_only=False):
        self.recall_only = recall_only
        thresholds = np.atleast_1d(np.asarray(iou, float))
        if not (thresholds.size and (thresholds > 0).all() and (thresholds <= 1).all()):
            raise ValueError(f"iou is above 0 and at most 1, not {iou}")
        return _boxes.coco_outcomes(boxes, thresholds, MOST)

    def sweep(self, boxes, part, lesions, weights):
        area, reached = np.empty((2, len(part), weights.shape[1]))
        for k, outcome in enumerate(part):
            _sweeps.precision_recall(outcome, boxes.image, lesions, RECALLS, weights, area[k], reached[k])
        return (reached if self.recall_only else area).mean(0)


HIT_RULES = (
    "A detection hits by `hit`: iou (IoU at least `iou`), centre (its centre inside the reference box) or distance (centres at "
    "most `within` apart; by default half the longest side). By falling score each detection finds the lesion it hits best of "
    "those not found; one that hits only found lesions is ignored; the others are false positives."
)


@metric(
    **FACTS,
    parameters={"fp_per_image": RATES, "hit": "iou", "iou": 0.5, "within": None},
    title="Mean sensitivity of the free-response curve",
    symbol="FROC",
    formula="mean over f in {1/8, 1/4, 1/2, 1, 2, 4, 8} of sensitivity at f false positives per image",
    convention=HIT_RULES
    + " Every threshold counts; equal scores share one; linear between thresholds, held beyond the last.",
    equals="brute force (MONAI and the CAMELYON16 script drop the lowest threshold)",
    pitfalls="False positives are counted per image: more empty images make it easier.",
    reference="Setio 2017, Medical Image Analysis 42:1, doi:10.1016/j.media.2017.06.015",
    weighted=_FreeResponse,
)
def froc(reference, prediction, *, fp_per_image=RATES, hit="iou", iou=0.5, within=None) -> float:
    """Mean sensitivity at the given false positives per image, 0 to 1; NaN without reference boxes.

    `reference`: per image (m, 4) x, y, width, height or (m, 6) x, y, z, width, height, depth; `prediction`: the same with a
    score last; or mappings from class to such lists, then the mean over classes. `hit`: iou, centre or distance, with `iou`
    the least overlap and `within` the largest distance of centres (default: half the longest side of the reference box).
    Raises ValueError for NaN, infinity, negative sizes or lists of unequal length.

    >>> froc([[[0, 0, 10, 10]], []], [[[1, 0, 10, 10, 0.9]], [[5, 5, 3, 3, 0.4]]])
    1.0
    """
    return _FreeResponse(reference, prediction, fp_per_image=fp_per_image, hit=hit, iou=iou, within=within).value()


@metric(
    **FACTS,
    parameters={"fp_per_image": 1.0, "hit": "iou", "iou": 0.5, "within": None},
    title="Sensitivity at a false-positive rate",
    symbol="Sensitivity at FP/image",
    formula="share of lesions found where there are f false positives per image",
    convention=HIT_RULES + " Linear between thresholds, held beyond the last.",
    equals="brute force",
    pitfalls="One point of the curve; choose the rate a reader would tolerate before looking.",
    reference="Bunch 1978, J Appl Photogr Eng 4:166; Setio 2017, doi:10.1016/j.media.2017.06.015",
    weighted=lambda reference, prediction, fp_per_image=1.0, **parameters: _FreeResponse(
        reference, prediction, fp_per_image=fp_per_image, **parameters
    ),
)
def sensitivity_at_fp(reference, prediction, *, fp_per_image=1.0, hit="iou", iou=0.5, within=None) -> float:
    """Share of lesions found at `fp_per_image` false positives per image, 0 to 1; arguments and errors as for `froc`.

    >>> sensitivity_at_fp([[[0, 0, 10, 10]]], [[[50, 0, 10, 10, 0.9], [0, 0, 10, 10, 0.5]]], fp_per_image=0.5)
    0.0
    """
    return _FreeResponse(reference, prediction, fp_per_image=fp_per_image, hit=hit, iou=iou, within=within).value()


COCO_RULES = (
    "COCO: by falling score each detection takes the free reference box of highest IoU; the 100 best of an image; precision "
    "made monotone and read at 101 recalls; mean over classes."
)


@metric(
    **FACTS,
    parameters={"iou": 0.5},
    title="Average precision at one IoU",
    symbol="AP50",
    formula="mean over recalls 0, 0.01, ..., 1 of the highest precision at that recall or more; match: IoU at least 0.5",
    convention=COCO_RULES,
    equals="pycocotools, faster-coco-eval",
    pitfalls="Detections of equal score count in the order given, images in the order of the cases.",
    reference="Lin 2014, ECCV, doi:10.1007/978-3-319-10602-1_48",
    weighted=lambda reference, prediction, iou=0.5: _Precision(reference, prediction, iou=iou),
)
def average_precision_iou(reference, prediction, *, iou: float = 0.5) -> float:
    """COCO average precision of boxes at one IoU, 0 to 1; boxes and errors as for `froc`; NaN without reference boxes.

    >>> round(average_precision_iou([[[0, 0, 10, 10]], []], [[[0, 0, 10, 9, 0.4]], [[5, 5, 3, 3, 0.9]]]), 6)
    0.5
    """
    return _Precision(reference, prediction, iou=iou).value()


@metric(
    **FACTS,
    title="Mean average precision (COCO)",
    symbol="mAP",
    formula="mean over IoU 0.50, 0.55, ..., 0.95 and classes of average precision",
    convention=COCO_RULES,
    equals="pycocotools, faster-coco-eval",
    pitfalls="Rewards tight boxes; for small lesions FROC with a centre criterion says more.",
    reference="Lin 2014, ECCV, doi:10.1007/978-3-319-10602-1_48",
    weighted=_Precision,
)
def mean_average_precision(reference, prediction) -> float:
    """COCO mean average precision of boxes, 0 to 1; boxes and errors as for `froc`; NaN without reference boxes.

    >>> round(mean_average_precision([[[0, 0, 10, 10]]], [[[0, 0, 10, 8, 0.4]]]), 6)
    0.7
    """
    return _Precision(reference, prediction).value()


@metric(
    **FACTS,
    title="Average recall (COCO)",
    symbol="AR100",
    formula="mean over IoU 0.50, 0.55, ..., 0.95 and classes of the recall of at most 100 detections an image",
    convention=COCO_RULES,
    equals="pycocotools, faster-coco-eval",
    pitfalls="Costs nothing to raise with more boxes up to a hundred; read it beside precision.",
    reference="Lin 2014, ECCV, doi:10.1007/978-3-319-10602-1_48",
    weighted=lambda reference, prediction: _Precision(reference, prediction, recall_only=True),
)
def average_recall(reference, prediction) -> float:
    """COCO average recall of at most 100 boxes an image, 0 to 1; boxes and errors as for `froc`; NaN without reference boxes.

    >>> round(average_recall([[[0, 0, 10, 10]]], [[[0, 0, 10, 8, 0.4]]]), 6)
    0.7
    """
    return _Precision(reference, prediction, recall_only=True).value()
