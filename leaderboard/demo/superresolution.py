"""Super-resolution of MRI: slices of the hippocampus volumes at half the resolution, to be brought back to 1 mm.

A small network as ONNX weights against nearest neighbours and cubic interpolation. Its sharper picture may be invented, which
PSNR and SSIM do not show; `superresolution_downstream` asks whether an organ can still be measured on it.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _pictures, _planes, _writing, hippocampus

SLUG = "hippocampus-mri-x2"
DOWNSTREAM = "hippocampus-mri-x2-downstream"
PLACES = (0.4, 0.5, 0.6)  # of the way through a volume from left to right: the held-out slices
MANIFEST = {
    "slug": SLUG,
    "version": 1,
    "title": "Super-resolution of T1 MRI, factor 2, Decathlon Task04",
    "description": "Sagittal slices around the hippocampus, 1 mm a pixel, were averaged to 2 mm; the answer is the slice at 1 mm, 0 to "
    "255. A caution: a network that sharpens can invent structure that was never measured, and it does so most where the patient "
    "differs from those it learnt from. PSNR and SSIM reward the likely picture, not the true one. The board "
    f"{DOWNSTREAM} therefore asks the same pictures a clinical question: is the hippocampus still found as well?",
    "task": {
        "slug": "mri-super-resolution",
        "title": "Super-resolution of MRI",
        "question": "Can a quicker, coarser MRI be brought to the resolution of a slow one? Half the resolution in each direction is a "
        "fraction of the time in the scanner, if nothing is invented that the patient does not have.",
        "specialty": "radiology",
        "modality": "MRI, T1-weighted",
        "anatomy": "brain",
    },
    "kind": "restoration",
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "psnr",
        "also": ["ssim", "nrmse"],
        "parameters": {"psnr": {"data_range": 255}, "ssim": {"data_range": 255}},
        "why": {
            "psnr": "How close the values are to those that were measured, in decibels.",
            "ssim": "Whether local structure is kept. Neither sees whether a detail is true.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": hippocampus.MANIFEST["source"],
    "traps": [
        "The coarse slices are averages of the fine ones, kinder than a coarse scan, whose slices also have noise and blur of their own.",
        "A higher PSNR is no proof of a truer picture: read it with the downstream board.",
        "Left and right hippocampus of one person may fall on both sides of the split; each volume counts as one patient.",
        "One scanner site.",
    ],
}
WIDTH, STEPS, BATCH, SIDE = 24, 700, 16, 16


def scaled(volume: np.ndarray) -> np.ndarray:
    """A volume as uint8, its 99.9th percentile at 255."""
    top = max(float(np.percentile(volume, 99.9)), 1e-8)
    return np.clip(np.rint(255 * volume.astype(np.float64) / top), 0, 255).astype(np.uint8)


def even(plane: np.ndarray) -> np.ndarray:
    return plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]


def halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, as uint8."""
    tall, wide = plane.shape
    return np.rint(plane.reshape(tall // 2, 2, wide // 2, 2).mean((1, 3))).astype(np.uint8)


def planes(case: str, kind: str = "images") -> dict[str, np.ndarray]:
    """The held-out sagittal slices of a volume by case id, sides even."""
    volume = hippocampus.volume(kind, case)
    volume = scaled(volume) if kind == "images" else volume.astype(np.uint8)
    return {
        f"{case}-s{number}": even(volume[round(place * (len(volume) - 1))]) for number, place in enumerate(PLACES, 1)
    }


@cache
def held_out_planes(kind: str = "images") -> dict[str, np.ndarray]:
    found = {}
    for case in hippocampus.split()[1]:
        found |= planes(case, kind)
    return found


def write(folder: Path, manifest: dict, inputs: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> None:
    """A package of pictures; the patient is the volume that a slice is of."""
    rows = []
    for case in inputs:
        for name, plane in (("inputs", inputs[case]), ("reference", reference[case])):
            _writing.picture(folder / name / f"{case}.png", plane)
        row = {"case_id": case, "patient_id": case.rpartition("-")[0]}
        rows.append(row | {"reference": f"reference/{case}.png", "input": f"inputs/{case}.png"})
    _writing.package(folder, manifest, rows)


def package(folder: Path) -> None:
    fine = held_out_planes()
    write(folder, MANIFEST, {case: halved(plane) for case, plane in fine.items()}, fine)


def nearest(coarse: np.ndarray) -> np.ndarray:
    return coarse.repeat(2, 0).repeat(2, 1).astype(np.float32)


def cubic(coarse: np.ndarray) -> np.ndarray:
    """Cubic interpolation with the centres of the pixels where averaging put them."""
    from PIL import Image

    tall, wide = coarse.shape
    plane = Image.fromarray(coarse.astype(np.float32)).resize((2 * wide, 2 * tall), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(plane), 0, 255)


def answer(method: Callable[[np.ndarray], np.ndarray]):
    def make(folder: Path) -> Path:
        import io

        files = []
        for case, plane in held_out_planes().items():
            data = io.BytesIO()
            np.save(data, method(halved(plane)).astype(np.float32))
            files.append((f"{case}.npy", data.getvalue()))
        return _writing.archive(folder / "slices.zip", files)

    return make


def _network():
    """Cubic interpolation and what four convolutions add to it; values in and out 0 to 1 and 0 to 255."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Sharper(nn.Module):
        def __init__(self):
            super().__init__()
            layers = [nn.Conv2d(1, WIDTH, 3, padding=1), nn.ReLU(inplace=True)]
            for _ in range(3):
                layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.ReLU(inplace=True)]
            last = nn.Conv2d(WIDTH, 4, 3, padding=1)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.body, self.up = nn.Sequential(*layers, last), nn.PixelShuffle(2)

        def forward(self, x):
            smooth = functional.interpolate(x, scale_factor=2.0, mode="bicubic", align_corners=False)
            return 255 * torch.clamp(smooth + self.up(self.body(x)), 0, 1)

    return Sharper()


def train(steps: int = STEPS):
    """On squares of every sagittal slice of the training part, by absolute error."""
    fine = [
        even(plane) for case in hippocampus.split()[0] for plane in scaled(hippocampus.volume("images", case))[5:-5]
    ]

    def batch(draw):
        found = []
        for place in draw.integers(len(fine), size=BATCH):
            plane = fine[place]
            top, left = (2 * int(draw.integers(0, max(1, (side - 2 * SIDE) // 2 + 1))) for side in plane.shape)
            cut = plane[top : top + 2 * SIDE, left : left + 2 * SIDE]
            cut = np.pad(cut, [(0, 2 * SIDE - side) for side in cut.shape], mode="edge")
            (cut,) = _planes.turned(draw, cut)
            found.append((halved(cut)[None] / np.float32(255), cut[None].astype(np.float32)))
        return [np.stack(each) for each in zip(*found, strict=True)]

    return _planes.fit(_network, batch, lambda found, fine: (found - fine).abs().mean() / 255, steps, rate=3e-3)


def network(folder: Path) -> Path:
    parameters = _planes.export(train(), folder / "model.onnx", (1, 1, 24, 24), "coarse", "fine")
    config = {"framework": "onnx", "inputs": {"kind": "image", "channels": 1, "name": "coarse"}, "head": "value"}
    _writing.config(folder, config)
    source = MANIFEST["source"]
    front = {
        "license": "cc-by-sa-4.0",
        "library_name": "onnx",
        "pipeline_tag": "image-to-image",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "MRI", "super-resolution"],
        "datasets": ["medical-segmentation-decathlon-task04"],
    }
    sections = {
        "What it is": f"Five convolutions, about {round(parameters, -2):,} parameters, whose output is added to cubic interpolation, as ONNX. "
        "Input: a slice at 2 mm, `(n, 1, height, width)`, 0 to 1. Output: the slice at 1 mm, twice as high and wide, 0 to 255.",
        "Intended use": "To show how a network that restores images is published, run and measured. Research use only. What it adds to "
        f"the picture is likely, not measured: see the board `{DOWNSTREAM}`.",
        "Training data": f"Sagittal slices of {len(hippocampus.split()[0])} volumes of {source['name']} ({source['licence']}), none of "
        f"the held-out volumes of `{SLUG}` among them. {source['citation']}",
        "Training": f"{STEPS} batches of {BATCH} squares, absolute error, AdamW; half a minute on one core.",
    }
    _writing.card(
        folder, front, "Super-resolution of T1 MRI by 2, a very small network", sections,
        population="Adults, healthy or with a non-affective psychotic disorder, one centre (Vanderbilt)",
        acquisition={"sequence": "T1-weighted", "spacing": "2 mm, averaged from 1 mm", "plane": "sagittal, around the hippocampus"},
        training_data=[
            {"name": source["name"], "size": f"slices of {len(hippocampus.split()[0])} volumes", "licence": source["licence"],
             "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Residual network (ONNX)",
            "weights",
            network,
            "Five convolutions on top of cubic interpolation.",
            model="mri-super-resolution-x2",
        ),
        Baseline("Cubic interpolation", "predictions", answer(cubic), "What every viewer does; Pillow's bicubic."),
        Baseline("Nearest neighbour", "predictions", answer(nearest), "Every pixel repeated: the weak baseline."),
    ]


def picture_of_task() -> np.ndarray:
    """A training slice at 2 mm, and as it was measured at 1 mm."""
    volume = scaled(hippocampus.volume("images", hippocampus.split()[0][0]))
    fine = even(volume[len(volume) // 2])
    return _pictures.row([np.rot90(nearest(halved(fine)).astype(np.uint8)), np.rot90(fine)])


DEMO = Demo(
    slug=SLUG,
    package=package,
    entries=entries,
    held_out=hippocampus.held_out,
    needs=(hippocampus.NEED,),
    seconds=50,
    modules=("_planes", "hippocampus"),
    picture=picture_of_task,
    credit="Medical Segmentation Decathlon, Task04, CC BY-SA 4.0",
)
