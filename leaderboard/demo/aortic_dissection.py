"""Aortic dissection on MRI: the reader study of Van Dyke, five radiologists, two kinds of MRI, 114 cases. People are the rows."""

from functools import cache
from pathlib import Path

from leaderboard.demo import Demo, _reading

NEED = "mrmc_readers/MRMCaov_VanDyke.RData"
CLASSES = ["no dissection", "dissection"]
ARMS = {"1": "spin-echo MRI", "2": "cine MRI"}
CITATION = (
    "Van Dyke C.W., White R.D., Obuchowski N.A., Geisinger M.A., Lorig R.J., Meziane M.A. Cine MRI in the diagnosis of thoracic "
    "aortic dissection. 79th RSNA Meetings, Chicago (1993)."
)
MANIFEST = {
    "slug": "aortic-dissection-vandyke",
    "version": 1,
    "title": "Aortic dissection on MRI, five radiologists of the Van Dyke study",
    "description": "Five radiologists rated 114 examinations from 1 (surely no dissection) to 5 (surely a dissection), once on spin-echo "
    "and once on cine MRI. The board shows each with the area under their ROC curve. It is the standard example of a "
    "multi-reader multi-case study.",
    "task": {
        "slug": "aortic-dissection",
        "title": "Aortic dissection on MRI",
        "question": "Is the wall of the aorta torn? A dissection can kill within hours, and how well it is seen depends on the kind of "
        "MRI and on who reads it.",
        "specialty": "radiology",
        "modality": "MRI",
        "anatomy": "aorta",
    },
    "kind": "classification",
    "classes": CLASSES,
    "accepts": ["predictions"],
    "labels": "public",
    "metrics": {
        "primary": "auroc",
        "also": [],
        "why": {
            "auroc": "What reader studies compare: whether ill patients were rated higher, whatever the threshold."
        },
    },
    "readers": {
        "positive": ["dissection"],
        "margin": 0.05,
        "citation": CITATION,
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "VanDyke, of the R package MRMCaov",
        "licence": _reading.GPL,
        "citation": f"{CITATION} Data in Smith B.J., Hillis S.L., MRMCaov (R package).",
        "url": "https://github.com/brian-j-smith/MRMCaov",
    },
    "traps": [
        _reading.ALONE,
        "45 of 114 patients had a dissection, a share chosen for the study: predictive values do not carry over.",
        "The margin of non-inferiority, 0.05 in AUROC, is this demonstration's, not the study's.",
        "MRI of before 1993: what is read today looks different.",
        "Which kind of MRI is which follows RJafroc's documentation of the same ratings (dataset02: 0 spin-echo, 1 cine).",
    ],
}


@cache
def table():
    return _reading.read(NEED, "VanDyke")


def package(folder: Path) -> None:
    found = table()
    first = found.drop_duplicates("case")
    cases = [
        {"case_id": f"case-{int(case):03d}", "patient_id": f"case-{int(case):03d}", "label": CLASSES[int(truth)]}
        for case, truth in zip(first["case"], first["truth"], strict=True)
    ]
    columns = (found[name] for name in ("reader", "treatment", "case", "rating"))
    rows = [
        [f"Radiologist {reader}", ARMS[str(arm)], f"case-{int(case):03d}", int(rating)]
        for reader, arm, case, rating in zip(*columns, strict=True)
    ]
    _reading.write(folder, MANIFEST, cases, ["reader", "arm", "case_id", "rating"], rows)


def held_out() -> tuple[set, set]:
    return set(), {f"case-{int(case):03d}" for case in table()["case"].unique()}


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=list,
    held_out=held_out,
    needs=(NEED,),
    modules=("_reading",),
)
