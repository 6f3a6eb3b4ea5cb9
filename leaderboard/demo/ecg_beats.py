"""Ventricular ectopic beats: 25,301 beats of twelve ECG recordings of MIT-BIH, the four held-out patients strangers to training.

A 1D network as ONNX weights, boosting and logistic regression as predictions. Four patients: thousands of beats do not make
the interval narrower than four people allow, and the board says so.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _pictures, _planes, _writing

NEED = "mitbih_pvc_beats/mitbih_pvc_beats.npz"
CLASSES = ["other", "ectopic"]
MILLIVOLT = 200.0  # units
SAMPLES = 96
MANIFEST = {
    "slug": "ecg-ectopic-mitbih",
    "version": 1,
    "title": "Ventricular ectopic beats on ECG, MIT-BIH, four held-out patients",
    "description": "One beat a case: 96 samples of one lead at 120 Hz in units of 1/200 mV, 40 before and 55 after the annotated "
    "beat. Is it a premature ventricular contraction? Train and test patients are different people.",
    "task": {
        "slug": "ventricular-ectopic-beats",
        "title": "Ventricular ectopic beats",
        "question": "Is a heartbeat on the ECG a premature ventricular contraction? Many of them over a day can weaken the heart or "
        "announce a dangerous rhythm, and nobody can look at a hundred thousand beats by eye.",
        "specialty": "cardiology",
        "modality": "ECG",
        "anatomy": "heart",
    },
    "kind": "classification",
    "classes": CLASSES,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "auroc",
        "also": ["average_precision", "sensitivity_at_specificity", "balanced_accuracy"],
        "parameters": {"sensitivity_at_specificity": {"at": 0.99}},
        "why": {
            "auroc": "Whether ectopic beats are ranked above the others. Calling every beat normal is right in 85 % of them, so "
            "accuracy would flatter.",
            "average_precision": "Whether an alarm can be believed: it falls with false alarms among the many other beats. By chance it is "
            "the share of ectopic beats, 0.15.",
            "sensitivity_at_specificity": "What is found when one in a hundred other beats may raise an alarm, about forty an hour.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "MIT-BIH Arrhythmia Database, lead 1 of twelve records, resampled to 120 Hz and cut into beats",
        "licence": "ODC-BY 1.0",
        "citation": "Moody G.B., Mark R.G. The impact of the MIT-BIH Arrhythmia Database. IEEE Engineering in Medicine and Biology "
        "20(3):45-50 (2001). Goldberger A.L. et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000).",
        "url": "https://physionet.org/content/mitdb/1.0.0/",
    },
    "traps": [
        "9,570 held-out beats, but four patients: what another patient would give is hardly known.",
        "Nearly nine in ten ectopic beats of the training part come from one recording (106).",
        "Beats of one person look alike; a split by beats instead of patients would give far higher scores.",
        "Positions of beats are given by annotation: finding the beat is not tested.",
    ],
}
STEPS, BATCH = 900, 128


@cache
def beats() -> dict[str, np.ndarray]:
    with np.load(_data.find(NEED)) as data:
        return {name: data[name] for name in data.files}


def part(held_out: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, 96) float32 in units of 1/200 mV, (n,) labels, 1 for ectopic, and (n,) records."""
    data = beats()
    rows = data["test"] == held_out
    return data["x"][rows].astype(np.float32), data["y"][rows].astype(int), data["record"][rows]


def held_out() -> tuple[set, set]:
    """Recordings, one a patient."""
    return tuple({f"r{record}" for record in part(which)[2].tolist()} for which in (False, True))


def ids() -> list[str]:
    records, seen, found = part(True)[2].tolist(), {}, []
    for record in records:
        seen[record] = seen.get(record, 0) + 1
        found.append(f"r{record}-{seen[record]:04d}")
    return found


def package(folder: Path) -> None:
    signals, labels, records = part(True)
    _writing.arrays(folder / "inputs" / "beats.npz", beats=signals)
    rows = zip(ids(), labels.tolist(), records.tolist(), strict=True)
    cases = (
        {"case_id": case, "patient_id": f"r{record}", "label": CLASSES[label], "input": f"inputs/beats.npz#{number}"}
        for number, (case, label, record) in enumerate(rows)
    )
    _writing.package(folder, MANIFEST, cases)


def predict(model, folder: Path) -> Path:
    signals, labels, _ = part(False)
    values = model.fit(signals / MILLIVOLT, labels).predict_proba(part(True)[0] / MILLIVOLT)
    return _writing.probabilities(folder / "answer.csv", ids(), CLASSES, values)


def boosting(folder: Path) -> Path:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return predict(HistGradientBoostingClassifier(max_iter=150, random_state=0), folder)


def logistic(folder: Path) -> Path:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return predict(make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)), folder)


def _network():
    """Four convolutions along time, then the mean and the largest of each channel."""
    import torch
    from torch import nn

    def layer(first: int, second: int, width: int) -> list:
        half = width // 2
        return [nn.Conv1d(first, second, width, 2, half, bias=False), nn.BatchNorm1d(second), nn.ReLU(inplace=True)]

    class Beat(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(*layer(1, 16, 9), *layer(16, 32, 7), *layer(32, 32, 5), *layer(32, 32, 3))
            self.last = nn.Linear(64, 2)

        def forward(self, x):
            x = self.body(x.unsqueeze(1) / MILLIVOLT)
            return self.last(torch.cat([x.mean(2), x.amax(2)], 1))

    return Beat()


def train(steps: int = STEPS):
    """A network that saw as many ectopic as other beats, each recording as often as any other, height and baseline varied."""
    signals, labels, records = part(False)
    groups = [
        [np.flatnonzero((records == record) & (labels == label)) for record in np.unique(records)] for label in (0, 1)
    ]

    def batch(draw):
        chosen = []
        for label, rows in enumerate(groups):
            # Ectopic beats by the root of their number: one recording has most of them, others a few.
            weight = np.array([len(each) ** (0.5 * label) * bool(len(each)) for each in rows], float)
            for record in draw.choice(len(rows), BATCH // 2, p=weight / weight.sum()):
                chosen.append(draw.choice(rows[record]))
        found = signals[chosen]
        height = np.exp(0.3 * draw.standard_normal((BATCH, 1)))
        base = 0.15 * MILLIVOLT * draw.standard_normal((BATCH, 1))
        noise = 0.02 * MILLIVOLT * draw.standard_normal(found.shape)
        shift = draw.integers(-3, 4)
        return [np.roll(found * height + base + noise, shift, axis=1).astype(np.float32), labels[chosen]]

    def loss(score, target):
        from torch.nn.functional import cross_entropy

        return cross_entropy(score, target, label_smoothing=0.02)

    return _planes.fit(_network, batch, loss, steps, rate=3e-3)


def network(folder: Path) -> Path:
    parameters = _planes.export(train(), folder / "model.onnx", (1, SAMPLES), "beat", "logits", axes=(0,))
    config = {"framework": "onnx", "inputs": {"kind": "table", "name": "beat"}, "head": "softmax"}
    _writing.config(folder, config | {"label_names": CLASSES})
    front = {
        "license": "apache-2.0",
        "library_name": "onnx",
        "pipeline_tag": "time-series-classification",
        "task": MANIFEST["task"]["slug"],
        "tags": ["medical", "ECG", "arrhythmia"],
        "datasets": ["mit-bih-arrhythmia"],
    }
    people = len(held_out()[0])
    sections = {
        "What it is": f"Four convolutions along time, about {round(parameters, -2):,} parameters, as ONNX. Input: `(n, 96)` "
        "float32, one lead at 120 Hz in units of 1/200 mV, 40 samples before the beat and 55 after it. Output: logits of other and "
        "ectopic, `(n, 2)`. It was trained on as many ectopic as other beats: its probabilities are too high for a ward.",
        "Intended use": "To show how a network over a signal is published, run and measured. Research use only.",
        "Training data": f"{len(part(False)[0]):,} beats of {people} recordings of {MANIFEST['source']['name']} (ODC-BY 1.0); "
        f"no beat of the held-out patients of `{MANIFEST['slug']}` among them. {MANIFEST['source']['citation']}",
        "Training": f"{STEPS} batches of {BATCH} beats, AdamW; heights, baselines and noise varied; half a minute on one core.",
    }
    _writing.card(
        folder, front, "Ventricular ectopic beats, a small 1D network", sections,
        population=f"{people} people with ambulatory ECG of the MIT-BIH Arrhythmia Database, Boston, 1975 to 1979",
        acquisition={"lead": "first of two", "sampling": "120 Hz, from 360 Hz", "unit": "1/200 mV"},
        training_data=[
            {"name": "MIT-BIH Arrhythmia Database", "size": f"{len(part(False)[0]):,} beats of {people} people",
             "licence": "ODC-BY 1.0", "supervision": "full"}
        ],
    )  # fmt: skip
    return folder


def entries() -> list[Baseline]:
    return [
        Baseline(
            "1D convolutional network (ONNX)",
            "weights",
            network,
            "Four convolutions along time, from random weights.",
            model="ecg-ectopic-conv1d",
        ),
        Baseline("Gradient boosting on samples", "predictions", boosting, "150 histogram trees; scikit-learn."),
        Baseline("Logistic regression on samples", "predictions", logistic, "96 samples; the weak baseline."),
    ]


def picture_of_task() -> np.ndarray:
    """An ordinary and an ectopic beat of one training patient."""
    signals, labels, records = part(False)
    mine = records == 106
    return _pictures.traces([signals[mine & (labels == label)][0] for label in (0, 1)])


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    seconds=40,
    modules=("_planes",),
    picture=picture_of_task,
    credit="MIT-BIH Arrhythmia Database, ODC-BY 1.0",
)
