"""Columns of a table of inputs that tell the outcome all by themselves: a cause of death, a code given afterwards, a row number.

Such a column makes every model good and none useful. It is looked for when a package is loaded: each column alone, by its
value and by whether it is filled in. Pure.
"""

from pathlib import Path

import numpy as np

from evaluators import readers
from evaluators.metrics import METRICS

TELLS = 0.99  # AUROC or concordance of one column, above which it is hard to believe that it was known before
FEWEST = 20  # cases
MOST_CASES, MOST_COLUMNS = 20_000, 500


def find(manifest: dict, cases, root: Path) -> list[dict]:
    """[{"column", "by": "value" | "presence", "measure": "auroc" | "concordance_index", "value"}] of every column that tells.

    Of classification and survival with a row of numbers as input; of everything else nothing is found.
    """
    outcome = _outcome(manifest, cases)
    if outcome is None or not cases.inputs or not all(cases.inputs) or not FEWEST <= len(cases.ids) <= MOST_CASES:
        return []
    try:
        first, facts = readers.read_input(root / cases.inputs[0])
        if first.ndim != 1 or len(first) > MOST_COLUMNS or facts.get("letters") or facts.get("spatial"):
            return []
        rows = np.stack([np.asarray(readers.read_input(root / name)[0], float) for name in cases.inputs])
    except (readers.Damaged, ValueError):  # told where the inputs are checked
        return []
    names = list(facts.get("names") or ()) or [f"column {number}" for number in range(1, rows.shape[1] + 1)]
    found = []
    for name, column in zip(names, rows.T, strict=True):
        filled = np.isfinite(column)
        if 0 < filled.sum() < len(filled):
            found += _tells(name, "presence", filled.astype(float), outcome, event_alone=True)
        if filled.all() and np.ptp(column) > 0:
            found += _tells(name, "value", column, outcome)
    return found


def _outcome(manifest: dict, cases):
    reference = cases.reference
    if manifest["kind"] == "survival" and isinstance(reference, dict):
        return {key: np.asarray(value) for key, value in reference.items()}
    if manifest["kind"] == "classification" and isinstance(reference, np.ndarray) and reference.ndim == 1:
        return reference
    return None


def _tells(name: str, by: str, values: np.ndarray, outcome, event_alone: bool = False) -> list[dict]:
    """The column, where it separates a class from the rest, or orders the times, nearly without error."""
    if isinstance(outcome, dict) and not event_alone:
        measure = "concordance_index"
        best = _either(METRICS[measure](outcome, values))
    else:
        measure, labels = "auroc", outcome["event"] if isinstance(outcome, dict) else outcome
        classes = np.unique(labels)
        best = max((_either(METRICS[measure]((labels == one).astype(int), values)) for one in classes), default=0.0)
    return [{"column": name, "by": by, "measure": measure, "value": round(best, 4)}] if best >= TELLS else []


def _either(value: float) -> float:
    """A measure whichever way round the column runs; nothing where it is undefined."""
    return max(float(value), 1 - float(value)) if np.isfinite(value) else 0.0
