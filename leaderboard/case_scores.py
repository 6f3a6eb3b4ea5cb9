"""What every entry of a board answered or scored on every case, as CSV: enough to compute its standings independently.

For whom finer things are: everyone where labels are public, else the organiser.
"""

import csv
import io
from collections.abc import Iterator

import numpy as np

from leaderboard import access, cases, standings
from leaderboard.models import Benchmark
from zoo import blobs
from zoo.errors import Refused

COLUMNS = ("submission", "run", "case_id", "patient", "reference", "metric", "part", "value")


def rows(benchmark: Benchmark, viewer, *, metric: str = "") -> Iterator[str]:
    """CSV lines, COLUMNS first. A metric that is a mean of cases: its value of each case and label (`part`), empty where the
    case does not count. Else `metric` is "prediction", and each class (`part`) has the probability that the entry gave;
    a regression its value, a survival its risk. `patient`: a number that says which cases are of one. Raises Refused."""
    if not access.sees_finer(viewer, benchmark):
        hint = "They would give the labels away. Its organiser may read them."
        raise Refused("hidden_labels", "Scores of single cases are not released here.", hint, status=403)
    board = standings.table(benchmark, viewer, metric=metric or None, whole=False)
    return _lines(board)


def _lines(board) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\n"
    held_out, manifest = cases.of(board.benchmark.package), board.benchmark.package.manifest
    truth = _reference(manifest, held_out)
    for entry in board.entries:
        if not entry.run.details:
            continue
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        for name, part, values in _values(entry.run.details, board.metric.name, manifest):
            for place, value in enumerate(values):
                written = "" if np.isnan(value) else repr(float(value))
                table.writerow([entry.submission.pk, entry.run.pk, held_out.ids[place], int(held_out.patients[place]),
                                truth[place], name, part, written])  # fmt: skip
        yield out.getvalue()


def _values(details: str, metric: str, manifest: dict) -> Iterator[tuple[str, str, np.ndarray]]:
    """(metric, part, values (n,)) of one run."""
    with blobs.open(details) as file, np.load(file, allow_pickle=False) as arrays:
        parts = [name for name in arrays.files if name.startswith(f"per_case:{metric}:")]
        for name in parts:
            yield metric, name.removeprefix(f"per_case:{metric}:"), arrays[name]
        for name in () if parts else ("prediction", "prediction:risk"):
            if name in arrays and arrays[name].ndim == 2:
                yield from (("prediction", label, arrays[name][:, k]) for k, label in enumerate(manifest["classes"]))
            elif name in arrays:
                yield "prediction", "", arrays[name]


def _reference(manifest: dict, held_out) -> list[str]:
    """Each case's reference where it is one label, number, or time with its event; else empty."""
    known = held_out.reference
    if manifest["kind"] == "classification" and np.ndim(known) == 1:
        return [manifest["classes"][int(value)] for value in known]
    if manifest["kind"] == "classification":
        return ["|".join(name for name, there in zip(manifest["classes"], row, strict=True) if there) for row in known]
    if manifest["kind"] == "survival":
        return [f"{time!r}|{int(event)}" for time, event in zip(known["time"].tolist(), known["event"], strict=True)]
    if manifest["kind"] == "regression":
        return [repr(float(value)) for value in known]
    return [""] * len(held_out.ids)
