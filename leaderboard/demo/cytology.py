"""Breast-mass cytology: thirty measures of cell nuclei from a needle aspirate, scikit-learn's Wisconsin data.

Four in ten of the 569 patients are held out. Two ONNX graphs as weights, which take the measures as they are in the table and
hold their own standardisation; boosting and nearest neighbours as predictions.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _graphs, _writing

HELD_OUT = 0.4
CLASSES = ["benign", "malignant"]
LAYERS = (16, 8)
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
    "accepts": ["predictions", "weights"],
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


def package(folder: Path) -> None:
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
    _writing.package(folder, MANIFEST, cases)


def training() -> tuple[np.ndarray, np.ndarray]:
    x, y = table()
    rows = split()[0]
    return x[rows], y[rows]


def predict(model, folder: Path) -> Path:
    """Fit a scikit-learn classifier on the training part and write its answer for the held-out part."""
    test = split()[1]
    values = model.fit(*training()).predict_proba(table()[0][test])
    return _writing.probabilities(folder / "answer.csv", [case_id(row) for row in test], CLASSES, values)


def boosting(folder: Path) -> Path:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return predict(HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=0), folder)


def neighbours(folder: Path) -> Path:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return predict(make_pipeline(StandardScaler(), KNeighborsClassifier(15, weights="distance")), folder)


def perceptron(folder: Path) -> Path:
    from sklearn.neural_network import MLPClassifier

    x, y, mean, spread = _standardised()
    network = MLPClassifier(LAYERS, alpha=1.0, max_iter=600, random_state=0).fit(x, y)
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    return _publish(
        folder, "perceptron", layers, mean, spread, "Two hidden layers of 16 and 8 rectified units (MLPClassifier)."
    )


def linear(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression

    x, y, mean, spread = _standardised()
    model = LogisticRegression(max_iter=2000).fit(x, y)
    return _publish(
        folder,
        "logistic regression",
        [(model.coef_.T, model.intercept_)],
        mean,
        spread,
        "One linear layer (logistic regression).",
    )


def _standardised() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    x, y = training()
    mean, spread = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / spread, y, mean, spread


def _publish(folder: Path, kind: str, layers: list, mean: np.ndarray, spread: np.ndarray, words: str) -> Path:
    (folder / "model.onnx").write_bytes(_graphs.dense(layers, mean, spread).SerializeToString())
    _writing.config(folder, _graphs.config(CLASSES))
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "tabular-classification",
        "task": TASK["slug"],
        "tags": ["medical", "cytology", "breast"],
        "datasets": ["breast-cancer-wisconsin-diagnostic"],
    }
    size = sum(weight.size + bias.size for weight, bias in layers)
    train = len(split()[0])
    sections = {
        "What it is": f"{words} {size} parameters. Input: thirty measures of cell nuclei, `(n, 30)` float32, in the order and "
        "units of scikit-learn's `load_breast_cancer`; the graph standardises them itself. Output: the "
        "probabilities of benign and malignant, `(n, 2)`.",
        "Intended use": "To show how a network over a table is published, run and measured. Research use only.",
        "Training data": f"{train} patients of the Wisconsin diagnostic data (CC BY 4.0), none of them among the held-out "
        f"patients of `{MANIFEST['slug']}`. {SOURCE['citation']}",
    }
    _writing.card(
        folder, front, f"Breast-mass cytology from thirty measures of nuclei, {kind}", sections,
        population="Women with a breast mass, fine-needle aspirate, one centre (Wisconsin)",
        acquisition={"nuclei": "outlined by hand on chosen fields of a digitised smear"},
        training_data=[
            {"name": SOURCE["name"], "size": f"{train} patients", "licence": "CC BY 4.0", "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Logistic regression (ONNX)",
            "weights",
            linear,
            "Thirty standardised measures; one linear layer as a graph.",
            model="cytology-logistic-regression",
        ),
        Baseline(
            "Small perceptron (ONNX)",
            "weights",
            perceptron,
            "Two hidden layers over thirty measures.",
            model="cytology-perceptron",
        ),
        Baseline("Gradient boosting", "predictions", boosting, "150 histogram trees; scikit-learn."),
        Baseline("Nearest neighbours", "predictions", neighbours, "15 neighbours by distance; scikit-learn."),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"], package=package, entries=entries, held_out=held_out, modules=("_graphs",), short=True
)
