"""Speed of the metrics of masks, boxes and images beside peer libraries, on the same arrays in the same run, one thread each.

`rows()` yields `{job, library, library_s, kensa_s, ratio, target}`; a peer that is not installed is left out and said so.
"""

import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from monai import metrics as monai
from monai.metrics import froc
from scipy import ndimage
from skimage.metrics import structural_similarity
from skimage.morphology import skeletonize

from evaluators.metrics import METRICS, _boxes
from evaluators.metrics.segmentation import case_scores
from tests.evaluators.metrics.test_detection import boxes
from tests.evaluators.metrics.test_detection import by_monai as by_monai_coco

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
SHAPE, LABELS, SPACING = (256, 256, 128), [1, 2, 3, 4, 5], (1.0, 1.0, 1.5)
VOXELS = ["dice", "iou", "hd95", "assd", "nsd_voxel"]
AREAS = ["dice", "iou", "hd95", "assd", "nsd"]
MASKS = "Dice, IoU, HD95, ASSD, NSD; 256 x 256 x 128, 5 labels"


def best_of(run: Callable[[], object], enough: float = 1.0) -> float:
    """Seconds of the quickest of at least two tries and as many as fit in `enough` seconds, after one that is not counted."""
    run()
    seconds = []
    while len(seconds) < 2 or sum(seconds) < enough:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def row(job: str, library: str, library_s: float, kensa_s: float, target: float) -> dict:
    return {
        "job": job,
        "library": library,
        "library_s": library_s,
        "kensa_s": kensa_s,
        "ratio": library_s / kensa_s,
        "target": target,
    }


def organs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five ellipsoids as reference, and as prediction the same moved by up to two voxels with a ragged boundary."""
    draw = np.random.default_rng(seed)
    places = np.indices(SHAPE, dtype=np.float32)
    ragged = ndimage.gaussian_filter(draw.standard_normal(SHAPE, dtype=np.float32), 6)
    ragged *= 0.075 / ragged.std()
    reference, prediction = np.zeros((2, *SHAPE), np.uint8)
    for label in LABELS:
        centre = [draw.uniform(0.25, 0.75) * n for n in SHAPE]
        radius = [draw.uniform(0.08, 0.2) * n for n in SHAPE]
        for volume, moved, edge in ((reference, 0, 0), (prediction, 2, ragged)):
            steps = [centre[axis] + moved * draw.uniform(-1, 1) for axis in range(3)]
            away = sum(((places[axis] - steps[axis]) / radius[axis]) ** 2 for axis in range(3))
            volume[np.sqrt(away) + edge < 1] = label
    return reference, prediction


def hopeless(reference: np.ndarray) -> np.ndarray:
    """As wrong as an answer can be: every voxel a random label."""
    return np.random.default_rng(1).integers(0, len(LABELS) + 1, reference.shape, dtype=np.uint8)


def peer(library: str, reference: np.ndarray, prediction: np.ndarray) -> float | None:
    """Seconds of a library in `.venv-peers`, or None where it is not there."""
    if not PEERS.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "masks.npz"
        np.savez(file, reference=reference, prediction=prediction, spacing=np.array(SPACING))
        script = Path(__file__).with_name("image_peers.py")
        done = subprocess.run([PEERS, script, library, file], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{library}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(done.stdout.split()[-1])


def by_monai(reference: np.ndarray, prediction: np.ndarray) -> Callable[[], None]:
    one, two = (
        torch.from_numpy(np.stack([volume == label for label in [0, *LABELS]])[None])
        for volume in (prediction, reference)
    )

    def run():
        spacing = list(SPACING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            monai.compute_dice(one, two, include_background=False)
            monai.compute_iou(one, two, include_background=False)
            monai.compute_hausdorff_distance(one, two, percentile=95, spacing=spacing)
            monai.compute_average_surface_distance(one, two, symmetric=True, spacing=spacing)
            monai.compute_surface_dice(one, two, [1.0] * len(LABELS), spacing=spacing)

    return run


def mask_rows() -> Iterator[dict]:
    reference, prediction = organs()
    voxels = best_of(lambda: case_scores(VOXELS, reference, prediction, LABELS, SPACING))
    areas = best_of(lambda: case_scores(AREAS, reference, prediction, LABELS, SPACING))
    seconds = {name: peer(name, reference, prediction) for name in ("panoptica", "medpy", "surface-distance")}
    seconds["MONAI"] = best_of(by_monai(reference, prediction))
    for name, target in (("panoptica", 15), ("MONAI", 50), ("medpy", 50)):
        if seconds[name]:
            yield row(MASKS, name, seconds[name], voxels, target)
    if seconds["surface-distance"]:
        yield row(MASKS + ", by area", "surface-distance", seconds["surface-distance"], areas, 10)


def hopeless_rows() -> Iterator[dict]:
    reference, _ = organs()
    noise = hopeless(reference)
    job = "the same against a random label in every voxel"
    voxels = best_of(lambda: case_scores(VOXELS, reference, noise, LABELS, SPACING))
    areas = best_of(lambda: case_scores(AREAS, reference, noise, LABELS, SPACING))
    for name, kensa in (("panoptica", voxels), ("surface-distance", areas)):  # medpy takes minutes
        seconds = peer(name, reference, noise)
        if seconds:
            yield row(job, name, seconds, kensa, 1)


def image_rows() -> Iterator[dict]:
    draw = np.random.default_rng(0)
    image = draw.random((512, 512))
    noisy = image + draw.normal(0, 0.1, image.shape)
    gaussian = {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5}
    for name, form, target in (("ssim", gaussian, 8), ("ssim_uniform", {}, 8)):
        library = best_of(lambda form=form: structural_similarity(image, noisy, data_range=1.0, **form))
        kensa = best_of(lambda name=name: METRICS[name](image, noisy, data_range=1.0))
        yield row(f"{METRICS[name].symbol} 512 x 512", "scikit-image", library, kensa, target)


def centreline_rows() -> Iterator[dict]:
    draw = np.random.default_rng(0)
    one, two = (ndimage.gaussian_filter(draw.standard_normal((128, 128, 128)), 3) > 0.03 for _ in range(2))
    kensa = best_of(lambda: METRICS["cl_dice"](one, two))
    library = best_of(lambda: [skeletonize(mask) for mask in (one, two)])
    yield row("clDice 128 x 128 x 128", "scikit-image, skeletons alone", library, kensa, 1)


def box_rows() -> Iterator[dict]:
    """2,000 resamples of 200 images: the loop over a library is scaled from one of its turns."""
    reference, prediction = boxes(0, axes=2, images=200)
    weights = np.random.default_rng(0).multinomial(200, [1 / 200] * 200, 2000).T.astype(np.uint8)
    matched = by_monai_froc(reference, prediction)
    for name, turn in (("froc", matched), ("mean_average_precision", lambda: by_monai_coco(reference, prediction))):
        kensa = best_of(lambda name=name: METRICS[name].weighted(reference, prediction)(weights))
        job = f"{METRICS[name].symbol}, 2,000 resamples, 200 images"
        yield row(job, "MONAI in a loop", 2000 * best_of(turn), kensa, 300)


def by_monai_froc(reference, prediction) -> Callable[[], object]:
    """One value of the curve from detections that are matched already, which a resample of images changes nothing about."""
    found = _boxes.classes(reference, prediction)[0]
    outcome = _boxes.outcomes(found, "iou", 0.5, None)
    false, true = found.scores[outcome == -1], found.scores[outcome == 1]

    def run():
        return froc.compute_froc_score(
            *froc.compute_froc_curve_data(false, true, len(found.reference), found.n), (0.25, 1, 4)
        )

    return run


def rows() -> Iterator[dict]:
    """One row per job and library."""
    torch.set_num_threads(1)
    for part in (mask_rows, hopeless_rows, image_rows, centreline_rows, box_rows):
        yield from part()


if __name__ == "__main__":
    for found in rows():
        print(
            f"{found['job']:<62} {found['library']:<30} {found['library_s']:>9.4f} s {found['kensa_s']:>9.4f} s "
            f"{found['ratio']:>8.1f}x (target {found['target']}x)",
            flush=True,
        )
