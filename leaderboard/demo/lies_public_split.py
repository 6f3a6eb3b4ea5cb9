"""Overfitting to the public split: an answer that saw no patient climbs the public half by asking it again and again."""

from functools import cache
from pathlib import Path

import numpy as np

from evaluators.metrics import METRICS
from leaderboard.demo import Baseline, Demo, _lessons, _writing, cytology

QUESTIONS = 1000
MANIFEST = {
    **_lessons.COMMON,
    "slug": "lies-public-split",
    "title": "Overfitting to the public split: a thousand questions and no patient",
    "description": "The held-out masses of cytology-wdbc, half of them public and half private. One entry looked at no patient: it tried a "
    "thousand random answers against the public half, kept those that scored above one half, and added them up (Blum and Hardt, "
    "2015). It looks like a model on the public half and is a coin toss on the private one. A competition here reveals the private "
    "half once, rounds public scores, limits questions, and can release a score only when it beats the team's best by more than chance.",
    "kind": "classification",
    "classes": cytology.CLASSES,
    "metrics": {
        "primary": "auroc",
        "also": ["balanced_accuracy"],
        "why": {
            "auroc": "See it on the public and on the private cases: they are the same question asked of other patients."
        },
    },
    "split": {"column": "split"},
    "source": cytology.SOURCE,
    "traps": [
        "Made to mislead, for the page on how a benchmark lies: its labels are public, so both halves can be shown."
    ],
}


@cache
def public() -> np.ndarray:
    """Whether each held-out row is in the public half; drawn once, in equal shares of cancers."""
    labels = cytology.table()[1][cytology.split()[1]]
    draw, chosen = np.random.default_rng(1), np.zeros(len(labels), bool)
    for label in (0, 1):
        mine = np.flatnonzero(labels == label)
        chosen[draw.permutation(mine)[: len(mine) // 2]] = True
    return chosen


def package(folder: Path) -> None:
    x, y = cytology.table()
    test = cytology.split()[1]
    _writing.arrays(folder / "inputs" / "measures.npz", measures=x[test].astype(np.float32))
    cases = (
        {
            "case_id": cytology.case_id(row),
            "patient_id": cytology.case_id(row),
            "split": "public" if share else "private",
            "label": cytology.CLASSES[y[row]],
            "input": f"inputs/measures.npz#{number}",
        }
        for number, (row, share) in enumerate(zip(test, public(), strict=True))
    )
    _writing.package(folder, MANIFEST, cases)


def _write(folder: Path, risk: np.ndarray) -> Path:
    cases = [cytology.case_id(row) for row in cytology.split()[1]]
    return _writing.probabilities(folder / "answer.csv", cases, cytology.CLASSES, np.stack([1 - risk, risk], axis=1))


def climber(folder: Path) -> Path:
    """The sum of the random answers whose public score was above one half. It asks for scores; it never sees a label."""
    test = cytology.split()[1]
    labels, draw = cytology.table()[1][test], np.random.default_rng(0)
    total = np.zeros(len(test))
    for _ in range(QUESTIONS):
        answer = draw.random(len(test))
        if METRICS["auroc"](labels[public()], answer[public()]) > 0.5:
            total += answer - 0.5
    return _write(folder, 1 / (1 + np.exp(-total)))


def logistic(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(*cytology.training())
    return _write(folder, model.predict_proba(cytology.table()[0][cytology.split()[1]])[:, 1])


def entries() -> list[Baseline]:
    return [
        Baseline(
            "A thousand questions, no patient",
            "predictions",
            climber,
            "Random answers that scored above one half, added up.",
        ),
        Baseline("Logistic regression", "predictions", logistic, "Thirty standardised measures; scikit-learn."),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=cytology.held_out,
    modules=("_lessons", "cytology", "_graphs"),
)
