"""Platelets on blood smears: 72 held-out photographs of BCCD, boxes as a reader of a CAD system would see them.

A small network as ONNX weights that finds its boxes inside the graph, and two rules of colour and size. Free-response curves
count false alarms an image, as computer-aided detection of aneurysms or nodules is read.
"""

import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _pictures, _planes, _writing

NEED = "bccd"
CLASSES = ["platelet"]
MANIFEST = {
    "slug": "platelets-bccd",
    "version": 1,
    "title": "Platelet detection on blood smears, BCCD test set",
    "description": "Photographs of stained blood smears, 640 x 480 pixels. Each platelet has a box. The board is read as one reads "
    "computer-aided detection: how many of the small things that matter are found when so many false alarms an image are borne. "
    "Aneurysms on angiography and nodules on CT are judged by the same curve.",
    "task": {
        "slug": "blood-cell-detection",
        "title": "Blood-cell detection",
        "question": "Where are the platelets on a photograph of a blood smear? A count by machine must find the small cells without "
        "crying wolf at every speck of stain.",
        "specialty": "haematology",
        "modality": "light microscopy",
        "anatomy": "blood",
    },
    "kind": "detection",
    "classes": CLASSES,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "froc",
        "also": ["sensitivity_at_fp", "average_precision_iou"],
        "parameters": {"sensitivity_at_fp": {"fp_per_image": 0.5}},
        "why": {
            "froc": "Mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false alarms an image, the figure by which computer-aided "
            "detection is compared. A hit overlaps (IoU) by one half or more.",
            "sensitivity_at_fp": "One point a reader can picture: what is found with a false alarm on every second image.",
            "average_precision_iou": "What detection outside medicine quotes, at an overlap of one half.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "BCCD, blood cell count and detection",
        "licence": "MIT",
        "citation": "Shenggan. BCCD Dataset, github.com/Shenggan/BCCD_Dataset (2017). Images and labels by cosmicad and akshaylamba.",
        "url": "https://github.com/Shenggan/BCCD_Dataset",
    },
    "traps": [
        "Boxes of red cells are incomplete in crowded fields, so false alarms for them are not all false: platelets alone are ranked.",
        "69 platelets on 72 images, of which 33 have none: false alarms are counted on all images, so a set with more empty ones looks easier.",
        "No patient is named: each image counts as one, and several may come from one smear.",
        "Where and how the smears were made is not stated.",
    ],
}
SIZE = (240, 320)  # pixels the network sees
STRIDE = 4
MOST = 20  # boxes an image
STEPS, BATCH = 320, 8


@cache
def split() -> tuple[list[str], list[str]]:
    names = {
        part: (_data.find(NEED) / "ImageSets" / "Main" / f"{part}.txt").read_text().split()
        for part in ("train", "val", "test")
    }
    return names["train"] + names["val"], names["test"]


def held_out() -> tuple[set, set]:
    return tuple(set(part) for part in split())


def boxes(case: str) -> list[tuple[int, int, int, int]]:
    """x, y, width, height of every platelet; boxes without area are left out."""
    found = []
    for item in ElementTree.parse(_data.find(NEED) / "Annotations" / f"{case}.xml").getroot().iter("object"):
        x1, y1, x2, y2 = (int(item.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax"))
        if item.find("name").text == "Platelets" and x2 > x1 and y2 > y1:
            found.append((x1, y1, x2 - x1, y2 - y1))
    return found


def photograph(case: str) -> np.ndarray:
    """(480, 640, 3) uint8."""
    from PIL import Image

    return np.asarray(Image.open(_data.find(NEED) / "JPEGImages" / f"{case}.jpg").convert("RGB"))


def package(folder: Path) -> None:
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    (folder / "reference").mkdir(exist_ok=True)
    rows, cases = [], []
    for case in split()[1]:
        data = (_data.find(NEED) / "JPEGImages" / f"{case}.jpg").read_bytes()
        (folder / "inputs" / f"{case}.jpg").write_bytes(data)
        rows += [(case, CLASSES[0], *box) for box in boxes(case)]
        cases.append({"case_id": case, "patient_id": case, "reference": "boxes.csv", "input": f"inputs/{case}.jpg"})
    _writing.table(folder / "reference" / "boxes.csv", ["case_id", "label", "x", "y", "w", "h"], rows)
    _writing.package(folder, MANIFEST, cases)


def purple(image: np.ndarray) -> np.ndarray:
    """(240, 320): how much red and blue exceed green, the colour of the stain that platelets take; half size, smoothed."""
    from scipy import ndimage

    image = image.astype(np.float32).reshape(240, 2, 320, 2, 3).mean((1, 3))
    return ndimage.gaussian_filter((image[..., 0] + image[..., 2]) / 2 - image[..., 1], 1)


def spots(field: np.ndarray, threshold: float, shape: bool) -> list[tuple[float, ...]]:
    """x, y, w, h, score of every patch above the threshold whose area is a platelet's. The score is its mean colour times the
    share of its box that it fills, and with `shape` times the shorter side over the longer: a platelet is round."""
    from scipy import ndimage

    numbers, count = ndimage.label(field > threshold)
    area = np.bincount(numbers.ravel(), minlength=count + 1)
    found = []
    for number, place in enumerate(ndimage.find_objects(numbers), 1):
        if 60 <= area[number] <= 800:  # pixels
            inside = numbers[place] == number
            score = float(field[place][inside].mean()) * area[number] / inside.size
            sides = sorted(inside.shape)
            (top, left), (low, right) = ([getattr(edge, end) for edge in place] for end in ("start", "stop"))
            box = (left - 3, top - 3, right - left + 6, low - top + 6)
            found.append((*(2 * value for value in box), score * (sides[0] / sides[1] if shape else 1)))
    return found


def rule(threshold: float, shape: bool):
    """Patches of the stain's colour; threshold, areas and margin chosen on the training part."""

    def make(folder: Path) -> Path:
        rows = [
            (case, CLASSES[0], box[4], *box[:4])
            for case in split()[1]
            for box in spots(purple(photograph(case)), threshold, shape)
        ]
        return _writing.table(folder / "boxes.csv", ["case_id", "label", "score", "x", "y", "w", "h"], rows)

    return make


def _network():
    """Scores and sides of boxes on a grid of every fourth pixel; the peaks of the scores are the boxes of the answer."""
    import torch
    from torch import nn
    from torch.nn import functional

    def layer(first: int, second: int, stride: int = 1, gap: int = 1) -> list:
        convolution = nn.Conv2d(first, second, 3, stride, gap, gap, bias=False)
        return [convolution, nn.BatchNorm2d(second), nn.ReLU(inplace=True)]

    class Finder(nn.Module):
        def __init__(self):
            super().__init__()
            body = [*layer(3, 12, 2), *layer(12, 24, 2), *layer(24, 24), *layer(24, 24, 1, 2), *layer(24, 24, 1, 2)]
            self.body, self.last = nn.Sequential(*body), nn.Conv2d(24, 3, 1)
            nn.init.constant_(self.last.bias, -3.0)
            self.peaks = False

        def forward(self, x):
            field = self.last(self.body(x - 0.7))
            return self.boxes(field) if self.peaks else field

        def boxes(self, field):
            score = field[:, :1].sigmoid()
            score = torch.where(functional.max_pool2d(score, 5, 1, 2) == score, score, torch.zeros_like(score))
            best, place = score.flatten(1).topk(MOST, 1)
            wide, high = (field[:, row].exp().flatten(1).gather(1, place) * STRIDE * 5 for row in (1, 2))
            across = SIZE[1] // STRIDE
            x = (place % across).float() * STRIDE + STRIDE / 2 - wide / 2
            y = torch.div(place, across, rounding_mode="floor").float() * STRIDE + STRIDE / 2 - high / 2
            return torch.stack([x, y, wide, high, best, torch.zeros_like(best)], 2)

    return Finder()


def targets(found: list, shape=(SIZE[0] // STRIDE, SIZE[1] // STRIDE)) -> np.ndarray:
    """(4, h, w) float32: a hill of height 1 at the middle of each box; logarithms of its sides over 20; where they count."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    field = np.zeros((4, *shape), np.float32)
    for x, y, wide, high in found:
        cx, cy, w, h = (value / (2 * STRIDE) for value in (x + wide / 2, y + high / 2, wide, high))
        far = ((columns + 0.5 - cx) / w) ** 2 + ((rows + 0.5 - cy) / h) ** 2
        hill = np.exp(-far / 0.08)
        if not (peak := hill >= hill.max() - 1e-9).any():
            continue
        hill[peak] = 1
        field[0] = np.maximum(field[0], hill)
        near = far < 0.06
        field[1][near | peak], field[2][near | peak] = np.log(w / 5), np.log(h / 5)
        field[3][near | peak] = 1
    return field


def train(steps: int = STEPS):
    """CenterNet's way (Zhou 2019): a focal loss on the hills, absolute error of the sides inside the boxes."""
    from PIL import Image

    cases = split()[0]
    small = [
        np.asarray(Image.fromarray(photograph(case)).resize(SIZE[::-1], Image.Resampling.BILINEAR)) for case in cases
    ]
    pictures = [each.transpose(2, 0, 1).astype(np.float32) / 255 for each in small]
    wanted = [boxes(case) for case in cases]
    share = np.array([1.0 + 2 * bool(found) for found in wanted])

    def batch(draw):
        found = []
        for place in draw.choice(len(cases), BATCH, p=share / share.sum()):
            image, here = pictures[place], wanted[place]
            if draw.integers(2):
                image, here = image[:, :, ::-1], [(640 - x - w, y, w, h) for x, y, w, h in here]
            if draw.integers(2):
                image, here = image[:, ::-1], [(x, 480 - y - h, w, h) for x, y, w, h in here]
            colour = 1 + 0.1 * draw.standard_normal((3, 1, 1))
            found.append(((image * colour + 0.05 * draw.standard_normal()).astype(np.float32), targets(here)))
        return [np.stack(each) for each in zip(*found, strict=True)]

    def loss(field, target):
        from torch.nn.functional import logsigmoid

        score, hill, inside = field[:, 0], target[:, 0], target[:, 3]
        chance = score.sigmoid()
        hit = (1 - chance) ** 2 * logsigmoid(score) * (hill == 1)
        miss = chance**2 * (1 - hill) ** 4 * logsigmoid(-score) * (hill < 1)
        count = max(1.0, float((hill == 1).sum()))
        sides = ((field[:, 1:] - target[:, 1:3]).abs() * inside[:, None]).sum() / inside.sum().clamp(min=1)
        return -(hit + miss).sum() / count + sides

    trained = _planes.fit(_network, batch, loss, steps, rate=5e-3)
    trained.peaks = True
    return trained


def network(folder: Path) -> Path:
    parameters = _planes.export(train(), folder / "model.onnx", (1, 3, *SIZE), "image", "boxes", axes=(0,))
    inputs = {"kind": "image", "size": list(SIZE), "channels": 3, "interpolation": "bilinear"}
    config = {"framework": "onnx", "inputs": inputs, "head": "boxes", "label_names": CLASSES}
    _writing.config(folder, config)
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "object-detection",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "blood smear", "platelets", "detection"],
        "datasets": ["bccd"],
    }
    sections = {
        "What it is": f"Five convolutions, about {round(parameters, -3):,} parameters, as ONNX. Input: `(n, 3, 240, 320)`, red, green, "
        f"blue from 0 to 1. Output: `boxes`, `(n, {MOST}, 6)`: x, y, width, height in pixels of the input, score, class 0 (platelet); "
        "the peaks of a map of scores, found inside the graph.",
        "Intended use": "To show how a detector is published, run and measured. Research use only.",
        "Training data": f"{len(split()[0])} photographs of the official training and validation parts of {MANIFEST['source']['name']} "
        f"(MIT), none of the held-out ones of `{MANIFEST['slug']}` among them. {MANIFEST['source']['citation']}",
        "Training": f"{STEPS} batches of {BATCH}, AdamW; flips, colour and brightness varied. The way of Zhou X. et al., Objects as "
        "Points, arXiv:1904.07850: a focal loss on hills at the middle of boxes; a minute on one core.",
    }
    _writing.card(
        folder, front, "Platelets on blood smears, a small detector", sections,
        population="Stained blood smears of people who are not described",
        acquisition={"pixels": "640 x 480"},
        training_data=[
            {"name": "BCCD", "size": f"{len(split()[0])} photographs", "licence": "MIT", "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Small detector (ONNX)",
            "weights",
            network,
            "Five convolutions that find the middles of boxes, from random weights.",
            model="platelet-detector",
        ),
        Baseline(
            "Colour and roundness", "predictions", rule(8, True), "Patches of the stain's colour, round ones first."
        ),
        Baseline(
            "Colour alone", "predictions", rule(10, False), "Patches of the stain's colour and a platelet's area."
        ),
    ]


def picture_of_task() -> np.ndarray:
    """A training photograph with its platelets."""
    case = next(case for case in split()[0] if len(boxes(case)) > 1)
    return _pictures.row([_pictures.framed(photograph(case), boxes(case))])


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    seconds=90,
    modules=("_planes",),
    picture=picture_of_task,
    credit="BCCD, MIT licence",
)
