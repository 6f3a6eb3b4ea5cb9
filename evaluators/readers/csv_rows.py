"""Rows of a CSV table as inputs: `inputs/table.csv#12` is row 12, counted from 0 below the header; `#case-7` the row of a case.

A table with a column `sequence` holds sequences of letters: a row is its sequence, and other columns are left aside.
"""

import functools
from pathlib import Path

import numpy as np

from evaluators import tables
from evaluators.faults import Faults, Findings
from evaluators.readers.registry import Format, Picture, Unreadable, register

CASE, SEQUENCE = "case_id", "sequence"


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """(columns,) float64 of one row, `case_id` left out; (rows, columns) without an index. Empty fields are NaN."""
    return row_of(path, index, tables.Table)


def row_of(path: Path, index: str, table) -> Picture:
    """One row, or all, of a file that `table(path, findings)` opens; see evaluators.tables.Table."""
    stat = path.stat()
    names, columns, values = _table(str(path), stat.st_mtime_ns, stat.st_size, table)
    letters = columns == (SEQUENCE,)
    if not index and not letters:
        return Picture(values, spatial=0, names=columns)
    row = names.get(index, int(index) if index.isdigit() else -1)
    if not 0 <= row < len(values):
        raise Unreadable(
            f"there is no row {index} of {len(values):,}", "Count rows from 0, or name a case of the table."
        )
    if letters:
        return Picture(np.frombuffer(values[row].encode("ascii", "replace"), np.uint8), spatial=1, letters=True)
    return Picture(values[row], spatial=0, names=columns)


@functools.lru_cache(maxsize=2)
def _table(path: str, changed: int, size: int, opened) -> tuple[dict[str, int], tuple[str, ...], np.ndarray | list]:
    found = Findings(Path(path).name)
    try:
        table = opened(Path(path), found)
        blocks = [_numbers(block, table.header, found) for block in table.blocks()]
        found.check()
    except Faults as faults:
        first = faults.faults[0]
        place = f"line {first.line}: " if first.line else ""
        raise Unreadable(f"{place}{first.message}", first.hint) from None
    names = {name: row for row, name in enumerate(name for part, _ in blocks for name in part)}
    if SEQUENCE in table.header:
        return names, (SEQUENCE,), [text for _, texts in blocks for text in texts]
    return names, tuple(n for n in table.header if n != CASE), np.concatenate([values for _, values in blocks])


def _numbers(block, header: list[str], found: Findings) -> tuple[list[str], np.ndarray | list[str]]:
    names: list[str] = []
    columns = []
    for number, name in enumerate(header):
        if name == CASE:
            names = tables.strings(block.columns[number])
            continue
        if SEQUENCE in header:
            columns = [text.strip() for text in tables.strings(block.columns[number])] if name == SEQUENCE else columns
            continue
        values, bad = tables.numbers(block.columns[number])
        for row in np.flatnonzero(bad):
            field = block.columns[number][row]
            if isinstance(field, str | bytes) and field.strip():
                found.add(
                    "a field is not a number", "Encode categories as numbers.", **block.place(row, number, header)
                )
        columns.append(values)
    if SEQUENCE in header:
        return names, columns
    return names, np.column_stack(columns) if columns else np.zeros((len(block), 0))


register(Format("csv", (".csv",), read))
