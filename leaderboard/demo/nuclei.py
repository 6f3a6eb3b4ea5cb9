"""Nuclei in fluorescence microscopy: 40 of 120 images of the 2018 Data Science Bowl held out, every nucleus with its number.

Two U-Nets as ONNX weights, of which one learns to leave a gap between nuclei that touch, and three thresholds. The board ranks
instances and shows Dice beside them: the two orders differ, which is what it is for.
"""

import csv
import io
from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _pictures, _planes, _writing

NEED = "dsb2018_nuclei_subset"
MANIFEST = {
    "slug": "nuclei-dsb2018",
    "version": 1,
    "title": "Nuclei in fluorescence microscopy, Data Science Bowl 2018 subset",
    "description": "Grey images of 256 x 256 pixels with bright nuclei on a dark ground. Every nucleus gets a number of its own: an "
    "answer is a map of numbers, 0 where there is none. A network gives a mask, whose connected components are its nuclei.",
    "task": {
        "slug": "nuclei-segmentation",
        "title": "Nuclei in fluorescence microscopy",
        "question": "Which pixels belong to which cell nucleus? Counts, sizes and shapes of nuclei are read from it, so two nuclei "
        "taken for one are an error that overlap alone does not show.",
        "specialty": "pathology",
        "modality": "fluorescence microscopy",
        "anatomy": "cell nuclei",
    },
    "kind": "segmentation",
    "classes": ["background", "nucleus"],
    "instances": True,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "panoptic_quality",
        "also": ["dice", "iou", "lesion_f1"],
        "parameters": {"lesion_f1": {"overlap": 0.5}},
        "why": {
            "panoptic_quality": "Counts nuclei: one is found where its overlap (IoU) with a nucleus of the answer exceeds one "
            "half; merged, split, missed and invented ones all cost.",
            "dice": "Overlap of all nuclei together. It does not see merged nuclei: compare the two orders.",
            "lesion_f1": "Nuclei found and true by half of their area, which forgives rough outlines.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "BBBC038v1 (Data Science Bowl 2018, stage 1 training part, corrected masks), 120 grey images of 256 x 256 pixels",
        "licence": "CC0 1.0",
        "citation": "Caicedo J.C. et al. Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl. Nature "
        "Methods 16:1247-1253 (2019). Image set BBBC038v1, Broad Bioimage Benchmark Collection (Ljosa V. et al., Nature "
        "Methods 9:637, 2012).",
        "url": "https://bbbc.broadinstitute.org/BBBC038",
    },
    "traps": [
        "Many images come from the same experiment and the split is by image: nothing is said about a new laboratory.",
        "Each image counts as one patient, so intervals are somewhat too narrow.",
        "Outlines were drawn by several people with different habits; a pixel more or less at the edge is not an error of the model.",
    ],
}
LOWERED = 0.8  # of Otsu's threshold; the best Dice on the training part among 0.6, 0.7, 0.8, 0.9 and 1
PARTED = 0.9  # the best panoptic quality there
SIDE, BATCH, STEPS = 128, 6, 500
TOUCH = np.ones((3, 3))


@cache
def split() -> tuple[list[str], list[str]]:
    with (_data.find(NEED) / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    return tuple([row["case"] for row in rows if row["split"] == part] for part in ("train", "test"))


def held_out() -> tuple[set, set]:
    return tuple(set(part) for part in split())


def picture(kind: str, case: str) -> np.ndarray:
    """(256, 256): `images` uint8, or `labels` with the number of the nucleus."""
    from PIL import Image

    found = np.asarray(Image.open(_data.find(NEED) / kind / f"{case}.png"))
    return found if kind == "images" else found.astype(np.int32)


def package(folder: Path) -> None:
    rows = []
    for case in split()[1]:
        row = {"case_id": case, "patient_id": case}
        for column, source, target in (("reference", "labels", "reference"), ("input", "images", "inputs")):
            row[column] = f"{target}/{case}.png"
            (folder / target).mkdir(parents=True, exist_ok=True)
            (folder / row[column]).write_bytes((_data.find(NEED) / source / f"{case}.png").read_bytes())
        rows.append(row)
    _writing.package(folder, MANIFEST, rows)


def otsu(image: np.ndarray) -> int:
    """The threshold that parts the histogram best (Otsu 1979)."""
    count = np.bincount(image.ravel(), minlength=256).astype(float)
    mass, moment = count.cumsum(), (count * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * mass - moment * mass[-1]) ** 2 / (mass * (mass[-1] - mass))
    return int(np.nanargmax(between))


def threshold(factor: float, parted: bool = False):
    """Components of what is brighter than a share of Otsu's threshold; `parted`: cut by shape where nuclei touch."""

    def make(folder: Path) -> Path:
        return _write(folder, {case: _bright(picture("images", case), factor, parted) for case in split()[1]})

    return make


def _bright(image: np.ndarray, factor: float, parted: bool) -> np.ndarray:
    from scipy import ndimage

    mask = image > factor * otsu(image)
    return part(ndimage.binary_fill_holes(mask)) if parted else ndimage.label(mask, TOUCH)[0]


def part(mask: np.ndarray) -> np.ndarray:
    """Nuclei of a mask, numbered: each local maximum of the distance from the edge is one, and grows downhill (a watershed)."""
    from scipy import ndimage

    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    peaks = (depth == ndimage.maximum_filter(depth, size=9)) & mask & (depth > 1)
    numbers = ndimage.label(peaks, TOUCH)[0]
    levels = [*np.arange(depth.max(), 0, -0.5), *[0] * 30]
    for level in levels:
        for _ in range(3):
            grown = ndimage.maximum_filter(numbers, size=3)
            new = (numbers == 0) & (depth >= level) & mask & (grown > 0)
            if not new.any():
                break
            numbers[new] = grown[new]
    rest = ndimage.label(mask & (numbers == 0), TOUCH)[0]
    return np.where(rest > 0, rest + numbers.max(), numbers)


def _write(folder: Path, maps: dict[str, np.ndarray]) -> Path:
    """Maps of numbered nuclei in a zip of PNG."""
    from PIL import Image

    files = []
    for case, numbers in maps.items():
        data = io.BytesIO()
        Image.fromarray(numbers.astype(np.uint16)).save(data, format="PNG")
        files.append((f"{case}.png", data.getvalue()))
    return _writing.archive(folder / "nuclei.zip", files)


def interior(numbers: np.ndarray) -> np.ndarray:
    """The mask of the nuclei without the pixels beside another nucleus, so that no two touch."""
    from scipy import ndimage

    lowest = ndimage.minimum_filter(np.where(numbers == 0, np.int32(1 << 30), numbers), size=3)
    return (numbers > 0) & (lowest == ndimage.maximum_filter(numbers, size=3))


def standard(image: np.ndarray) -> np.ndarray:
    return ((image - image.mean()) / max(float(image.std()), 1e-8)).astype(np.float32)


def network(gaps: bool):
    def make(folder: Path) -> Path:
        parameters = _train(folder, gaps)
        _describe(folder, gaps, parameters)
        return folder

    return make


def _train(folder: Path, gaps: bool, steps: int = STEPS) -> int:
    images = [standard(picture("images", case)) for case in split()[0]]
    numbers = [picture("labels", case) for case in split()[0]]
    targets = [(interior(each) if gaps else each > 0).astype(np.float32) for each in numbers]
    # A missed gap merges two nuclei, so its few pixels count five times.
    weights = [1 + 4.0 * ((each > 0) & (target == 0)) for each, target in zip(numbers, targets, strict=True)]

    def batch(draw):
        found = []
        for place in draw.integers(len(images), size=BATCH):
            top, left = draw.integers(0, 256 - SIDE + 1, size=2)
            cut = (slice(top, top + SIDE), slice(left, left + SIDE))
            x, y, w = _planes.turned(draw, images[place][cut], targets[place][cut], weights[place][cut])
            found.append((x * (1 + 0.2 * draw.standard_normal()) + 0.1 * draw.standard_normal(), y, w))
        return [np.stack(each)[:, None].astype(np.float32) for each in zip(*found, strict=True)]

    def loss(score, target, weight):
        from torch.nn.functional import binary_cross_entropy_with_logits

        share = score.sigmoid()
        dice = (2 * (share * target).sum() + 1) / (share.sum() + target.sum() + 1)
        return binary_cross_entropy_with_logits(score, target, weight) + 1 - dice

    trained = _planes.fit(_whole, batch, loss, steps)
    return _planes.export(trained, folder / "model.onnx", (1, 1, 256, 256), "image", "logit")


def _whole():
    """The U-Net behind a standardisation of its own: a picture is set to mean 0 and deviation 1 inside the graph."""
    from torch import nn

    class Standardised(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = _planes.unet(1, 1)

        def forward(self, x):
            centred = x - x.mean((2, 3), keepdim=True)
            spread = (centred * centred).mean((2, 3), keepdim=True).sqrt()
            return self.body(centred / (spread + 1e-4))

    return Standardised()


def _describe(folder: Path, gaps: bool, parameters: int) -> None:
    config = {"framework": "onnx", "inputs": {"kind": "image", "channels": 1}, "head": "sigmoid"}
    _writing.config(folder, config | {"label_names": MANIFEST["classes"]})
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "image-segmentation",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "fluorescence microscopy", "nuclei"],
        "datasets": ["bbbc038v1"],
    }
    learnt = (
        "the nuclei without the pixels that lie beside another nucleus, those pixels counting five times, so that nuclei which "
        "touch stay apart"
        if gaps
        else "the mask of all nuclei together; nuclei that touch become one"
    )
    sections = {
        "What it is": f"A U-Net of three levels, about {round(parameters, -3):,} parameters, as ONNX. Input: a grey image 0 to 1, "
        "`(n, 1, height, width)`, sides multiples of 4; the graph sets it to mean 0 and standard deviation 1. Output: the "
        f"logit of nucleus, `(n, 1, height, width)`. It learnt {learnt}. Its connected components are the nuclei.",
        "Intended use": "To show how a network that counts is published, run and measured. Research use only.",
        "Training data": f"{len(split()[0])} images of {MANIFEST['source']['name']} (CC0 1.0), none of the held-out images of "
        f"`{MANIFEST['slug']}` among them. {MANIFEST['source']['citation']}",
        "Training": f"{STEPS} batches of {BATCH} squares of {SIDE} x {SIDE} pixels, cross entropy and soft Dice, AdamW; about a "
        "minute on one core.",
    }
    title = "Nuclei in fluorescence microscopy, a small U-Net" + (" that leaves gaps" if gaps else "")
    _writing.card(
        folder, front, title, sections,
        population="Cultured cells and tissue of several laboratories, nuclei stained; nothing is said of patients",
        acquisition={"pixels": "256 x 256", "contrast": "bright nuclei on a dark ground"},
        training_data=[
            {"name": "BBBC038v1", "size": f"{len(split()[0])} images", "licence": "CC0 1.0", "supervision": "full"}
        ],
    )  # fmt: skip


def entries() -> list[Baseline]:
    return [
        Baseline(
            "U-Net that leaves gaps (ONNX)",
            "weights",
            network(True),
            "Learnt to part nuclei that touch.",
            model="nuclei-unet-gaps",
        ),
        Baseline(
            "U-Net on the whole mask (ONNX)",
            "weights",
            network(False),
            "The same network, taught the mask alone.",
            model="nuclei-unet-mask",
        ),
        Baseline("Otsu threshold", "predictions", threshold(1), "One threshold an image; components are nuclei."),
        Baseline(
            "Otsu threshold, lowered",
            "predictions",
            threshold(LOWERED),
            "0.8 of Otsu's threshold, chosen for Dice on the training part.",
        ),
        Baseline(
            "Otsu threshold, parted by shape",
            "predictions",
            threshold(PARTED, parted=True),
            "0.9 of the threshold, then a watershed on the distance from the edge, chosen for panoptic quality on the training part.",
        ),
    ]


def picture_of_task() -> np.ndarray:
    """A crowded training image, brightened, and the same with its numbered nuclei."""
    case = max(split()[0][:20], key=lambda case: picture("labels", case).max())
    image = picture("images", case).astype(float)
    bright = np.clip(255 * image / np.percentile(image, 99.5), 0, 255).astype(np.uint8)
    return _pictures.row([bright, _pictures.labelled(bright, picture("labels", case))])


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    seconds=80,
    modules=("_planes",),
    picture=picture_of_task,
    credit="BBBC038v1, Data Science Bowl 2018, CC0 1.0",
)
