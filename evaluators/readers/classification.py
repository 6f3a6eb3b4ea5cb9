"""Classification: one probability per class and case; binary, several classes, grades, or several labels at once."""

import csv
import io

import numpy as np

from evaluators.faults import Findings, quote
from evaluators.places import near
from evaluators.readers import _rows
from evaluators.readers._rows import CASE, Column
from evaluators.readers.registry import Kind, register

TOLERANCE = 1e-3  # of the sum of a row
COLUMN = "label"


def columns(manifest: dict) -> list[str]:
    return list(manifest["classes"]) if manifest["multilabel"] else [COLUMN]


def reference(manifest: dict, given: dict[str, list[str]], report) -> np.ndarray:
    """(n,) class numbers, or (n, k) of 0 and 1 where a case may have several labels."""
    if manifest["multilabel"]:
        table = np.zeros((len(next(iter(given.values()), [])), len(manifest["classes"])), np.int64)
        for number, name in enumerate(manifest["classes"]):
            for row, value in enumerate(given[name]):
                if value not in ("0", "1"):
                    report(
                        row,
                        name,
                        f"{quote(value)} is neither 0 nor 1",
                        "Write 1 where the case has this label, else 0.",
                    )
                table[row, number] = value == "1"
        return table
    numbers = {name: number for number, name in enumerate(manifest["classes"])}
    found = np.array([numbers.get(value, -1) for value in given[COLUMN]], np.int64)
    for row in np.flatnonzero(found < 0):
        report(row, COLUMN, f"{quote(given[COLUMN][row])} is not one of the classes", near(given[COLUMN][row], numbers))
    return found


def _is_binary(manifest: dict) -> bool:
    return len(manifest["classes"]) == 2 and not manifest["multilabel"]


def _wanted(manifest: dict, header: list[str], found: Findings) -> list[Column]:
    """The columns of probabilities; of a binary file the second class alone will do."""
    classes = manifest["classes"]
    required = classes[1:] if _is_binary(manifest) else classes
    hint = f"The columns are {CASE} and one per class: {', '.join(classes)}."
    _rows.header_faults(header, [CASE, *classes], [CASE, *required], found, hint)
    return [Column(name, "a probability", 0, 1) for name in classes if name in header]


def _values(manifest: dict, ids: list[str], path, found: Findings, *, native: bool, keep: bool) -> np.ndarray | None:
    table = _rows.open_table(path, found, native)
    if table is None:
        return None
    wanted = _wanted(manifest, table.header, found)
    values = np.zeros((len(ids), len(wanted))) if keep else None
    for numbers, rows, block, places in _rows.rows(table, ids, found, wanted):
        if not manifest["multilabel"] and len(wanted) > 1:
            _sums(rows, block, places, wanted, table.header, found)
        if keep:
            values[numbers] = rows
    return np.column_stack([1 - values, values]) if keep and len(wanted) == 1 and _is_binary(manifest) else values


def _sums(rows, block, places, wanted: list[Column], header: list[str], found: Findings) -> None:
    sums = rows.sum(axis=1)
    for row in found.each(np.flatnonzero(np.abs(sums - 1) > TOLERANCE + 1e-9)):
        number = header.index(wanted[0].name)
        place = block.place(places[row], number, header)
        message = (
            f"the {len(wanted)} probabilities add up to {sums[row]:.6g}; they must add up to 1 within {TOLERANCE:g}"
        )
        found.add(message, "Divide each by their sum.", **(place | {"mark": None}))


def check(manifest: dict, ids: list[str], path, found: Findings) -> None:
    _values(manifest, ids, path, found, native=False, keep=False)


def read(manifest: dict, ids: list[str], path, folder, found: Findings) -> np.ndarray:
    """(n, k) probabilities; of a binary benchmark both columns, whichever the file has."""
    return _values(manifest, ids, path, found, native=True, keep=True)


def sample(manifest: dict, cases, out) -> str:
    """Every case with the same probability for every class."""
    k = len(manifest["classes"])
    share = 0.5 if manifest["multilabel"] else 1 / k
    values = [repr(share)] * k
    return write(out, [CASE, *manifest["classes"]], ([name, *values] for name in cases.ids))


def write(out, header: list[str], lines) -> str:
    """A CSV file into a binary file object; its name."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    text.flush()
    text.detach()
    return "sample-submission.csv"


register(Kind("classification", 2, columns, reference, check, read, sample))
