"""Brain tissue on the MNI152 T1 volume of nilearn: grey and white matter, by thresholds, by clustering, and by a published network.

The network is a MeshNet of brainchop, imported and run as it is; it was trained by others, on other brains. One averaged brain: there is no interval, nothing is ranked and nothing was trained, and the board says so.
"""

import json
import shutil
from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _pictures, _writing

CASE = "mni152"
BRAINCHOP = "models_brainchop"
LABELS = ["background", "grey_matter", "white_matter"]
FILE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
MANIFEST = {
    "slug": "brain-tissue-mni152",
    "version": 1,
    "title": "Grey and white matter on the MNI152 T1 template",
    "description": "One averaged brain of 152 healthy adults, skull removed, at 1 mm. Each voxel is grey matter, white matter or "
    "neither. A single case: good for a first look at a segmentation tool, too little to compare tools by.",
    "task": {
        "slug": "brain-tissue-segmentation",
        "title": "Brain tissue on MRI",
        "question": "Which voxels of a T1-weighted image are grey and which are white matter? Volumes of tissue can show "
        "atrophy before it is seen by eye.",
        "specialty": "neuroradiology",
        "modality": "MRI, T1-weighted",
        "anatomy": "brain",
    },
    "kind": "segmentation",
    "classes": LABELS,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "dice",
        "also": ["iou", "nsd", "hd95"],
        "parameters": {"nsd": {"tolerance": 1.0}},
        "why": {
            "dice": "Overlap of each tissue, the number the field quotes.",
            "nsd": "Share of the boundary that lies within 1 mm: the cortex is thin, so a small shift matters.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "ICBM 152 nonlinear symmetric 2009a template with tissue maps, as nilearn ships it",
        "licence": "ICBM licence (use, copy and change for any purpose, with its copyright notice)",
        "citation": "Fonov V. et al. Unbiased average age-appropriate atlases for pediatric studies. NeuroImage 54:313-327 "
        "(2011), doi:10.1016/j.neuroimage.2010.07.033. Copyright 1993-2009 Louis Collins, McConnell Brain "
        "Imaging Centre, McGill University.",
        "url": "https://nist.mni.mcgill.ca/icbm-152-nonlinear-atlases-2009/",
    },
    "traps": [
        "One averaged brain, so no interval can be given and no rank means anything.",
        "The reference is where the averaged tissue maps exceed one half, the larger of the two winning; it was not drawn by hand.",
        "An average over 152 people is smoother than any patient, which favours thresholds.",
        "Deep grey matter is bright in the template, and every method by intensity alone calls some of it white.",
    ],
}


def _path(kind: str) -> Path:
    return _data.packaged("nilearn.datasets", "data", FILE.format(kind))


@cache
def template() -> tuple[np.ndarray, np.ndarray]:
    """(197, 233, 189) intensities 0 to 255, zero outside the brain, and the affine."""
    import nibabel

    image = nibabel.load(_path("t1"))
    return np.asarray(image.dataobj).astype(np.float32), image.affine


def reference() -> np.ndarray:
    """(197, 233, 189) uint8: 0 neither, 1 grey, 2 white; from the tissue maps that come with the template."""
    import nibabel

    grey, white = (np.asarray(nibabel.load(_path(kind)).dataobj, dtype=np.int16) for kind in ("gm", "wm"))
    tissue = np.where(grey >= white, 1, 2)
    return np.where(np.maximum(grey, white) > 127, tissue, 0).astype(np.uint8)


def package(folder: Path) -> None:
    for name in ("inputs", "reference"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_path("t1"), folder / "inputs" / f"{CASE}.nii.gz")
    (folder / "reference" / f"{CASE}.nii.gz").write_bytes(_writing.volume(reference(), template()[1]))
    row = {"case_id": CASE, "patient_id": CASE}
    row |= {"reference": f"reference/{CASE}.nii.gz", "input": f"inputs/{CASE}.nii.gz"}
    _writing.package(folder, MANIFEST, [row])


def held_out() -> tuple[set, set]:
    return set(), {CASE}


def thresholds(folder: Path) -> Path:
    """Otsu's method for three classes (1979): the two thresholds that part the histogram best."""
    image, _ = template()
    count = np.bincount(image[image > 0].astype(np.uint8), minlength=256).astype(float)
    value = np.arange(256)
    mass, moment = np.concatenate([[0], count.cumsum()]), np.concatenate([[0], (count * value).cumsum()])

    def between(low, high):  # n x mean^2 of the values low <= v < high; their sum is largest where classes part best
        n = mass[high] - mass[low]
        return (moment[high] - moment[low]) ** 2 / np.maximum(n, 1)

    first, second = np.triu_indices(255, 1)
    first, second = first + 1, second + 1
    best = np.argmax(between(0, first) + between(first, second) + between(second, 256))
    return _write(folder, np.digitize(image, [first[best], second[best]]))


def clusters(folder: Path) -> Path:
    from sklearn.cluster import KMeans

    image, _ = template()
    inside = image > 0
    model = KMeans(3, n_init=3, random_state=0).fit(_sample(image[inside]))
    return _write(folder, _ordered(image, inside, model.predict(image[inside][:, None]), model.cluster_centers_))


def mixture(folder: Path) -> Path:
    from sklearn.mixture import GaussianMixture

    image, _ = template()
    inside = image > 0
    model = GaussianMixture(3, random_state=0).fit(_sample(image[inside]))
    return _write(folder, _ordered(image, inside, model.predict(image[inside][:, None]), model.means_))


def _sample(values: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).choice(values, 100_000, replace=False)[:, None]


def _ordered(image: np.ndarray, inside: np.ndarray, found: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Clusters renamed by brightness: fluid, grey, white on T1."""
    labels = np.zeros(image.shape, np.uint8)
    labels[inside] = np.argsort(np.argsort(centres.ravel()))[found]
    return labels


def _write(folder: Path, labels: np.ndarray) -> Path:
    data = _writing.volume(labels.astype(np.uint8), template()[1])
    return _writing.archive(folder / "masks.zip", [(f"{CASE}.nii.gz", data)])


def meshnet(folder: Path) -> Path:
    """brainchop's network for grey and white matter: its own JSON and parameters, with the preprocessing its authors state."""
    config = json.loads((_data.find(BRAINCHOP) / "model5_gw_ae.json").read_text())
    steps = [{"step": "reorient", "to": "LIA"}, {"step": "pad", "size": [256]}, {"step": "normalise", "how": "minmax"}]
    names = ["background", "white_matter", "grey_matter"]
    _writing.config(folder, {"framework": "meshnet", **config, "inputs": {"steps": steps}, "label_names": names})
    shutil.copyfile(_data.find(BRAINCHOP) / "model5_gw_ae.safetensors", folder / "model.safetensors")
    (folder / "LICENSE").write_bytes((_data.find(BRAINCHOP) / "LICENSE").read_bytes())
    front = {
        "license": "mit",
        "library_name": "brainchop",
        "pipeline_tag": "image-segmentation",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "MRI", "brain", "3D", "MeshNet"],
    }
    sections = {
        "What it is": "MeshNet, nine dilated convolutions of five channels, 5,598 parameters, for background, white and grey matter, "
        "published by the brainchop project. Third-party weights, unchanged: `model5_gw_ae` of github.com/neuroneural/brainchop under "
        "the MIT licence beside this card. Input: a T1-weighted volume at 1 mm, turned to LIA, padded to 256 x 256 x 256 voxels, scaled "
        "to 0 to 1.",
        "Intended use": "Its authors made it to segment brains in the browser. Here: to show that published weights are imported and run "
        "as they are. Research use only.",
        "Training data": "Not known here; see the authors' publication. Masoud M., Hu F., Plis S. Brainchop: In-browser MRI volumetric "
        "segmentation and rendering. Journal of Open Source Software 8(83):5098 (2023), doi:10.21105/joss.05098. Whether the brains "
        "that the MNI152 template averages were among it is not known either.",
    }
    _writing.card(
        folder, front, "Grey and white matter on T1 MRI, brainchop's MeshNet", sections,
        population="Not stated where the weights are published",
        acquisition={"sequence": "T1-weighted", "spacing": "1 mm"},
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    published = Baseline(
        "MeshNet of brainchop",
        "weights",
        meshnet,
        "Published third-party weights, 5,598 parameters, run as they are.",
        model="brainchop-meshnet-gwm",
        external_data="Trained by its authors on data that is not known here.",
    )
    return [
        *([published] if _data.present(BRAINCHOP) else []),
        Baseline("Otsu thresholds", "predictions", thresholds, "Two thresholds on intensity, three classes."),
        Baseline("k-means on intensity", "predictions", clusters, "Three clusters of intensity; scikit-learn."),
        Baseline("Gaussian mixture on intensity", "predictions", mixture, "Three normal components; scikit-learn."),
    ]


def picture_of_task() -> np.ndarray:
    """A slice of the template, beside it with its tissues."""
    plane = template()[0][:, :, 95].astype(np.uint8)
    return _pictures.row([np.rot90(plane), np.rot90(_pictures.labelled(plane, reference()[:, :, 95]))])


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    wants=(BRAINCHOP,),
    seconds=15,
    short=True,
    picture=picture_of_task,
    credit="ICBM 152 template, copyright McConnell Brain Imaging Centre, McGill University",
)
