"""Detection metrics: golden values, 200 random sets of boxes against MONAI and brute force, and resampled images."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.apps.detection.metrics.coco import COCOMetric
from monai.apps.detection.metrics.matching import matching_batch
from monai.data.box_utils import box_iou

from evaluators.metrics import METRICS
from tests.evaluators.metrics import golden

NAMES = ("froc", "sensitivity_at_fp", "average_precision_iou", "mean_average_precision", "average_recall")
COCO = ("mean_average_precision", "average_precision_iou", "average_recall")


def boxes(seed: int, axes: int | None = None, ties: bool = False, images: int = 8):
    """Random reference and detections: most near a reference box, some doubled, some invented; some images empty."""
    draw = np.random.default_rng(seed)
    axes = axes or int(draw.integers(2, 4))
    reference, prediction = [], []
    for _ in range(images):
        count = int(draw.integers(0, 4))
        truth = np.concatenate([draw.uniform(0, 60, (count, axes)), draw.uniform(3, 20, (count, axes))], 1)
        near = truth[draw.integers(0, count, draw.integers(0, 2 * count + 1))] if count else truth
        near = near + draw.normal(0, draw.choice([0.3, 2.0]), near.shape)
        far = np.concatenate([draw.uniform(0, 60, (2, axes)), draw.uniform(3, 20, (2, axes))], 1)[: draw.integers(0, 3)]
        found = np.abs(np.concatenate([near, far]))
        scores = draw.random(len(found))
        prediction.append(np.column_stack([found, np.round(scores, 1) if ties else scores]))
        reference.append(truth)
    return reference, prediction


def corners(table: np.ndarray) -> np.ndarray:
    axes = table.shape[1] // 2
    return np.concatenate([table[:, :axes], table[:, :axes] + table[:, axes:]], 1)


def by_monai(reference, prediction) -> dict[str, float]:
    """COCO's figures by MONAI: one class."""
    coco = COCOMetric(
        classes=["lesion"], iou_list=[0.5], iou_range=(0.5, 0.95, 0.05), max_detection=[100], verbose=False
    )
    zeros = [np.zeros(len(table), int) for table in reference]
    answers = [np.asarray(table) for table in prediction]
    matches = matching_batch(
        iou_fn=box_iou,
        iou_thresholds=coco.get_iou_thresholds(),
        pred_boxes=[corners(table[:, :-1]) for table in answers],
        pred_classes=[np.zeros(len(table), int) for table in answers],
        pred_scores=[table[:, -1] for table in answers],
        gt_boxes=[corners(table) for table in reference],
        gt_classes=zeros,
        max_detections=100,
    )
    found = coco(matches)[0]
    return {
        "mean_average_precision": found["mAP_IoU_0.50_0.95_0.05_MaxDet_100"],
        "average_precision_iou": found["AP_IoU_0.50_MaxDet_100"],
        "average_recall": found["mAR_IoU_0.50_0.95_0.05_MaxDet_100"],
    }


def brute_froc(reference, prediction, rates, hits) -> np.ndarray:
    """Sensitivity at each rate by trying every threshold; `hits(lesion, box)` is a merit or None."""
    outcomes = []
    for truth, answer in zip(reference, prediction, strict=True):
        free = set(range(len(truth)))
        for *box, score in sorted(answer.tolist(), key=lambda row: -row[-1]):
            merits = {index: hits(truth[index], np.array(box)) for index in range(len(truth))}
            merits = {index: merit for index, merit in merits.items() if merit is not None}
            best = max((index for index in merits if index in free), key=merits.get, default=None)
            free.discard(best)
            outcomes.append((score, "found" if best is not None else "ignored" if merits else "false"))
    lesions = sum(map(len, reference))
    curve = [(0.0, 0.0)]
    for threshold in sorted({score for score, _ in outcomes}, reverse=True):
        kept = [outcome for score, outcome in outcomes if score >= threshold]
        curve.append((kept.count("false") / len(reference), kept.count("found") / lesions))
    return np.interp(rates, *np.array(curve).T)


def iou(a, b):
    axes = len(a) // 2
    both = np.prod(
        np.clip(np.minimum(a[:axes] + a[axes:], b[:axes] + b[axes:]) - np.maximum(a[:axes], b[:axes]), 0, None)
    )
    return both / (np.prod(a[axes:]) + np.prod(b[axes:]) - both)


def brute_coco(reference, prediction, threshold) -> tuple[float, float]:
    """Average precision and recall at one IoU, step by step as COCO's evaluation does it."""
    rows = []
    for truth, answer in zip(reference, prediction, strict=True):
        free = list(range(len(truth)))
        for *box, score in sorted(answer.tolist(), key=lambda row: -row[-1])[:100]:
            overlaps = [iou(truth[index], np.array(box)) for index in free]
            best = max(overlaps, default=0)
            if best >= threshold:
                free.pop(len(overlaps) - 1 - overlaps[::-1].index(best))
            rows.append((score, best >= threshold))
    rows.sort(key=lambda row: -row[0])
    hits = np.array([hit for _, hit in rows], float)
    recall, precision = np.cumsum(hits) / sum(map(len, reference)), np.cumsum(hits) / np.arange(1, len(hits) + 1)
    area = np.mean([max(precision[recall >= level], default=0) for level in np.linspace(0, 1, 101)])
    return area, recall[-1] if len(recall) else 0.0


def offset(a, b):
    axes = len(a) // 2
    return b[:axes] + b[axes:] / 2 - a[:axes] - a[axes:] / 2


HITS = {
    "iou": (lambda a, b: iou(a, b) if iou(a, b) >= 0.3 else None, {"iou": 0.3}),
    "centre": (
        lambda a, b: -np.linalg.norm(offset(a, b)) if (abs(offset(a, b)) <= a[len(a) // 2 :] / 2).all() else None,
        {},
    ),
    "distance": (
        lambda a, b: -np.linalg.norm(offset(a, b)) if np.linalg.norm(offset(a, b)) <= 5 else None,
        {"within": 5.0},
    ),
}


@pytest.mark.parametrize("case", golden.cases("froc"))
def test_golden_free_response(case):
    given = case["inputs"]
    reference = [[] for _ in given["n_lesions"]]
    prediction = [[] for _ in given["n_lesions"]]
    for score, patient, is_hit in zip(given["prob"], given["patient"], given["is_tp"], strict=True):
        if is_hit:  # one lesion far from all others for each hit, so that each hit finds its own
            reference[patient].append([1000 * len(reference[patient]), 0, 10, 10])
            prediction[patient].append([*reference[patient][-1], score])
        else:
            prediction[patient].append([-500, -500, 10, 10, score])
    missing = sum(given["n_lesions"]) - sum(map(len, reference))
    reference[0] += [[0, 5000 + 100 * index, 10, 10] for index in range(missing)]
    rates = given["fp_per_image"]
    found = [METRICS["sensitivity_at_fp"](reference, prediction, fp_per_image=rate) for rate in rates]
    assert found == pytest.approx(case["expected"], abs=case["abs_tol"])
    assert METRICS["froc"](reference, prediction, fp_per_image=rates) == pytest.approx(np.mean(case["expected"]))


@pytest.mark.parametrize("case", golden.cases("detection_map"))
def test_golden_coco(case):
    given = case["inputs"]
    images = sorted({image for image, *_ in given["gt"] + given["det"]})
    reference = [[box for image, box in given["gt"] if image == one] for one in images]
    prediction = [[[*box, score] for image, box, score in given["det"] if image == one] for one in images]
    for name, key in zip(COCO, ("AP", "AP50", "AR100"), strict=True):
        value = METRICS[name](reference, prediction)
        assert value == pytest.approx(case["expected"][key], abs=case["abs_tol"])


def test_200_random_sets_agree_with_monai():
    for seed in range(200):
        reference, prediction = boxes(seed)
        if not sum(map(len, reference)):
            continue
        for name, expected in by_monai(reference, prediction).items():
            # MONAI counts recall in float32, so that 0.7 misses the 70th of the recalls at which precision is read
            assert METRICS[name](reference, prediction) == pytest.approx(expected, abs=0.01), (seed, name)


def test_200_random_sets_agree_with_the_definition_of_coco():
    for seed in range(200):
        reference, prediction = boxes(seed, ties=seed % 2 == 0)
        if not sum(map(len, reference)):
            continue
        found = [brute_coco(reference, prediction, threshold) for threshold in np.linspace(0.5, 0.95, 10)]
        expected = [np.mean([area for area, _ in found]), found[0][0], np.mean([recall for _, recall in found])]
        for name, value in zip(COCO, expected, strict=True):
            assert METRICS[name](reference, prediction) == pytest.approx(value, abs=1e-12), (seed, name)


@pytest.mark.parametrize("hit", HITS)
def test_200_random_sets_agree_with_every_threshold_tried(hit):
    rates = (0.0, 0.125, 0.3, 1.0, 2.0)
    hits, parameters = HITS[hit]
    for seed in range(200):
        reference, prediction = boxes(seed, ties=False)
        if not sum(map(len, reference)):
            continue
        expected = brute_froc(reference, prediction, rates, hits)
        value = METRICS["froc"](reference, prediction, fp_per_image=rates, hit=hit, **parameters)
        assert value == pytest.approx(expected.mean(), abs=1e-12), seed


@pytest.mark.parametrize("name", NAMES)
def test_the_value_with_weights_is_the_value_on_repeated_images(name):
    draw = np.random.default_rng(0)
    for seed in range(20):
        classes = [boxes(seed + 1000 * part, axes=2, images=12) for part in range(2)]
        reference, prediction = ({part: one[side] for part, one in enumerate(classes)} for side in (0, 1))
        weights = draw.integers(0, 4, (12, 70)).astype(np.uint8)
        values = METRICS[name].weighted(reference, prediction)(weights)
        for b in (0, 1, 63, 64, 69):
            rows = np.repeat(np.arange(12), weights[:, b])
            repeated = [
                {part: [one[row] for row in rows] for part, one in both.items()} for both in (reference, prediction)
            ]
            assert values[b] == pytest.approx(METRICS[name](*repeated), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(NAMES))
def test_order_of_images_scale_of_space_and_monotone_scores_change_nothing(seed, name):
    reference, prediction = boxes(seed)
    order = np.random.default_rng(seed).permutation(len(reference))
    value = pytest.approx(METRICS[name](reference, prediction), abs=1e-12, nan_ok=True)
    assert METRICS[name]([reference[i] for i in order], [prediction[i] for i in order]) == value
    bent = [np.column_stack([table[:, :-1] * 4, np.exp(3 * table[:, -1])]) for table in prediction]
    assert METRICS[name]([table * 4 for table in reference], bent) == value


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_answer_is_best_an_empty_one_worst_and_nothing_to_find_is_undefined(name):
    reference, _ = boxes(3)
    perfect = [np.column_stack([table, np.linspace(0.5, 1, len(table))]) for table in reference]
    empty = [[] for _ in reference]
    assert METRICS[name](reference, perfect) == METRICS[name].best
    assert METRICS[name](reference, empty) == 0
    undefined = METRICS[name](empty, perfect)
    assert math.isnan(undefined) and undefined.reason


def test_equal_scores_share_one_threshold():
    reference = [[[0, 0, 10, 10]]]
    prediction = [[[50, 50, 10, 10, 0.5], [0, 0, 10, 10, 0.5]]]
    assert METRICS["sensitivity_at_fp"](reference, prediction, fp_per_image=0.5) == 0.5
    assert METRICS["sensitivity_at_fp"](reference, prediction, fp_per_image=1) == 1


@pytest.mark.parametrize(
    "reference, prediction, parameters",
    [
        ([[]], [[], []], {}),
        ([], [], {}),
        ([[[0, 0, 1, 1]]], [[[0, 0, 1, 1]]], {}),
        ([[[0, 0, 1, 1]]], [[[0, 0, 1, 1, np.nan]]], {}),
        ([[[0, 0, -1, 1]]], [[]], {}),
        ([[[0, 0, 1, 1]]], [[[0, 0, 0, 1, 1, 1, 0.5]]], {}),
        ({"a": [[]]}, {"b": [[]]}, {}),
        ([[[0, 0, 1, 1]]], [[]], {"hit": "near"}),
    ],
)
def test_what_is_not_boxes_is_refused(reference, prediction, parameters):
    with pytest.raises(ValueError):
        METRICS["froc"](reference, prediction, **parameters)
