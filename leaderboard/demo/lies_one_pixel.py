"""One-pixel attacks: chest films of which one pixel was changed, chosen for each film to fool a linear model. A person sees no change."""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _lessons, _medmnist, _writing, pneumoniamnist

IMAGES = pneumoniamnist.IMAGES
STRENGTHS = (0.01, 0.00001)  # C of the model that is attacked, and of one that spreads its weight over many pixels
MANIFEST = {
    **_lessons.COMMON,
    "slug": "lies-one-pixel",
    "title": "One pixel: chest films changed to fool a linear model",
    "description": "The held-out films of chest-xray-pneumoniamnist. In each, the one pixel was set to black or white that moves a linear "
    "model furthest toward the wrong answer. The rows are linear models on the films as they were and on the changed ones; the gap is "
    "what a clean test set does not show. Weights are run on changed copies too: that is the robustness of a board.",
    "kind": "classification",
    "classes": list(IMAGES.classes),
    "metrics": {
        "primary": "auroc",
        "also": ["balanced_accuracy", "sensitivity_at_specificity"],
        "parameters": {"sensitivity_at_specificity": {"at": 0.9}},
        "why": {"auroc": "How much of the order of films is left when one pixel in 784 was changed."},
    },
    "source": pneumoniamnist.MANIFEST["source"],
    "traps": [
        "Made to mislead, for the page on how a benchmark lies; the inputs here are the changed films.",
        "The attacker knows the model and the label: the worst case, not an accident.",
    ],
}


@cache
def model(strength: float) -> tuple[np.ndarray, float]:
    """(784,) weights of the pixels 0 to 1 and the intercept of logistic regression on standardised pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    images, labels = IMAGES.part("train")
    pixels = images.reshape(len(images), -1) / 255
    scale = StandardScaler().fit(pixels)
    fitted = LogisticRegression(C=strength, max_iter=400).fit(scale.transform(pixels), labels)
    weights = fitted.coef_[0] / scale.scale_
    return weights, float(fitted.intercept_[0] - (weights * scale.mean_).sum())


@cache
def films() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The held-out films as they are and with one pixel changed, (n, 784) 0 to 1 each, and their labels."""
    images, labels = IMAGES.part("test")
    clean = images.reshape(len(images), -1) / 255
    toward = np.where(labels == 1, -1, 1)[:, None] * model(STRENGTHS[0])[0]  # what the attacker adds up
    gain = np.stack([toward * (value - clean) for value in (0.0, 1.0)])
    value, pixel = np.unravel_index(gain.transpose(1, 0, 2).reshape(len(clean), -1).argmax(1), gain.shape[::2])
    changed = clean.copy()
    changed[np.arange(len(clean)), pixel] = value
    return clean, changed, labels


def package(folder: Path) -> None:
    _, changed, labels = films()
    for number, film in enumerate(changed):
        pixels = np.rint(255 * film).astype(np.uint8).reshape(28, 28)
        _writing.picture(folder / "inputs" / f"{IMAGES.case_id(number)}.png", pixels)
    cases = (
        {
            "case_id": IMAGES.case_id(number),
            "patient_id": IMAGES.case_id(number),
            "label": IMAGES.classes[label],
            "input": f"inputs/{IMAGES.case_id(number)}.png",
        }
        for number, label in enumerate(labels)
    )
    _writing.package(folder, MANIFEST, cases)


def answer(strength: float, attacked: bool):
    def make(folder: Path) -> Path:
        weights, intercept = model(strength)
        risk = 1 / (1 + np.exp(-(films()[int(attacked)] @ weights + intercept)))
        cases = [IMAGES.case_id(number) for number in range(len(risk))]
        return _writing.probabilities(folder / "answer.csv", cases, IMAGES.classes, np.stack([1 - risk, risk], axis=1))

    return make


def entries() -> list[Baseline]:
    usual, spread = STRENGTHS
    return [
        Baseline("Linear model, films as they were", "predictions", answer(usual, False), "784 standardised pixels."),
        Baseline(
            "Linear model, one pixel changed",
            "predictions",
            answer(usual, True),
            "The same model on the changed films.",
        ),
        Baseline(
            "Smoother linear model, films as they were",
            "predictions",
            answer(spread, False),
            "Its weights are held small.",
        ),
        Baseline(
            "Smoother linear model, one pixel changed",
            "predictions",
            answer(spread, True),
            "The films that were changed against the other model.",
        ),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=IMAGES.held_out,
    needs=("medmnist/pneumoniamnist.npz",),
    seconds=30,
    modules=("_lessons", "pneumoniamnist", *_medmnist.MODULES),
)
