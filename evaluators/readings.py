"""readers.csv: what human readers said of the cases, as ratings, decisions, or marks on lesions (FROC).

Columns: `reader`, `case_id`; optionally `arm` (the reading condition) and `repeat` (the same cases read again); then `rating`
(any number, higher is more suspicious) or `decision` (one of the classes), or for marks `rating` and `lesion`: its number
from 1, empty for a mark that hits none. A case with no line in a table of marks was read and left unmarked.
Pure: used by the loader and by the child that scores.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators import tables
from evaluators.faults import Findings, quote
from evaluators.places import near

FILE = "readers.csv"
READER, CASE, ARM, REPEAT = "reader", "case_id", "arm", "repeat"
RATING, DECISION, LESION = "rating", "decision", "lesion"
COLUMNS = (READER, CASE, ARM, REPEAT, RATING, DECISION, LESION)
FORMS = ("ratings", "decisions", "marks")
UNMARKED = -np.inf  # the rating of a case that carries no mark
MOST = 500  # readers, arms and repeats together


@dataclass(frozen=True)
class Marks:
    """The marks of one reading: case place (m,), rating (m,), lesion (m,) from 1, 0 where no lesion was hit."""

    case: np.ndarray
    rating: np.ndarray
    lesion: np.ndarray


@dataclass(frozen=True)
class Reading:
    """One reader's reading of the cases under one arm, once. `values` (n,) in case order: ratings, NaN where not read;
    decisions as class numbers, NaN where not read; of marks the highest rating of each case, -inf where unmarked."""

    reader: str
    arm: str
    repeat: int  # 1, 2, ...
    values: np.ndarray
    marks: Marks | None = None


@dataclass(frozen=True)
class Readings:
    """All of a readers.csv."""

    form: str  # one of FORMS
    readings: list[Reading]  # sorted by arm, reader, repeat

    @property
    def readers(self) -> list[str]:
        return sorted({one.reader for one in self.readings})

    @property
    def arms(self) -> list[str]:
        return sorted({one.arm for one in self.readings})

    def of(self, arm: str, repeat: int = 1) -> list[Reading]:
        """The readings of one arm, one a reader."""
        return [one for one in self.readings if one.arm == arm and one.repeat == repeat]


def truth(manifest: dict, reference) -> np.ndarray:
    """(n,) 0/1: which cases have what the readers were looking for."""
    if manifest["readers"]["positive"]:
        wanted = [manifest["classes"].index(name) for name in manifest["readers"]["positive"]]
    else:
        wanted = [1]
    return np.isin(reference, wanted).astype(np.int64)


def read(manifest: dict, cases, path: Path) -> Readings:
    """The readings of a package that was accepted. Raises Faults."""
    found = Findings(FILE)
    readings = check(manifest, cases, path, found)
    found.check()
    return readings


def check(manifest: dict, cases, path: Path, found: Findings) -> Readings | None:
    """The readings, with every fault added to `found`; None where this is no table of readings."""
    table = tables.Table(path, found)
    form = _form(manifest, table.header, found)
    if form is None:
        return None
    columns: dict[str, list[str]] = {name: [] for name in table.header}
    lines = []
    for block in table.blocks():
        for name, column in columns.items():
            column += tables.strings(block.columns[table.header.index(name)])
        lines.append(block.lines)
    if not lines:
        return None
    if "case" in columns:
        columns[CASE] = columns.pop("case")
    return _Table(manifest, cases, form, columns, np.concatenate(lines), table.header, found).readings()


def _form(manifest: dict, header: list[str], found: Findings) -> str | None:
    """Which of FORMS the header announces; None, with the faults, where it announces none."""
    known = {*COLUMNS, "case"}
    for number, name in enumerate(header, 1):
        if name not in known:
            found.add(f"the column {quote(name)} has no meaning here", near(name, COLUMNS), line=1, column=number)
    missing = [name for name in (READER, CASE) if name not in header and not (name == CASE and "case" in header)]
    for name in missing:
        found.add(f"the column {name!r} is missing", "The columns are reader, case_id and rating or decision.", line=1)
    if (RATING in header) == (DECISION in header):
        hint = "rating is a number, higher is more suspicious; decision is one of the classes."
        found.add("one of the columns rating and decision is needed", hint, line=1)
        return None
    if LESION in header and DECISION in header:
        found.add("a mark on a lesion needs a rating", "Write rating in place of decision.", line=1)
        return None
    if LESION in header and not manifest["readers"]["lesions"]:
        hint = "Write readers: {lesions: lesions}, and in cases.csv a column with the number of lesions of each case."
        found.add("there are marks, and benchmark.yaml does not say how many lesions a case has", hint, line=1)
        return None
    if missing:
        return None
    return "decisions" if DECISION in header else "marks" if LESION in header else "ratings"


class _Table:
    """The columns of readers.csv; says where each of them is at fault."""

    def __init__(self, manifest, cases, form, columns, lines, header, found):
        self.manifest, self.cases, self.form, self.columns = manifest, cases, form, columns
        self.lines, self.header, self.found = lines, header, found
        self.truth = truth(manifest, cases.reference)

    def report(self, row: int, column: str, message: str, hint: str = "") -> None:
        name = column if column in self.header else "case"
        self.found.add(message, hint, line=int(self.lines[row]), column=self.header.index(name) + 1, name=name)

    def readings(self) -> Readings | None:
        places = {name: place for place, name in enumerate(self.cases.ids)}
        case = np.array([places.get(name, -1) for name in self.columns[CASE]])
        for row in self.found.each(np.flatnonzero(case < 0)):
            name = self.columns[CASE][row]
            self.report(row, CASE, f"there is no case {quote(name)}", near(name, self.cases.ids, ""))
        for row in self.found.each([row for row, name in enumerate(self.columns[READER]) if not name]):
            self.report(row, READER, "the reader is not named", "Give each a name or number; no real names are needed.")
        repeat = self.repeats()
        keys = list(zip(self.columns.get(ARM, [""] * len(case)), self.columns[READER], repeat, strict=True))
        if len(set(keys)) > MOST:
            self.found.add(f"there are {len(set(keys)):,} readings", f"At most {MOST} are taken.")
            return None
        values, lesion = self.values(case), self.lesions(case)
        rows: dict[tuple, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        made = [self.reading(key, np.array(rows[key]), case, values, lesion) for key in sorted(rows)]
        return Readings(self.form, made)

    def repeats(self) -> list[int]:
        numbers = []
        for row, text in enumerate(self.columns.get(REPEAT, ["1"] * len(self.lines))):
            numbers.append(int(text) if text.isdecimal() and 1 <= int(text[:3]) <= 99 else 0)
            if not numbers[-1]:
                self.report(row, REPEAT, f"{quote(text)} is no number of a repeat", "Count the repeats from 1.")
        return numbers

    def values(self, case) -> np.ndarray:
        """The rating or class number of each line."""
        if self.form == "decisions":
            known = {name: number for number, name in enumerate(self.manifest["classes"])}
            values = np.array([known.get(text, np.nan) for text in self.columns[DECISION]], float)
            for row in self.found.each(np.flatnonzero(np.isnan(values))):
                text = self.columns[DECISION][row]
                self.report(row, DECISION, f"{quote(text)} is not one of the classes", near(text, known))
            return values
        values, bad = tables.numbers(self.columns[RATING])
        empty = np.array([not text for text in self.columns[RATING]])
        unmarked = empty & (self.form == "marks") & np.array([not text for text in self.columns.get(LESION, empty)])
        for row in self.found.each(np.flatnonzero((bad | ~np.isfinite(values)) & ~unmarked)):
            text = self.columns[RATING][row]
            self.report(
                row, RATING, f"{quote(text)} is not a number", "A rating is a number; leave out what was not read."
            )
        return values

    def lesions(self, case) -> np.ndarray | None:
        """The lesion that each mark hit, 0 for none."""
        if self.form != "marks":
            return None
        numbers = np.zeros(len(case), int)
        for row, text in enumerate(self.columns[LESION]):
            there = int(self.cases.lesions[case[row]]) if case[row] >= 0 else 0
            if text and not (text.isdecimal() and 1 <= int(text[:6]) <= there) and case[row] >= 0:
                self.report(row, LESION, f"case {self.columns[CASE][row]} has no lesion {quote(text)}",
                            f"It has {there}, counted from 1; leave it empty for a mark that hits none.")  # fmt: skip
            elif text and case[row] >= 0:
                numbers[row] = int(text)
        return numbers

    def reading(self, key, rows, case, values, lesion) -> Reading:
        arm, reader, repeat = key
        seen: dict[tuple, int] = {}
        for row in rows:
            mark = (case[row], lesion[row]) if lesion is not None else case[row]
            if case[row] >= 0 and (lesion is None or lesion[row]) and seen.setdefault(mark, row) != row:
                what = "this lesion" if lesion is not None else "this case"
                hint = "Keep one; number readings of the same cases in a column repeat."
                self.report(row, CASE, f"{reader} has {what} twice, also on line {self.lines[seen[mark]]}", hint)
        if lesion is None:
            own = np.full(len(self.cases), np.nan)
            own[case[rows]] = values[rows]
            return Reading(reader, arm, repeat, own)
        rows = rows[np.isfinite(values[rows])]
        own = np.full(len(self.cases), UNMARKED)
        np.maximum.at(own, case[rows], values[rows])
        return Reading(reader, arm, repeat, own, Marks(case[rows], values[rows], lesion[rows]))
