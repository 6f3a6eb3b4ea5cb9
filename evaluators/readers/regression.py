"""Regression: one number per case."""

import numpy as np

from evaluators import tables
from evaluators.faults import Findings, quote
from evaluators.readers import _rows
from evaluators.readers._rows import CASE, Column
from evaluators.readers.classification import write
from evaluators.readers.registry import Kind, register

COLUMN, VALUE = "label", "value"


def columns(manifest: dict) -> list[str]:
    return [COLUMN]


def reference(manifest: dict, given: dict[str, list[str]], report) -> np.ndarray:
    """(n,) finite numbers."""
    return finite(given, COLUMN, report)


def finite(given: dict[str, list[str]], column: str, report) -> np.ndarray:
    """A column as finite numbers; whatever is none is reported, and NaN."""
    values, _ = tables.numbers(given[column])
    for row in np.flatnonzero(~np.isfinite(values)):
        text = given[column][row]
        report(row, column, f"{quote(text)} is not a finite number", "Write digits, with a point for decimals.")
    return values


def _values(manifest, ids, path, found: Findings, *, native: bool) -> np.ndarray | None:
    table = _rows.open_table(path, found, native)
    if table is None:
        return None
    hint = f"The columns are {CASE} and {VALUE}."
    _rows.header_faults(table.header, [CASE, VALUE], [CASE, VALUE], found, hint)
    values = np.zeros(len(ids))
    for numbers, rows, _block, _places in _rows.rows(table, ids, found, [Column(VALUE)]):
        values[numbers] = rows[:, 0]
    return values


def check(manifest: dict, ids: list[str], path, found: Findings) -> None:
    _values(manifest, ids, path, found, native=False)


def read(manifest: dict, ids: list[str], path, folder, found: Findings) -> np.ndarray:
    """(n,) numbers."""
    return _values(manifest, ids, path, found, native=True)


def sample(manifest: dict, cases, out) -> str:
    """Every case with 0."""
    return write(out, [CASE, VALUE], ([name, 0] for name in cases.ids))


register(Kind("regression", 0, columns, reference, check, read, sample))
