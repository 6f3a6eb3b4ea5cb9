"""The cytology table once more, as weights: small ONNX networks that Kensa runs itself.

The graphs are built from trained parameters with onnx.helper, so nothing but the requirements is needed. They take the
measures as they are in the table and hold their own standardisation.
"""

from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _graphs, _writing, cytology

SLUG = "cytology-wdbc-weights"
MANIFEST = {
    **cytology.MANIFEST,
    "slug": SLUG,
    "title": "Breast-mass cytology, Wisconsin diagnostic data, weights run here",
    "description": "The same held-out patients as cytology-wdbc; here the network itself is handed in, and Kensa runs it.",
    "accepts": ["weights"],
}
LAYERS = (16, 8)


def package(folder: Path) -> None:
    cytology.write(folder, MANIFEST)


def perceptron(folder: Path) -> Path:
    from sklearn.neural_network import MLPClassifier

    x, y, mean, spread = _standardised()
    network = MLPClassifier(LAYERS, alpha=1.0, max_iter=600, random_state=0).fit(x, y)
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    return _publish(folder, layers, mean, spread, "Two hidden layers of 16 and 8 rectified units (MLPClassifier).")


def linear(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression

    x, y, mean, spread = _standardised()
    model = LogisticRegression(max_iter=2000).fit(x, y)
    return _publish(
        folder, [(model.coef_.T, model.intercept_)], mean, spread, "One linear layer (logistic regression)."
    )


def _standardised() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y = cytology.training()
    mean, spread = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / spread, y, mean, spread


def _publish(folder: Path, layers: list, mean: np.ndarray, spread: np.ndarray, words: str) -> Path:
    (folder / "model.onnx").write_bytes(_graphs.dense(layers, mean, spread).SerializeToString())
    _writing.config(folder, _graphs.config(cytology.CLASSES))
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "tabular-classification",
        "task": cytology.TASK["slug"],
        "tags": ["medical", "cytology", "breast"],
        "datasets": ["breast-cancer-wisconsin-diagnostic"],
    }
    size = sum(weight.size + bias.size for weight, bias in layers)
    train = len(cytology.split()[0])
    sections = {
        "What it is": f"{words} {size} parameters. Input: thirty measures of cell nuclei, `(n, 30)` float32, in the order and "
        "units of scikit-learn's `load_breast_cancer`; the graph standardises them itself. Output: the "
        "probabilities of benign and malignant, `(n, 2)`.",
        "Intended use": "To show how a network over a table is published, run and measured. Research use only.",
        "Training data": f"{train} patients of the Wisconsin diagnostic data (CC BY 4.0), none of them among the held-out "
        f"patients of `{SLUG}`. {cytology.SOURCE['citation']}",
    }
    _writing.card(folder, front, "Breast-mass cytology from thirty measures of nuclei", sections)
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Small perceptron (ONNX)",
            "weights",
            perceptron,
            "Two hidden layers over thirty measures.",
            model="cytology-perceptron",
        ),
        Baseline(
            "Logistic regression (ONNX)",
            "weights",
            linear,
            "The linear model of the prediction board, handed in as a graph.",
            model="cytology-logistic-regression",
        ),
    ]


DEMO = Demo(
    slug=SLUG,
    package=package,
    entries=entries,
    held_out=cytology.held_out,
    modules=("cytology", "_graphs"),
    short=True,
)
