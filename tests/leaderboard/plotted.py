"""Boards of each kind whose entries have everything that plots are made of, from drawn data and the evaluator's own code."""

import io

import numpy as np

from evaluators import behind
from evaluators.models import Run
from leaderboard.models import Submission
from tests.leaderboard.pages import make_board, make_entry
from zoo import blobs

KINDS = {
    "classification": ("auroc", "average_precision"), "survival": ("concordance_index",), "regression": ("mae",),
    "detection": ("froc",), "segmentation": ("dice", "hd95"), "restoration": ("psnr",),
}  # fmt: skip
CLASSES = {
    "classification": ["benign", "malignant"],
    "detection": ["nodule", "cyst"],
    "segmentation": ["liver", "tumour"],
}


def make_plotted(owner, kind: str, *, entries: int = 3, n: int = 300, classes: list[str] | None = None, **changes):
    """A published board of this kind and its entries, best first: (board, submissions)."""
    names = classes or CLASSES.get(kind, [])
    metrics = changes.pop("metrics", KINDS[kind])
    manifest = {"classes": names, "groups": [], "release": ["curves"]} | changes.pop("manifest", {})
    slug = changes.pop("slug", kind)
    board = make_board(owner, slug, kind=kind, cases=n, patients=n // 2, metrics=metrics, manifest=manifest, **changes)
    made = [
        make_entry(
            board, f"team{i}", 0.85 - 0.1 * i, error=0.02, kind=("weights", "predictions")[i % 2], name=f"Entry {i}"
        )
        for i in range(entries)
    ]
    for number, submission in enumerate(made):
        add_material(submission, truth_of(board, n), seed=number)
    return board, made


def truth_of(board, n: int):
    """The hidden labels, the same for every entry."""
    rng, k = np.random.default_rng(1), len(board.package.manifest["classes"])
    if board.kind == "classification":
        return rng.integers(0, k, n)
    if board.kind == "survival":
        return {"time": rng.exponential(24, n).round(1) + 0.1, "event": rng.random(n) < 0.6}
    if board.kind == "regression":
        return rng.normal(60, 10, n)
    if board.kind == "detection":
        return {
            name: [
                np.column_stack([rng.uniform(0, 90, (m, 2)), rng.uniform(5, 9, (m, 2))]) for m in rng.integers(0, 3, n)
            ]
            for name in board.package.manifest["classes"]
        }
    return None


def answer_of(board, truth, seed: int = 0, skill: float = 1.0):
    """A prediction as the evaluator takes it."""
    rng, n = np.random.default_rng(100 + seed), board.package.cases
    if board.kind == "classification":
        logits = rng.normal(size=(n, len(board.package.manifest["classes"])))
        logits[np.arange(n), truth] += skill
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if board.kind == "survival":
        return {"risk": -np.log(truth["time"]) + rng.normal(size=n)}
    if board.kind == "regression":
        return truth + 2 + rng.normal(0, 5, n)
    return {
        name: [np.column_stack([np.vstack([b + rng.normal(0, 0.5, b.shape), rng.uniform(5, 60, (2, 4))]), rng.random(len(b) + 2)]) for b in boxes]
        for name, boxes in truth.items()
    }  # fmt: skip


def add_material(submission: Submission, truth, seed: int = 0, answer=None) -> None:
    """What the score child would have left for the plots, beside what make_entry left."""
    board, rng = submission.benchmark, np.random.default_rng(seed)
    n = board.package.cases
    arrays = {}
    if truth is None:
        labels = board.package.manifest["classes"] or [""]
        for metric in KINDS[board.kind]:
            arrays |= {f"per_case:{metric}:{label}": rng.beta(9, 2 + i, n) for i, label in enumerate(labels)}
    else:
        answer = answer_of(board, truth, seed) if answer is None else answer
        arrays |= behind.of(board.package.manifest, truth, answer, np.arange(n) // 2)
    if submission.run.kind == Run.Kind.WEIGHTS:
        arrays |= {
            f"robustness:{name}": 0.8 - 0.05 * (i + 1) * np.arange(4) for i, name in enumerate(("blur", "noise"))
        }
    keep(submission, arrays)
    submission.run.provenance = {
        "seconds": {"predict": 12 + seed},
        "cost": {"parameters": 11_000_000, "latency_median": 0.012 + 0.01 * seed},
        "device": "cpu",
    }
    submission.run.save(update_fields=["provenance"])


def keep(submission: Submission, arrays: dict) -> None:
    """Put arrays into the details of its run, beside those that are there."""
    run, out = submission.run, io.BytesIO()
    with blobs.open(run.details) as file, np.load(file) as kept:
        np.savez_compressed(out, **({name: kept[name] for name in kept.files} | arrays))
    out.seek(0)
    run.details = blobs.put(out).sha256
    run.save(update_fields=["details"])
