"""Is a sharpened picture still true? The slices of `superresolution` are segmented, by one network that saw originals alone.

Three answers of that one segmenter: on the original slices, on those of the network, and on those of cubic interpolation.
What is lost between the first and the others is what the restoration cost, in a measure that matters to a patient.
"""

from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _planes, _writing, hippocampus, superresolution

LABELS = hippocampus.LABELS
MANIFEST = {
    "slug": superresolution.DOWNSTREAM,
    "version": 1,
    "title": "Hippocampus on super-resolved MRI slices: the downstream check",
    "description": "The held-out slices of hippocampus-mri-x2, with anterior and posterior hippocampus to be found. One small "
    "segmenter, taught on original slices of other patients, answered three times: on the originals, on slices that a network "
    "brought from 2 mm to 1 mm, and on cubic interpolation. If a network's picture is truer than interpolation, it must also be "
    "better to measure on.",
    "task": superresolution.MANIFEST["task"],
    "kind": "segmentation",
    "classes": LABELS,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "dice",
        "also": ["hd95", "volume_bias"],
        "why": {
            "dice": "Overlap with the outline that was drawn on the original.",
            "volume_bias": "Whether the organ comes out too large or too small, which a follow-up would take for growth or atrophy.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": hippocampus.MANIFEST["source"],
    "traps": [
        "One segmenter, taught on originals: what it loses on a restored slice is also its own narrowness.",
        "A structure that the restoration invents outside the hippocampus is not seen by this check.",
        "Slices without hippocampus in reference and answer are left out.",
    ],
}
STEPS, BATCH, SIDE = 350, 16, 40


def package(folder: Path) -> None:
    superresolution.write(
        folder, MANIFEST, superresolution.held_out_planes(), superresolution.held_out_planes("labels")
    )


def _train(steps: int = STEPS):
    pairs = []
    for case in hippocampus.split()[0]:
        images = superresolution.scaled(hippocampus.volume("images", case))
        for image, labels in zip(images, hippocampus.volume("labels", case), strict=True):
            if labels.any():
                pairs.append((image.astype(np.float32) / 255, labels.astype(np.int64)))

    def batch(draw):
        found = []
        for place in draw.integers(len(pairs), size=BATCH):
            image, labels = pairs[place]
            top, left = (int(draw.integers(0, max(1, side - SIDE + 1))) for side in image.shape)
            cut = (slice(top, top + SIDE), slice(left, left + SIDE))
            short = [(0, max(0, SIDE - side)) for side in image[cut].shape]
            x = np.pad(image[cut], short) * (1 + 0.15 * draw.standard_normal()) + 0.05 * draw.standard_normal()
            found.append((x[None].astype(np.float32), np.pad(labels[cut], short)))
        return [np.stack(each) for each in zip(*found, strict=True)]

    def loss(score, target):
        from torch.nn import functional

        share = score.softmax(1)
        truth = functional.one_hot(target, len(LABELS)).movedim(-1, 1)
        dice = (2 * (share * truth).sum((0, 2, 3)) + 1) / (share.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
        return functional.cross_entropy(score, target) + 1 - dice[1:].mean()

    return _planes.fit(lambda: _planes.unet(1, len(LABELS)), batch, loss, steps)


def answer(restore):
    """The segmenter's answer on what `restore()(coarse slice)` gives; without `restore` on the original."""

    def make(folder: Path) -> Path:
        import io

        import torch
        from PIL import Image

        segmenter, method, files = _segmenter(), restore and restore(), []
        for case, plane in superresolution.held_out_planes().items():
            picture = plane if method is None else method(superresolution.halved(plane))
            tall, wide = plane.shape
            padded = np.pad(picture / np.float32(255), [(0, -side % _planes.MULTIPLE) for side in plane.shape])
            with torch.no_grad():
                score = segmenter(torch.from_numpy(padded.astype(np.float32))[None, None])[0]
            data = io.BytesIO()
            Image.fromarray(score.argmax(0).numpy()[:tall, :wide].astype(np.uint8)).save(data, format="PNG")
            files.append((f"{case}.png", data.getvalue()))
        return _writing.archive(folder / "masks.zip", files)

    return make


_kept: list = []


def _segmenter():
    """Trained once a process."""
    if not _kept:
        _kept.append(_train())
    return _kept[0]


def _sharper():
    """The network of `superresolution`, made again from the same seed."""
    import torch

    network = superresolution.train()

    def restore(coarse: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(coarse.astype(np.float32) / 255)[None, None])[0, 0].numpy()

    return restore


def entries() -> list[Baseline]:
    segmenter = "A small U-Net taught on original slices."
    return [
        Baseline("On the original slices", "predictions", answer(None), segmenter),
        Baseline(
            "On slices of the residual network", "predictions", answer(_sharper), f"{segmenter} 2 mm brought to 1 mm."
        ),
        Baseline(
            "On cubic interpolation",
            "predictions",
            answer(lambda: superresolution.cubic),
            f"{segmenter} 2 mm interpolated to 1 mm.",
        ),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=hippocampus.held_out,
    needs=(hippocampus.NEED,),
    seconds=80,
    modules=("_planes", "hippocampus", "superresolution"),
)
