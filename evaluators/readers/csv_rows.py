"""Rows of a CSV table as inputs: `inputs/table.csv#12` is row 12, counted from 0 below the header; `#case-7` the row of a case."""

import functools
from pathlib import Path

import numpy as np

from evaluators import tables
from evaluators.faults import Faults, Findings
from evaluators.readers.registry import Format, Picture, Unreadable, register

CASE = "case_id"


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """(columns,) float64 of one row, `case_id` left out; (rows, columns) without an index. Empty fields are NaN."""
    stat = path.stat()
    names, values = _table(str(path), stat.st_mtime_ns, stat.st_size)
    if not index:
        return Picture(values, spatial=0)
    row = names.get(index, int(index) if index.isdigit() else -1)
    if not 0 <= row < len(values):
        raise Unreadable(
            f"there is no row {index} of {len(values):,}", "Count rows from 0, or name a case of the table."
        )
    return Picture(values[row], spatial=0)


@functools.lru_cache(maxsize=2)
def _table(path: str, changed: int, size: int) -> tuple[dict[str, int], np.ndarray]:
    found = Findings(Path(path).name)
    try:
        table = tables.Table(Path(path), found)
        blocks = [_numbers(block, table.header, found) for block in table.blocks()]
        found.check()
    except Faults as faults:
        first = faults.faults[0]
        place = f"line {first.line}: " if first.line else ""
        raise Unreadable(f"{place}{first.message}", first.hint) from None
    names = [name for part, _ in blocks for name in part]
    return {name: row for row, name in enumerate(names)}, np.concatenate([values for _, values in blocks])


def _numbers(block, header: list[str], found: Findings) -> tuple[list[str], np.ndarray]:
    names: list[str] = []
    columns = []
    for number, name in enumerate(header):
        if name == CASE:
            names = tables.strings(block.columns[number])
            continue
        values, bad = tables.numbers(block.columns[number])
        for row in np.flatnonzero(bad):
            if block.columns[number][row].strip():
                found.add(
                    "a field is not a number", "Encode categories as numbers.", **block.place(row, number, header)
                )
        columns.append(values)
    return names, np.column_stack(columns) if columns else np.zeros((len(block), 0))


register(Format("csv", (".csv",), read))
