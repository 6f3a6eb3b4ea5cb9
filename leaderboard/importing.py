"""Benchmark packages from public image collections in the folder layouts they come in, for sites that hold a copy.

`ham10000`: HAM10000_metadata.csv and pictures of skin lesions. `folders`: a folder for each class, as Kvasir. `masks`: images/ and
masks/ with equal names, as Kvasir-SEG. A fixed share is held out by the hash of the patient, lesion or picture, so that the
same copy gives the same package anywhere; the rest is for training and is listed in training.txt beside the package.
"""

import csv
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from evaluators.faults import Fault, Faults

PICTURES = (".jpg", ".jpeg", ".png")
SKIN = {
    "akiec": "actinic keratosis or intraepithelial carcinoma", "bcc": "basal cell carcinoma", "bkl": "benign keratosis",
    "df": "dermatofibroma", "mel": "melanoma", "nv": "naevus", "vasc": "vascular lesion",
}  # fmt: skip
HAM = {
    "name": "HAM10000",
    "licence": "CC BY-NC 4.0",
    "citation": "Tschandl P., Rosendahl C., Kittler H. The HAM10000 dataset, a large collection of multi-source dermatoscopic "
    "images of common pigmented skin lesions. Scientific Data 5:180161 (2018), doi:10.1038/sdata.2018.161.",
    "url": "https://doi.org/10.7910/DVN/DBW86T",
}


@dataclass(frozen=True)
class Case:
    """One picture: its id, the unit that is held out and resampled, and the columns of cases.csv beside them."""

    name: str
    unit: str
    picture: Path
    columns: dict[str, str]
    mask: Path | None = None


def write(layout: str, source: Path, target: Path, *, share: float, manifest: dict) -> int:
    """Write the package of a collection in `layout` to the new folder `target`; the number of held-out cases.

    share: of the units that is held out, above 0 and below 1. manifest: what the caller states over the layout's own,
    such as {"slug", "source": {"name", "licence"}}. Raises Faults.
    """
    if target.exists():
        raise _fault(f"{target} exists", "Name a new folder; nothing is overwritten.")
    if not 0 < share < 1:
        raise _fault(f"a share of {share:g} cannot be held out", "Write a number between 0 and 1, such as 0.2.")
    cases, stated = LAYOUTS[layout](source)
    whole = stated | manifest | {"source": stated.get("source", {}) | manifest.get("source", {})}
    missing = [name for name in ("name", "licence") if not whole["source"].get(name)]
    if missing:
        raise _fault(f"the {missing[0]} of the data is not known", "State it: --source NAME --licence LICENCE.")
    tested = [case for case in cases if _held_out(case.unit, share)]
    if not tested or len(tested) == len(cases):
        raise _fault("nothing would be held out, or nothing left to learn from", "Choose another share.")
    (target / "inputs").mkdir(parents=True)
    rows = [_row(target, case) for case in sorted(tested, key=lambda case: case.name)]
    (target / "benchmark.yaml").write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True), "utf-8")
    with (target / "cases.csv").open("w", newline="", encoding="utf-8") as out:
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    names = {case.name for case in tested}
    training = "".join(f"{case.picture.relative_to(source)}\n" for case in cases if case.name not in names)
    target.with_name(target.name + ".training.txt").write_text(training, "utf-8")
    return len(rows)


def _row(target: Path, case: Case) -> dict[str, str]:
    picture = f"inputs/{case.name}{case.picture.suffix.lower()}"
    shutil.copyfile(case.picture, target / picture)
    row = {"case_id": case.name, "patient_id": case.unit} | case.columns
    if case.mask:
        (target / "reference").mkdir(exist_ok=True)
        bright = np.asarray(Image.open(case.mask).convert("L")) > 127  # masks come as JPEG, whose edges are blurred
        Image.fromarray(bright.astype(np.uint8)).save(target / "reference" / f"{case.name}.png")
        row["reference"] = f"reference/{case.name}.png"
    return row | {"input": picture}


def _held_out(unit: str, share: float) -> bool:
    return int.from_bytes(hashlib.sha256(unit.encode()).digest()[:8], "big") < share * 2**64


def ham10000(source: Path) -> tuple[list[Case], dict]:
    """Dermatoscopic images in seven diagnoses; the unit is the lesion, of which there may be several pictures."""
    tables = [path for path in source.rglob("HAM10000_metadata*") if path.is_file()]
    if not tables:
        raise _fault("there is no HAM10000_metadata file", "Unpack the whole data set into the folder.")
    pictures = _pictures(source)
    with tables[0].open(newline="", encoding="utf-8") as file:
        first = file.readline()
        file.seek(0)
        rows = list(csv.DictReader(file, delimiter="\t" if "\t" in first else ","))
    cases = []
    for row in rows:
        name, label = row["image_id"], row["dx"]
        if label not in SKIN:
            raise _fault(f"{tables[0].name} holds the diagnosis {label!r}", f"Known are {', '.join(SKIN)}.")
        if name not in pictures:
            raise _fault(f"the picture of {name} is not in the folder", "Unpack both parts of the images.")
        age = row.get("age", "")
        band = f"{int(float(age)) // 20 * 20} to {int(float(age)) // 20 * 20 + 19}" if age not in ("", "NA") else ""
        groups = {"sex": row.get("sex", "").replace("unknown", ""), "age": band}
        cases.append(Case(name, row["lesion_id"], pictures[name], {"label": SKIN[label]} | groups))
    return cases, _classification(list(SKIN.values())) | {
        "slug": "skin-lesions-ham10000",
        "title": "Pigmented skin lesions on dermatoscopy, HAM10000",
        "task": {"slug": "skin-lesions", "specialty": "dermatology", "modality": "dermatoscopy", "anatomy": "skin"},
        "groups": ["sex", "age"],
        "safety": [{"never": {"truth": [SKIN["mel"]], "predicted": [SKIN["nv"]]}, "at_most": 0.1}],
        "source": HAM,
        "traps": [
            "Several pictures of one lesion: the split is by lesion, and no lesion is on both sides.",
            "Two thirds of the pictures are naevi; accuracy would mislead.",
            "Two sites, mostly fair skin: nothing is said about dark skin.",
        ],
    }


def folders(source: Path) -> tuple[list[Case], dict]:
    """A folder for each class; each picture is its own unit, since no patient is named."""
    classes = sorted(path.name for path in source.iterdir() if path.is_dir())
    if len(classes) < 2:
        raise _fault(
            "there are not two folders of pictures", "Put the pictures of each class into a folder of its name."
        )
    cases = [
        Case(path.stem, path.stem, path, {"label": name})
        for name in classes
        for path in _pictures(source / name).values()
    ]
    if len({case.name for case in cases}) != len(cases):
        raise _fault("two pictures have the same name", "Names of files are the ids of cases; rename one of them.")
    return cases, _classification(classes) | {
        "slug": "endoscopy-findings",
        "title": "Findings on endoscopy",
        "task": {"slug": "endoscopy", "specialty": "gastroenterology", "modality": "endoscopy", "anatomy": "bowel"},
        "traps": ["No patient is named: pictures of one patient may be on both sides of the split."],
    }


def masks(source: Path) -> tuple[list[Case], dict]:
    """images/ and masks/ with equal names; white is the finding."""
    pictures, outlines = (_pictures(source / name) if (source / name).is_dir() else {} for name in ("images", "masks"))
    if not pictures or set(pictures) != set(outlines):
        odd = sorted(set(pictures) ^ set(outlines))[:1]
        where = f"{odd[0]} is in one of them alone" if odd else "images/ and masks/ are not there"
        raise _fault(where, "Every picture in images/ needs a mask of the same name in masks/.")
    cases = [Case(name, name, path, {}, outlines[name]) for name, path in pictures.items()]
    return cases, {
        "slug": "polyp-segmentation",
        "version": 1,
        "title": "Polyps on colonoscopy",
        "task": {"slug": "endoscopy", "specialty": "gastroenterology", "modality": "endoscopy", "anatomy": "bowel"},
        "kind": "segmentation",
        "classes": ["background", "polyp"],
        "accepts": ["predictions", "weights"],
        "labels": "hidden",
        "release_inputs": True,
        "metrics": {"primary": "dice", "also": ["iou", "lesion_sensitivity"]},
        "traps": ["No patient is named: pictures of one patient may be on both sides of the split."],
    }


def _classification(classes: list[str]) -> dict:
    return {
        "slug": "",
        "version": 1,
        "title": "",
        "kind": "classification",
        "classes": classes,
        "accepts": ["predictions", "weights"],
        "labels": "hidden",
        "release_inputs": True,
        "metrics": {"primary": "balanced_accuracy", "also": ["auroc", "mcc"]},
        "resample": {"unit": "patient_id"},
    }


def _pictures(folder: Path) -> dict[str, Path]:
    """Pictures anywhere under a folder, by name without suffix."""
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES}


def _fault(message: str, hint: str) -> Faults:
    return Faults([Fault(message, hint)])


LAYOUTS: dict[str, Callable[[Path], tuple[list[Case], dict]]] = {
    "ham10000": ham10000,
    "folders": folders,
    "masks": masks,
}
