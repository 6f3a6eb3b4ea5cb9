"""Answers with one row per case: every case once, every value a number in its range; shared by the kinds that are tables."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from evaluators import sniff, tables
from evaluators.faults import Findings, quote
from evaluators.places import near
from evaluators.readers import parquet
from evaluators.tables import Block

CASE = "case_id"


@dataclass(frozen=True)
class Column:
    """A column of numbers; `words` say what it holds."""

    name: str
    words: str = "a number"
    low: float = -np.inf
    high: float = np.inf


def open_table(path: Path, found: Findings, native: bool):
    """The table in a file. Parquet is opened where native parsers may run alone; else None comes back for it."""
    if sniff.kind(sniff.head(path))[0] == "parquet":
        return parquet.Table(path, found) if native else None
    return tables.Table(path, found)


def header_faults(
    header: Sequence[str], known: Sequence[str], required: Sequence[str], found: Findings, hint: str
) -> None:
    """Add a fault for each column that is missing or not known, and stop there."""
    for number, name in enumerate(header, 1):
        if name not in known:
            missing = [item for item in required if item not in header]
            remedy = near(name, missing, "") if missing else ""
            remedy = remedy or next((f"Write {item}." for item in known if item.casefold() == name.casefold()), hint)
            found.add(f"unknown column {quote(name)}", remedy, line=1, column=number, name=name, text=",".join(header))
    for name in required:
        if name not in header:
            found.add(f"the column {quote(name)} is missing", hint, line=1, text=",".join(header))
    found.check()


class Ledger:
    """Which cases a file has answered so far, and on which line."""

    def __init__(self, ids: Sequence[str], found: Findings):
        self.ids, self.found = ids, found
        self.lines = np.zeros(len(ids), np.int64)  # 0: not seen
        self.next = 0  # where the next row stands if the file keeps the order of the cases
        self.places: dict[str, int] | None = None

    def enter(self, block: Block, column: int, header: list[str]) -> np.ndarray:
        """The case number of every row, -1 for rows that are unknown or doubled; those are reported."""
        names = tables.strings(block.columns[column])
        numbers = self.numbers(names)
        fresh = self._fresh(numbers)
        for row in self.found.each(np.flatnonzero(~fresh)):
            place = block.place(row, column, header)
            if numbers[row] < 0:
                self.found.add(*self._unknown(names[row]), **place)
            else:
                first = self.lines[numbers[row]] or block.lines[np.flatnonzero(numbers == numbers[row])[0]]
                hint = "Give every case one line."
                self.found.add(f"case {quote(names[row])} was already given on line {first}", hint, **place)
        numbers[~fresh] = -1
        self.lines[numbers[fresh]] = block.lines[fresh]
        return numbers

    def numbers(self, names: list[str]) -> np.ndarray:
        """The number of each case by its name, -1 where there is none."""
        end = self.next + len(names)
        if names == self.ids[self.next : end]:
            numbers = np.arange(self.next, end)
            self.next = end
            return numbers
        if self.places is None:
            self.places = {name: number for number, name in enumerate(self.ids)}
        return np.fromiter(map(self.places.get, names, repeat(-1)), np.int64, len(names))

    def _fresh(self, numbers: np.ndarray) -> np.ndarray:
        fresh = numbers >= 0
        known = numbers[fresh]
        first = np.zeros(len(known), bool)
        first[np.unique(known, return_index=True)[1]] = True
        fresh[fresh] = first & (self.lines[known] == 0)
        return fresh

    def _unknown(self, name: str) -> tuple[str, str]:
        return unknown_case(name, self.ids, self.found)

    def missing(self) -> None:
        """Report, once, the cases that no line answered."""
        missing_cases(self.ids, np.flatnonzero(self.lines == 0), self.found)


def unknown_case(name: str, ids: Sequence[str], found: Findings) -> tuple[str, str]:
    """Message and remedy for an id that is none of the cases'."""
    if not name:
        return "the case id is empty", "Give every line the id of its case."
    hint = f"The case ids run from {ids[0]} to {ids[-1]}." if len(ids) else ""
    if len(ids) <= 2000 and not found.full:
        close = difflib.get_close_matches(name[:100], ids if len(ids) <= 500 else ids[:500], n=1, cutoff=0.8)
        hint = f"Did you mean {close[0]}? {hint}" if close else hint
    return f"{quote(name)} is not a case of this benchmark", hint


def missing_cases(ids: Sequence[str], rows: np.ndarray, found: Findings, words: str = "are missing") -> None:
    if len(rows):
        listed = ", ".join(quote(ids[row]) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
        found.add(f"{len(rows):,} of {len(ids):,} cases {words}: {listed}",
                  "Start from the sample submission, which has every case.")  # fmt: skip


def values_of(block: Block, columns: Sequence[Column], places: Sequence[int], header: list[str], found: Findings):
    """(rows, columns) float64, and which rows are good; a value that is no number in its range is reported."""
    values = np.empty((len(block), len(columns)))
    good = np.ones(len(block), bool)
    for number, (column, place) in enumerate(zip(columns, places, strict=True)):
        values[:, number], bad = tables.numbers(block.columns[place])
        with np.errstate(invalid="ignore"):
            wrong = ~((values[:, number] >= column.low) & (values[:, number] <= column.high)) | ~np.isfinite(
                values[:, number]
            )
        good &= ~wrong
        for row in found.each(np.flatnonzero(wrong)):
            item = block.columns[place][row]
            found.add(*_wrong(item, bool(bad[row]), values[row, number], column), **block.place(row, place, header))
    return values, good


def _wrong(item, unparsed: bool, value: float, column: Column) -> tuple[str, str]:
    text = item.decode("utf-8", "replace").strip() if isinstance(item, bytes) else str(item)
    span = f"from {column.low:g} to {column.high:g}" if np.isfinite([column.low, column.high]).all() else ""
    need = f"{column.words} {span}".strip()
    if not text:
        return f"the field is empty; {need} is needed", "Write 0 if you mean zero."
    if unparsed:
        hint = "Write decimals with a point." if text.replace(",", "", 1).replace("-", "", 1).isdigit() else ""
        hint = "Write it without the % sign, divided by 100." if text.endswith("%") else hint
        return (
            f"{quote(text)} is not a number; {need} is needed",
            hint or "Write digits, a point, and an exponent if you must.",
        )
    if np.isnan(value) or np.isinf(value):
        return f"{quote(text)} is not a finite number", f"Give {column.words} for every case."
    if np.isinf(column.high):
        return f"{quote(text)} is not above 0; {need} is needed", "Leave it out, or look for its cause."
    hint = "Per cent? Divide by 100." if 1 < value <= 100 and column.high == 1 else "Clip it, or look for its cause."
    return f"{quote(text)} is outside {column.low:g} to {column.high:g}; {need} is needed", hint


def rows(
    table, ids, found: Findings, columns: Sequence[Column]
) -> Iterator[tuple[np.ndarray, np.ndarray, Block, np.ndarray]]:
    """For every block: case numbers, values (m, columns), the block, and the rows of it that are meant; all good ones.

    Reports unknown, doubled and, at the end, missing cases, and every bad value.
    """
    ledger = Ledger(ids, found)
    place = table.header.index(CASE)
    places = [table.header.index(column.name) for column in columns]
    for block in table.blocks():
        numbers = ledger.enter(block, place, table.header)
        values, good = values_of(block, columns, places, table.header, found)
        good &= numbers >= 0
        chosen = np.flatnonzero(good)
        if len(chosen) == len(block):
            yield numbers, values, block, chosen
        else:
            yield numbers[chosen], values[chosen], block, chosen
    ledger.missing()
