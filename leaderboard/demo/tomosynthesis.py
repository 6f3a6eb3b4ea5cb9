"""Mammography and tomosynthesis: marks of five radiologists on 185 cases in two arms (FROC), dataset01 of RJafroc. People are the rows."""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Demo, _reading, mammography_claims

NEED = "mrmc_readers/RJafroc_dataset01.RData"
CLASSES = ["no lesion", "lesion"]
ARMS = {"BT": "tomosynthesis", "DM": "mammography"}
CITATION = (
    "Chakraborty D.P., Svahn T. Estimating the parameters of a model of visual search from ROC data: an alternate method for "
    "fitting proper ROC curves. Proc. SPIE 7966 (2011)."
)
MANIFEST = {
    "slug": "breast-tomosynthesis-readers",
    "version": 1,
    "title": "Breast lesions marked by five radiologists, tomosynthesis against mammography",
    "description": "Five radiologists marked what they took for a lesion on 185 examinations and rated each mark, once on tomosynthesis and "
    "once on mammography; 89 examinations have 95 lesions. Marks give the weighted alternative free-response area (wAFROC), and by the "
    "highest mark of each case the inferred area under the ROC curve.",
    "task": mammography_claims.TASK,
    "kind": "classification",
    "classes": CLASSES,
    "accepts": ["predictions"],
    "labels": "public",
    "metrics": {
        "primary": "auroc",
        "also": [],
        "why": {
            "auroc": "Of marks the inferred one: the highest mark of a case is its rating, an unmarked case comes last."
        },
    },
    "readers": {
        "positive": ["lesion"],
        "lesions": "lesions",
        "margin": 0.05,
        "citation": CITATION,
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "dataset01 (TONY) of the R package RJafroc",
        "licence": _reading.GPL,
        "citation": f"{CITATION} Data: Chakraborty D.P., RJafroc (R package), dataset01 (TONY).",
        "url": "https://github.com/dpc10ster/RJafroc",
    },
    "traps": [
        _reading.ALONE,
        "89 of 185 examinations have a lesion, far more than in screening.",
        "A case without a mark counts as read by all: its rating is below the lowest mark.",
        "The margin of non-inferiority, 0.05 in AUROC, is this demonstration's, not the study's.",
    ],
}


@cache
def study():
    return _reading.read(NEED, "dataset01")


def lesions() -> np.ndarray:
    """(185,) lesions of each case: those without come first."""
    data = study()
    ill = np.asarray(data["lesions"]["perCase"]).astype(int)
    return np.concatenate([np.zeros(data["ratings"]["NL"].shape[2] - len(ill), int), ill])


def package(folder: Path) -> None:
    data, count = study(), lesions()
    false, hits = np.asarray(data["ratings"]["NL"]), np.asarray(data["ratings"]["LL"])
    healthy = false.shape[2] - hits.shape[2]
    arms = [ARMS[str(name)] for name in np.asarray(data["descriptions"]["modalityID"])]
    readers = [f"Radiologist {name}" for name in np.asarray(data["descriptions"]["readerID"])]
    rows = []
    for arm, reader, case, mark in np.argwhere(np.isfinite(false)):
        rows.append([readers[reader], arms[arm], case_id(case), false[arm, reader, case, mark], ""])
    for arm, reader, case, lesion in np.argwhere(np.isfinite(hits)):
        rows.append([readers[reader], arms[arm], case_id(case + healthy), hits[arm, reader, case, lesion], lesion + 1])
    cases = [
        {"case_id": case_id(case), "patient_id": case_id(case), "lesions": int(n), "label": CLASSES[int(n > 0)]}
        for case, n in enumerate(count)
    ]
    _reading.write(folder, MANIFEST, cases, ["reader", "arm", "case_id", "rating", "lesion"], rows)


def case_id(case: int) -> str:
    return f"case-{case + 1:03d}"


def held_out() -> tuple[set, set]:
    return set(), {case_id(case) for case in range(len(lesions()))}


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=list,
    held_out=held_out,
    needs=(NEED,),
    modules=("_reading", "mammography_claims"),
)
