"""Boxes of reference and prediction, image by image, and which detection hits which lesion.

A box is (x, y, width, height) or (x, y, z, width, height, depth), of a detection with its score last. Guarantees that past
this door everything is finite, of one form and that ties in score keep the order they were given in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from evaluators.kernels import kernel

HITS = ("iou", "centre", "distance")


@dataclass(frozen=True)
class Boxes:
    """All boxes of one class over n images, one after the other; `images` (m,) says whose each is."""

    n: int
    reference: np.ndarray  # (m, 4 or 6)
    reference_image: np.ndarray  # (m,)
    detections: np.ndarray  # (d, 4 or 6), by falling score, ties as given
    scores: np.ndarray  # (d,)
    image: np.ndarray  # (d,)


def classes(reference, prediction) -> list[Boxes]:
    """One `Boxes` a class: of two lists over images, or of two mappings from class to such a list. Raises ValueError."""
    if isinstance(reference, Mapping) != isinstance(prediction, Mapping):
        raise ValueError(
            "reference and prediction must both be lists over images, or both mappings from class to such lists"
        )
    if not isinstance(reference, Mapping):
        return [_boxes(reference, prediction)]
    unknown = set(prediction) - set(reference)
    if unknown:
        raise ValueError(f"prediction has classes the reference does not have: {', '.join(sorted(map(str, unknown)))}")
    return [_boxes(reference[name], prediction.get(name, [()] * len(reference[name]))) for name in reference]


def _boxes(reference, prediction) -> Boxes:
    if len(reference) != len(prediction):
        raise ValueError(f"prediction covers {len(prediction)} images, reference {len(reference)}")
    if not len(reference):
        raise ValueError("no images")
    truth, truth_image = _stacked(reference, (4, 6), "reference")
    answer, image = _stacked(prediction, (5, 7), "prediction")
    if len(truth) and len(answer) and truth.shape[1] + 1 != answer.shape[1]:
        raise ValueError("reference and prediction must both be boxes in a plane or both in a volume")
    axes = truth.shape[1] if len(truth) else answer.shape[1] - 1
    truth, answer = truth.reshape(-1, axes), answer.reshape(-1, axes + 1)
    order = np.argsort(-answer[:, -1], kind="stable")
    answer = answer[order]
    return Boxes(
        len(reference),
        np.ascontiguousarray(truth),
        truth_image,
        np.ascontiguousarray(answer[:, :-1]),
        np.ascontiguousarray(answer[:, -1]),
        image[order],
    )


def _stacked(rows, widths: tuple[int, int], what: str) -> tuple[np.ndarray, np.ndarray]:
    tables = []
    for index, table in enumerate(rows):
        table = np.asarray(table, np.float64)
        if not table.size:
            table = np.empty((0, 0))
        elif table.ndim != 2 or table.shape[1] not in widths:
            raise ValueError(
                f"{what} of image {index}: boxes have {widths[0]} or {widths[1]} numbers, not shape {table.shape}"
            )
        tables.append(table)
    used = {table.shape[1] for table in tables if table.size}
    if len(used) > 1:
        raise ValueError(f"{what}: boxes in a plane and in a volume are mixed")
    width = used.pop() if used else widths[0]
    stacked = np.concatenate([table.reshape(-1, width) for table in tables])
    if not np.isfinite(stacked).all():
        raise ValueError(f"{what}: NaN or infinity in a box or score")
    sizes = stacked[:, (width if width in (4, 6) else width - 1) // 2 : (width if width in (4, 6) else width - 1)]
    if (sizes < 0).any():
        raise ValueError(f"{what}: a box has a negative width, height or depth")
    return stacked, np.repeat(np.arange(len(tables)), [len(table) for table in tables])


@njit(nogil=True)
def box_iou(a, b):
    """Intersection over union of two boxes, corner first and then sizes."""
    axes = a.size // 2
    both, one, two = 1.0, 1.0, 1.0
    for i in range(axes):
        both *= max(0.0, min(a[i] + a[axes + i], b[i] + b[axes + i]) - max(a[i], b[i]))
        one *= a[axes + i]
        two *= b[axes + i]
    union = one + two - both
    return both / union if union > 0 else 0.0


@njit(nogil=True)
def _merit(lesion, box, hit, iou, within):
    """How well a detection hits a lesion, larger is better; -inf where it does not. `hit` as in HITS."""
    if hit == 0:
        value = box_iou(lesion, box)
        return value if value >= iou else -np.inf
    axes = lesion.size // 2
    inside, square, largest = True, 0.0, 0.0
    for i in range(axes):
        step = (box[i] + box[axes + i] / 2) - (lesion[i] + lesion[axes + i] / 2)
        inside &= abs(step) <= lesion[axes + i] / 2
        square += step * step
        largest = max(largest, lesion[axes + i])
    if hit == 1:
        return -square if inside else -np.inf
    reach = within if within > 0 else largest / 2
    return -square if square <= reach * reach else -np.inf


@kernel("f8[:,::1]", "i8[::1]", "f8[:,::1]", "i8[::1]", "i8", "f8", "f8", "i1[::1]!")
def _found(reference, first, detections, image, hit, iou, within, outcome):
    """By falling score: 1 for the first hit of a lesion, 0 for a hit of lesions already found, -1 for a false positive."""
    taken = np.zeros(reference.shape[0], np.bool_)
    for d in range(detections.shape[0]):
        best, chosen, touches = -np.inf, -1, False
        for r in range(first[image[d]], first[image[d] + 1]):
            merit = _merit(reference[r], detections[d], hit, iou, within)
            if merit == -np.inf:
                continue
            touches = True
            if not taken[r] and merit > best:
                best, chosen = merit, r
        if chosen >= 0:
            taken[chosen] = True
            outcome[d] = 1
        else:
            outcome[d] = 0 if touches else -1


def firsts(boxes: Boxes) -> np.ndarray:
    """Index of the first reference box of each image, and the end: (n + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(boxes.reference_image, minlength=boxes.n))])


def outcomes(boxes: Boxes, hit: str, iou: float, within: float | None) -> np.ndarray:
    """Of each detection: 1 it finds a lesion, 0 it hits only lesions found before (ignored), -1 a false positive; (d,) int8.

    A detection finds at most one lesion, the one it hits best. Raises ValueError for an unknown criterion.
    """
    if hit not in HITS:
        raise ValueError(f"hit is one of {', '.join(HITS)}, not {hit!r}")
    if not 0 < iou <= 1:
        raise ValueError(f"iou is above 0 and at most 1, not {iou}")
    if within is not None and not (np.isfinite(within) and within > 0):
        raise ValueError(f"within is a positive distance, not {within}")
    outcome = np.empty(len(boxes.scores), np.int8)
    _found(
        boxes.reference,
        firsts(boxes),
        boxes.detections,
        boxes.image,
        HITS.index(hit),
        float(iou),
        float(within or 0),
        outcome,
    )
    return outcome


@kernel("f8[:,::1]", "i8[::1]", "f8[:,::1]", "i8[::1]", "f8[::1]", "i8", "i1[:,::1]!")
def _coco(reference, first, detections, image, thresholds, most, outcome):
    seen = np.zeros(first.size - 1, np.int64)
    taken = np.zeros((thresholds.size, reference.shape[0]), np.bool_)
    for d in range(detections.shape[0]):
        i = image[d]
        seen[i] += 1
        if seen[i] > most:
            outcome[:, d] = 0
            continue
        for t in range(thresholds.size):
            best, chosen = min(thresholds[t], 1 - 1e-10), -1
            for r in range(first[i], first[i + 1]):
                if not taken[t, r]:
                    value = box_iou(reference[r], detections[d])
                    if value >= best:
                        best, chosen = value, r
            if chosen >= 0:
                taken[t, chosen] = True
                outcome[t, d] = 1
            else:
                outcome[t, d] = -1


def coco_outcomes(boxes: Boxes, thresholds: np.ndarray, most: int) -> np.ndarray:
    """At each IoU threshold, of each detection: 1 a match, -1 none, 0 beyond the `most` best of its image; (t, d) int8.

    COCO's matching: by falling score, each takes the free reference box of highest IoU, the later one of equals.
    """
    outcome = np.empty((len(thresholds), len(boxes.scores)), np.int8)
    _coco(boxes.reference, firsts(boxes), boxes.detections, boxes.image, thresholds, most, outcome)
    return outcome
