"""Breast-mass cytology: thirty measures of cell nuclei from a needle aspirate, scikit-learn's Wisconsin data.

Four in ten of the 569 patients are held out; logistic regression, boosting and nearest neighbours answer as predictions.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _writing

HELD_OUT = 0.4
CLASSES = ["benign", "malignant"]
TASK = {
    "slug": "breast-mass-cytology",
    "title": "Breast-mass cytology",
    "question": "Is a breast mass malignant, judged from the nuclei of cells drawn with a fine needle? A sure answer spares "
    "a biopsy, a missed cancer costs months.",
    "specialty": "pathology",
    "modality": "fine-needle aspirate",
    "anatomy": "breast",
}
SOURCE = {
    "name": "Breast Cancer Wisconsin (Diagnostic), as scikit-learn ships it",
    "licence": "CC BY 4.0",
    "citation": "Street W.N., Wolberg W.H., Mangasarian O.L. Nuclear feature extraction for breast tumor diagnosis. "
    "Proc. SPIE 1905:861-870 (1993). UCI Machine Learning Repository, doi:10.24432/C5DW2B.",
    "url": "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
}
TRAPS = [
    "Nuclei were outlined by hand on chosen fields: the easy part of the work is in the data already.",
    "37 % of these masses are malignant, far more than in a clinic; predictive values do not carry over.",
    "Nearly solved: differences between good models are smaller than these cases can tell apart.",
]
METRICS = {
    "primary": "auroc",
    "also": ["average_precision", "balanced_accuracy", "sensitivity_at_specificity", "brier", "ece", "net_benefit"],
    "parameters": {"sensitivity_at_specificity": {"at": 0.95}, "net_benefit": {"threshold": 0.1}},
    "why": {
        "auroc": "Whether malignant masses are ranked above benign ones, at every threshold.",
        "brier": "Whether the probabilities can be believed, which a ranking does not show.",
        "net_benefit": "What a biopsy from a risk of 10 % on is worth, a missed cancer counting nine needless ones.",
    },
}
MANIFEST = {
    "slug": "cytology-wdbc",
    "version": 1,
    "title": "Breast-mass cytology, Wisconsin diagnostic data",
    "description": "Thirty measures of cell nuclei from a fine-needle aspirate; is the mass malignant?",
    "task": TASK,
    "kind": "classification",
    "classes": CLASSES,
    "accepts": ["predictions"],
    "labels": "public",
    "release_inputs": True,
    "metrics": METRICS,
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": SOURCE,
    "traps": TRAPS,
}


@cache
def table() -> tuple[np.ndarray, np.ndarray]:
    """(569, 30) measures and (569,) labels, 1 for malignant."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    return data.data, 1 - data.target


@cache
def split() -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training part and of the held-out part, with equal shares of malignant masses."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(np.arange(569), test_size=HELD_OUT, random_state=0, stratify=table()[1])
    return np.sort(train), np.sort(test)


def held_out() -> tuple[set, set]:
    return tuple({case_id(row) for row in rows} for rows in split())


def case_id(row: int) -> str:
    return f"w{row:04d}"


def write(folder: Path, manifest: dict) -> None:
    """The package of the held-out part under any manifest: the weights benchmark is made of the same table."""
    x, y = table()
    test = split()[1]
    _writing.arrays(folder / "inputs" / "measures.npz", measures=x[test].astype(np.float32))
    cases = (
        {
            "case_id": case_id(row),
            "patient_id": case_id(row),
            "label": CLASSES[y[row]],
            "input": f"inputs/measures.npz#{number}",
        }
        for number, row in enumerate(test)
    )
    _writing.package(folder, manifest, cases)


def package(folder: Path) -> None:
    write(folder, MANIFEST)


def training() -> tuple[np.ndarray, np.ndarray]:
    x, y = table()
    rows = split()[0]
    return x[rows], y[rows]


def predict(model, folder: Path) -> Path:
    """Fit a scikit-learn classifier on the training part and write its answer for the held-out part."""
    test = split()[1]
    values = model.fit(*training()).predict_proba(table()[0][test])
    return _writing.probabilities(folder / "answer.csv", [case_id(row) for row in test], CLASSES, values)


def logistic(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return predict(make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)), folder)


def boosting(folder: Path) -> Path:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return predict(HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=0), folder)


def neighbours(folder: Path) -> Path:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return predict(make_pipeline(StandardScaler(), KNeighborsClassifier(15, weights="distance")), folder)


def entries() -> list[Baseline]:
    return [
        Baseline("Logistic regression", "predictions", logistic, "Thirty standardised measures; scikit-learn."),
        Baseline("Gradient boosting", "predictions", boosting, "150 histogram trees; scikit-learn."),
        Baseline("Nearest neighbours", "predictions", neighbours, "15 neighbours by distance; scikit-learn."),
    ]


DEMO = Demo(slug=MANIFEST["slug"], package=package, entries=entries, held_out=held_out, short=True)
