"""Hippocampus on MRI, 3D: anterior and posterior part, 60 of 260 volumes of the Decathlon's Task04 held out.

A small 3D U-Net as ONNX weights, and the mean shape of the training part as predictions.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _pictures, _volumes, _writing

NEED = "hippocampus_msd_task04"
HELD_OUT = 60
LABELS = ["background", "anterior", "posterior"]
MANIFEST = {
    "slug": "hippocampus-msd",
    "version": 1,
    "title": "Hippocampus on T1 MRI, anterior and posterior, Decathlon Task04",
    "description": "Small blocks of T1-weighted MRI around one hippocampus, at 1 mm. Each voxel is anterior hippocampus, posterior "
    "hippocampus or neither.",
    "task": {
        "slug": "hippocampus-segmentation",
        "title": "Hippocampus segmentation on MRI",
        "question": "Where are the anterior and the posterior hippocampus on a T1-weighted image? It shrinks early in "
        "Alzheimer's disease, and on the side where temporal lobe epilepsy begins.",
        "specialty": "neuroradiology",
        "modality": "MRI, T1-weighted",
        "anatomy": "hippocampus",
    },
    "kind": "segmentation",
    "classes": LABELS,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "dice",
        "also": ["iou", "hd95", "nsd"],
        "parameters": {"nsd": {"tolerance": 1.0}},
        "why": {
            "dice": "Overlap of each part, one of the two measures by which the Decathlon ranked.",
            "hd95": "How far the boundary strays; overlap hides a stray piece.",
            "nsd": "Share of the boundary within 1 mm, the size of a voxel.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "Medical Segmentation Decathlon, Task04 Hippocampus",
        "licence": "CC BY-SA 4.0",
        "citation": "Antonelli M. et al. The Medical Segmentation Decathlon. Nature Communications 13:4128 (2022), "
        "doi:10.1038/s41467-022-30695-9. Data: Vanderbilt University Medical Center.",
        "url": "http://medicaldecathlon.com/",
    },
    "traps": [
        "No patient is named: left and right hippocampus of one person may fall on both sides of the split, and each volume "
        "counts as one patient, so intervals are somewhat too narrow.",
        "Blocks were cut around the hippocampus: finding it in a whole brain is not tested.",
        "One scanner site; adults, healthy or with psychotic disorders.",
    ],
}


@cache
def split() -> tuple[list[str], list[str]]:
    """Case ids of the training part and of the 60 held-out volumes, drawn once and for all."""
    names = sorted(path.name.removesuffix(".nii.gz") for path in (_data.find(NEED) / "images").glob("*.nii.gz"))
    chosen = set(np.random.RandomState(0).permutation(len(names))[:HELD_OUT].tolist())
    return (
        [name for number, name in enumerate(names) if number not in chosen],
        [name for number, name in enumerate(names) if number in chosen],
    )


def held_out() -> tuple[set, set]:
    return tuple(set(part) for part in split())


def package(folder: Path) -> None:
    rows = []
    for name in ("inputs", "reference"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for case in split()[1]:
        row = {"case_id": case, "patient_id": case}
        for column, source, target in (("reference", "labels", "reference"), ("input", "images", "inputs")):
            row[column] = f"{target}/{case}.nii.gz"
            (folder / row[column]).write_bytes((_data.find(NEED) / source / f"{case}.nii.gz").read_bytes())
        rows.append(row)
    _writing.package(folder, MANIFEST, rows)


def training() -> list[tuple[np.ndarray, np.ndarray]]:
    """(image, labels) of the training part."""
    return [(volume("images", case).astype(np.float32), volume("labels", case)) for case in split()[0]]


def volume(kind: str, case: str) -> np.ndarray:
    import nibabel

    return np.asarray(nibabel.load(_data.find(NEED) / kind / f"{case}.nii.gz").dataobj)


def network(folder: Path) -> Path:
    parameters = _volumes.train(folder, training(), classes=len(LABELS))
    _writing.config(
        folder,
        {
            "framework": "onnx",
            "inputs": {"kind": "volume", "normalise": "zscore", "multiple": _volumes.MULTIPLE},
            "head": "softmax",
            "label_names": LABELS,
        },
    )
    front = {
        "license": "cc-by-sa-4.0",
        "library_name": "onnx",
        "pipeline_tag": "image-segmentation",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "MRI", "hippocampus", "3D"],
        "datasets": ["medical-segmentation-decathlon-task04"],
    }
    sections = {
        "What it is": f"A 3D U-Net of three levels, about {round(parameters, -3):,} parameters, as ONNX. Input: a block of T1 MRI around one "
        "hippocampus at 1 mm, mean 0 and standard deviation 1 over the block, then zeros after the data until every side is a "
        "multiple of 4, `(n, 1, x, y, z)`, axes toward right, front and top. Output: logits of background, anterior and "
        "posterior hippocampus.",
        "Intended use": "To show how a segmentation network is published, run and measured. Research use only.",
        "Training data": f"{len(split()[0])} volumes of {MANIFEST['source']['name']} (CC BY-SA 4.0), none of the held-out "
        f"volumes of `{MANIFEST['slug']}` among them. {MANIFEST['source']['citation']}",
        "Training": f"{_volumes.EPOCHS} epochs over blocks of {' x '.join(map(str, _volumes.BLOCK))} voxels, cross entropy and "
        "soft Dice, AdamW; about a minute on one core.",
    }
    _writing.card(
        folder, front, "Hippocampus on T1 MRI, a very small 3D U-Net", sections,
        population="Adults, healthy or with a non-affective psychotic disorder, one centre (Vanderbilt)",
        acquisition={"sequence": "T1-weighted", "spacing": "1 mm", "field": "a block cut around one hippocampus"},
        training_data=[
            {"name": MANIFEST["source"]["name"], "size": f"{len(split()[0])} volumes", "licence": "CC BY-SA 4.0",
             "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def mean_shape(folder: Path) -> Path:
    """The most frequent label at each relative place of the block, over the training part; it never sees the image."""
    import nibabel
    from scipy.ndimage import zoom

    labels = [label for _, label in training()]
    grid = tuple(np.round(np.mean([label.shape for label in labels], axis=0)).astype(int))
    share = np.zeros((len(LABELS), *grid), np.float32)
    for label in labels:
        scale = np.divide(grid, label.shape)
        for value in range(len(LABELS)):
            share[value] += zoom((label == value).astype(np.float32), scale, order=1, grid_mode=True, mode="nearest")
    files = []
    for case in split()[1]:
        image = nibabel.load(_data.find(NEED) / "images" / f"{case}.nii.gz")
        scale = np.divide(image.shape, grid)
        fitted = [zoom(each, scale, order=1, grid_mode=True, mode="nearest") for each in share]
        files.append((f"{case}.nii.gz", _writing.volume(np.argmax(fitted, axis=0).astype(np.uint8), image.affine)))
    return _writing.archive(folder / "masks.zip", files)


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Small 3D U-Net (ONNX)",
            "weights",
            network,
            "80,000 parameters, from random weights.",
            model="hippocampus-unet3d",
        ),
        Baseline(
            "Mean shape",
            "predictions",
            mean_shape,
            "The average training label, fitted to each block; blind to the image.",
        ),
    ]


def picture_of_task() -> np.ndarray:
    """The middle slice of a training volume, beside it with its labels."""
    case = split()[0][0]
    image, labels = volume("images", case).astype(float), volume("labels", case)
    middle = len(image) // 2
    plane = np.clip(255 * image[middle] / image.max(), 0, 255).astype(np.uint8)
    return _pictures.row([np.rot90(plane), np.rot90(_pictures.labelled(plane, labels[middle]))])


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    seconds=70,
    modules=("_volumes",),
    short=True,
    picture=picture_of_task,
    credit="Medical Segmentation Decathlon, Task04, CC BY-SA 4.0",
)
