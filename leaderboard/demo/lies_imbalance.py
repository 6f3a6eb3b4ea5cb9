"""Imbalance: cytology with four cancers among the benign masses. Who calls every mass benign is right nearly always."""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _lessons, _writing, cytology

KEPT = 4  # malignant masses left among the held-out ones, drawn once; with 3 one resample in 20 would hold none
MANIFEST = {
    **_lessons.COMMON,
    "slug": "lies-imbalance",
    "title": "Imbalance: four cancers among the benign masses",
    "description": "The held-out masses of cytology-wdbc, of whose cancers all but four were taken away: about 3 % are malignant. "
    "Calling every mass benign is right in 97 % of them and finds no cancer. Plain accuracy is refused as the metric "
    "that ranks; it is shown beside the others to be seen through.",
    "kind": "classification",
    "classes": cytology.CLASSES,
    "metrics": {
        "primary": "auroc",
        "also": ["accuracy", "balanced_accuracy", "average_precision"],
        "why": {
            "accuracy": "The figure that misleads: compare it with balanced accuracy, which is 0.5 for who never finds a cancer."
        },
    },
    "source": cytology.SOURCE,
    "traps": [
        "Made to mislead, for the page on how a benchmark lies.",
        "Four cancers: every figure on sensitivity is a coin toss.",
    ],
}


@cache
def rows() -> np.ndarray:
    """Held-out row numbers: every benign mass and four malignant ones."""
    test, labels = cytology.split()[1], cytology.table()[1]
    ill = test[labels[test] == 1]
    kept = np.random.default_rng(0).choice(ill, KEPT, replace=False)
    return np.sort(np.concatenate([test[labels[test] == 0], kept]))


def package(folder: Path) -> None:
    x, y = cytology.table()
    _writing.arrays(folder / "inputs" / "measures.npz", measures=x[rows()].astype(np.float32))
    cases = (
        {
            "case_id": cytology.case_id(row),
            "patient_id": cytology.case_id(row),
            "label": cytology.CLASSES[y[row]],
            "input": f"inputs/measures.npz#{number}",
        }
        for number, row in enumerate(rows())
    )
    _writing.package(folder, MANIFEST, cases)


def held_out() -> tuple[set, set]:
    return cytology.held_out()[0], {cytology.case_id(row) for row in rows()}


def _write(folder: Path, risk: np.ndarray) -> Path:
    cases = [cytology.case_id(row) for row in rows()]
    return _writing.probabilities(folder / "answer.csv", cases, cytology.CLASSES, np.stack([1 - risk, risk], axis=1))


def benign(folder: Path) -> Path:
    """Every mass is benign, with the share of cancers as its risk."""
    return _write(folder, np.full(len(rows()), KEPT / len(rows())))


def logistic(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(*cytology.training())
    return _write(folder, model.predict_proba(cytology.table()[0][rows()])[:, 1])


def eager(folder: Path) -> Path:
    """A stump on one measure, tuned to miss nothing: its accuracy is below that of calling everything benign."""
    x, y = cytology.training()
    worst = x[:, 20]  # worst radius
    cut = np.quantile(worst[y == 1], 0.05)
    return _write(folder, np.clip(0.5 + 0.1 * (cytology.table()[0][rows(), 20] - cut), 0.01, 0.99))


def entries() -> list[Baseline]:
    return [
        Baseline("Every mass is benign", "predictions", benign, "Looks at nothing."),
        Baseline("Logistic regression", "predictions", logistic, "Thirty standardised measures; scikit-learn."),
        Baseline(
            "One measure, set to miss little",
            "predictions",
            eager,
            "The largest radius, threshold at 95 % sensitivity in training.",
        ),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    modules=("_lessons", "cytology", "_graphs"),
)
