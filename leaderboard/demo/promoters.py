"""Promoter sequences: 106 stretches of E. coli DNA, 57 nucleotides each; one fixed third is held out.

Position weights as an ONNX graph, and two classifiers of scikit-learn as predictions. 35 sequences tell large differences alone.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _graphs, _pictures, _writing

NEED = "uci_promoters/promoters.data"
LETTERS = "acgt"
CLASSES = ["other", "promoter"]
HELD_OUT = 35
MANIFEST = {
    "slug": "promoters-ecoli",
    "version": 1,
    "title": "Promoter sequences of E. coli, one fixed third held out",
    "description": "Each case is a stretch of DNA, 57 nucleotides as 228 numbers: four a nucleotide in the order a, c, g, t, one of "
    "them 1. Is it a promoter, where transcription of a gene begins? 35 sequences are held out; the intervals are wide, and no "
    "order among good methods follows from them.",
    "task": {
        "slug": "promoter-recognition",
        "title": "Promoter sequences",
        "question": "Does a stretch of DNA hold a promoter, where the transcription of a gene begins? What reads sequences like "
        "these is later asked to tell which variants of a patient's genome matter.",
        "specialty": "genomics",
        "modality": "DNA sequence",
        "anatomy": "E. coli genome",
    },
    "kind": "classification",
    "classes": CLASSES,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "auroc",
        "also": ["average_precision", "balanced_accuracy", "brier"],
        "why": {
            "auroc": "Whether promoters are ranked above other sequences, at every threshold; half of the sequences are promoters.",
            "brier": "Whether the probabilities can be believed.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "Molecular Biology (Promoter Gene Sequences), UCI Machine Learning Repository",
        "licence": "CC BY 4.0 (as UCI states for its data sets)",
        "citation": "Harley C., Reynolds R., Noordewier M. Molecular Biology (Promoter Gene Sequences). UCI Machine Learning "
        "Repository (1987), doi:10.24432/C5S01D.",
        "url": "https://archive.ics.uci.edu/dataset/67/molecular+biology+promoter+gene+sequences",
    },
    "traps": [
        "35 held-out sequences, 17 of them promoters: an AUROC moves by several points with one of them.",
        "Promoters were aligned at the start of transcription and the others were not: a method that knows positions is helped by it.",
        "Published accuracies are leave-one-out over all 106 sequences and cannot be compared with this third.",
        "No patient is behind a sequence: each counts as one unit when resampling.",
    ],
}


@cache
def table() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, (106, 228) one-hot rows, and (106,) labels, 1 for a promoter; in the order of the file."""
    names, rows, labels = [], [], []
    for line in _data.find(NEED).read_text().splitlines():
        if line.strip():
            label, name, sequence = (field.strip() for field in line.split(","))
            names.append(name)
            labels.append(int(label == "+"))
            rows.append(np.eye(4, dtype=np.float32)[[LETTERS.index(letter) for letter in sequence]].ravel())
    return names, np.array(rows), np.array(labels)


@cache
def split() -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training part and of the fixed third, in equal shares of promoters."""
    from sklearn.model_selection import train_test_split

    labels = table()[2]
    train, test = train_test_split(np.arange(len(labels)), test_size=HELD_OUT, random_state=0, stratify=labels)
    return np.sort(train), np.sort(test)


def held_out() -> tuple[set, set]:
    """The sequences themselves as identities."""
    rows = table()[1]
    return tuple({rows[row].tobytes() for row in part} for part in split())


def case_id(row: int) -> str:
    return f"s{row:03d}"


def package(folder: Path) -> None:
    _, rows, labels = table()
    test = split()[1]
    _writing.arrays(folder / "inputs" / "sequences.npz", sequences=rows[test])
    cases = (
        {
            "case_id": case_id(row),
            "patient_id": case_id(row),
            "label": CLASSES[labels[row]],
            "input": f"inputs/sequences.npz#{number}",
        }
        for number, row in enumerate(test)
    )
    _writing.package(folder, MANIFEST, cases)


def training() -> tuple[np.ndarray, np.ndarray]:
    _, rows, labels = table()
    part = split()[0]
    return rows[part], labels[part]


def predict(model, folder: Path) -> Path:
    rows, labels = training()
    test = split()[1]
    values = model.fit(rows, labels).predict_proba(table()[1][test])
    return _writing.probabilities(folder / "answer.csv", [case_id(row) for row in test], CLASSES, values)


def support_vectors(folder: Path) -> Path:
    """Platt's probabilities of a radial support vector machine."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return predict(CalibratedClassifierCV(SVC(C=10.0), cv=5), folder)


def nearest(folder: Path) -> Path:
    from sklearn.neighbors import KNeighborsClassifier

    return predict(KNeighborsClassifier(5), folder)


def composition(folder: Path) -> Path:
    """Logistic regression on how often each letter occurs: what is known without any position."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    count = FunctionTransformer(lambda rows: rows.reshape(len(rows), -1, 4).sum(1))
    return predict(make_pipeline(count, LogisticRegression(max_iter=500)), folder)


def weights(folder: Path) -> Path:
    """Log-odds of each letter at each position with one pseudocount each: a position weight matrix, which is one linear layer."""
    rows, labels = training()
    share = [(rows[labels == label].sum(0) + 1) / ((labels == label).sum() + 4) for label in (0, 1)]
    matrix = np.log(share[1] / share[0])
    bias = np.log(labels.mean() / (1 - labels.mean()))
    columns = rows.shape[1]
    model = _graphs.dense([(matrix[:, None], np.array([bias]))], np.zeros(columns), np.ones(columns), "sequence")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    _writing.config(folder, _graphs.config(CLASSES, "sequence"))
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "tabular-classification",
        "task": MANIFEST["task"]["slug"],
        "tags": ["genomics", "DNA", "promoter"],
        "datasets": ["uci-promoter-gene-sequences"],
    }
    sections = {
        "What it is": f"A position weight matrix, {columns + 1} parameters: the log-odds of each nucleotide at each of 57 places, added "
        "up. Input: `sequence`, `(n, 228)` float32, four numbers a nucleotide in the order a, c, g, t. Output: the probabilities "
        "of other and promoter, `(n, 2)`; they assume that places are independent, so they are too sure.",
        "Intended use": "To show how a model of sequences is published, run and measured. Research use only.",
        "Training data": f"{len(labels)} of 106 sequences of {MANIFEST['source']['name']} (CC BY 4.0), none of the held-out ones of "
        f"`{MANIFEST['slug']}` among them. {MANIFEST['source']['citation']}",
    }
    _writing.card(
        folder, front, "Promoters of E. coli, a position weight matrix", sections,
        population="Escherichia coli; no patient",
        acquisition={"length": "57 nucleotides, promoters aligned at the start of transcription"},
        training_data=[
            {"name": MANIFEST["source"]["name"], "size": f"{len(labels)} sequences", "licence": "CC BY 4.0",
             "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Position weight matrix (ONNX)",
            "weights",
            weights,
            "Log-odds of each nucleotide at each place.",
            model="promoter-position-weights",
        ),
        Baseline(
            "Support vector machine", "predictions", support_vectors, "Radial kernel on one-hot rows; scikit-learn."
        ),
        Baseline("Nearest neighbours", "predictions", nearest, "Five sequences of fewest differences; scikit-learn."),
        Baseline(
            "Composition alone", "predictions", composition, "Counts of a, c, g and t, no position: the weak baseline."
        ),
    ]


def picture_of_task() -> np.ndarray:
    """Twelve training sequences, one a line: a colour for each nucleotide."""
    rows = training()[0][:12]
    return _pictures.letters(rows.reshape(len(rows), -1, 4).argmax(2))


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    modules=("_graphs",),
    picture=picture_of_task,
    credit="UCI Machine Learning Repository, CC BY 4.0",
)
