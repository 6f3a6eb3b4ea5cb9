"""Small benchmark packages with known answers, written by hand as an organiser would."""

import csv
from pathlib import Path

import numpy as np
import yaml


def write_manifest(folder: Path, **changes) -> dict:
    manifest = {
        "slug": "tumour-or-not",
        "version": 1,
        "title": "Tumour or not, made for a test",
        "task": {
            "slug": "tumour",
            "title": "Is there a tumour?",
            "specialty": "radiology",
            "modality": "CT",
            "anatomy": "lung",
        },
        "kind": "classification",
        "classes": ["benign", "malignant"],
        "accepts": ["predictions"],
        "metrics": {"primary": "auroc", "also": ["average_precision", "balanced_accuracy"]},
        "resample": {"unit": "patient_id", "resamples": 500},
        "source": {
            "name": "drawn at random in a test",
            "licence": "CC0 1.0",
            "citation": "none",
            "url": "https://example.org",
        },
    } | changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    return manifest


def binary(folder: Path, n: int = 200, seed: int = 1, split: bool = False, **changes) -> np.ndarray:
    """A binary classification package of n cases, two a patient; returns the labels (n,) in case order."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, n)
    if split:
        changes.setdefault("split", {"column": "split"})
    write_manifest(folder, **changes)
    with open(folder / "cases.csv", "w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["case_id", "patient_id", *(["split"] if split else []), "label"])
        for index, label in enumerate(labels):
            share = ["public" if (index // 2) % 2 else "private"] if split else []
            table.writerow([f"case-{index:04d}", f"patient-{index // 2:04d}", *share, ["benign", "malignant"][label]])
    return labels


def binary_answer(file: Path, labels: np.ndarray, skill: float = 1.0, seed: int = 2) -> np.ndarray:
    """A prediction file for `binary`; returns the probability of malignant (n,) exactly as written."""
    random = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(-(skill * (2 * labels - 1) + random.normal(size=len(labels)))))
    score = np.round(score, 6)
    with open(file, "w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["case_id", "benign", "malignant"])
        for index, value in enumerate(score):
            table.writerow([f"case-{index:04d}", f"{1 - value:.6f}", f"{value:.6f}"])
    return score
