"""Boxes in a table: `case_id,label,score,x,y[,z],w,h[,d]`, corner first and then sizes; any number of rows a case."""

from collections.abc import Sequence

import numpy as np

from evaluators import tables
from evaluators.faults import Findings, quote
from evaluators.places import near
from evaluators.readers import _rows
from evaluators.readers._rows import CASE, Column

LABEL, SCORE = "label", "score"
TINY = np.nextafter(0, 1)
PLANE = (Column("x"), Column("y"), Column("w", "a width above 0", TINY), Column("h", "a height above 0", TINY))
SPACE = (Column("x"), Column("y"), Column("z"), *PLANE[2:], Column("d", "a depth above 0", TINY))


def columns(dimensions: int) -> tuple[Column, ...]:
    return SPACE if dimensions == 3 else PLANE


class Boxes:
    """Collects boxes: `add` any number of times, then `by_class`."""

    def __init__(self, classes: Sequence[str], n: int, width: int):
        self.classes, self.n, self.width = list(classes), n, width
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, cases: np.ndarray, labels: np.ndarray, values: np.ndarray) -> None:
        self.parts.append((cases, labels, values))

    def by_class(self) -> dict[str, list[np.ndarray]]:
        """For every class a list of (m, width) per case, in the order of the file."""
        empty = (np.zeros(0, int), np.zeros(0, int), np.zeros((0, self.width)))
        cases, labels, values = (np.concatenate(part) for part in zip(empty, *self.parts, strict=True))
        found = {}
        for number, name in enumerate(self.classes):
            chosen = labels == number
            order = np.argsort(cases[chosen], kind="stable")
            counts = np.bincount(cases[chosen], minlength=self.n)
            found[name] = np.split(values[chosen][order], np.cumsum(counts)[:-1])
        return found


def read(
    table, classes: Sequence[str], ids: list[str], dimensions: int, found: Findings, *, scored: bool, cased: bool = True
) -> Boxes:
    """All boxes of a table, score last where `scored`. `cased`: every row names its case; else all are case 0's."""
    sides = columns(dimensions)
    wanted = [*sides, *([Column(SCORE, "a score")] if scored else [])]
    names = [*([CASE] if cased else []), *([LABEL] if len(classes) > 1 or LABEL in table.header else [])]
    required = [*names, *(column.name for column in wanted)]
    hint = f"The columns are {', '.join(required)}."
    _rows.header_faults(table.header, required, required, found, hint)
    boxes = Boxes(classes, len(ids), len(wanted))
    places = [table.header.index(column.name) for column in wanted]
    ledger, numbers = _rows.Ledger(ids, found), {name: number for number, name in enumerate(classes)}
    for block in table.blocks():
        good = np.ones(len(block), bool)
        cases = np.zeros(len(block), int)
        if cased:
            cases, good = _cases(ledger, block, table.header, found)
        labels = np.zeros(len(block), int)
        if LABEL in table.header:
            labels = _labels(block, table.header, numbers, found)
            good &= labels >= 0
        values, fine = _rows.values_of(block, wanted, places, table.header, found)
        good &= fine
        boxes.add(cases[good], labels[good], values[good])
    return boxes


def _cases(ledger: _rows.Ledger, block, header: list[str], found: Findings) -> tuple[np.ndarray, np.ndarray]:
    names = tables.strings(block.columns[header.index(CASE)])
    cases = ledger.numbers(names)
    for row in found.each(np.flatnonzero(cases < 0)):
        message, hint = _rows.unknown_case(names[row], ledger.ids, found)
        found.add(message, hint, **block.place(row, header.index(CASE), header))
    return cases, cases >= 0


def _labels(block, header: list[str], numbers: dict[str, int], found: Findings) -> np.ndarray:
    place = header.index(LABEL)
    names = tables.strings(block.columns[place])
    labels = np.fromiter((numbers.get(name, -1) for name in names), int, len(names))
    for row in found.each(np.flatnonzero(labels < 0)):
        hint = near(names[row], numbers, "The classes are")
        found.add(f"{quote(names[row])} is not one of the classes", hint, **block.place(row, place, header))
    return labels
