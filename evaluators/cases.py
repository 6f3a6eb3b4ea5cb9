"""cases.csv: the held-out cases, sorted by case id. Labels are in it: nothing of it but ids and inputs leaves the service.

Pure: used by the loader, by the child that scores, and by whoever needs the list of ids.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluators import tables
from evaluators.faults import Findings, quote
from evaluators.places import near
from evaluators.readers import KINDS
from evaluators.readers._volumes import within

FILE = "cases.csv"
CASE, PATIENT, INPUT = "case_id", "patient_id", "input"
SHARES = ("public", "private")
ID = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
GROUPS = 50  # different values of a column of groups, at most


@dataclass
class Cases:
    """The cases in order of their ids, one entry each in every list and array."""

    ids: list[str]
    patients: np.ndarray  # (n,) int codes of the resampling unit
    split: np.ndarray | None  # (n,) "public" or "private"
    groups: dict[str, np.ndarray]  # column: (n,) str, "" where it is not known
    reference: object  # as the kind states it: labels (n,) or (n, k), {"time", "event"}, or names under reference/
    inputs: list[str] | None  # "inputs/0001.png" or "inputs/table.npz#12"
    lesions: np.ndarray | None = None  # (n,) how many a case has, where human readers marked them
    lines: np.ndarray = field(default_factory=lambda: np.zeros(0, int), repr=False)  # of cases.csv

    def __len__(self) -> int:
        return len(self.ids)


def read_cases(manifest: dict, path: Path) -> Cases:
    """The cases of a package that was accepted. Raises Faults."""
    found = Findings(FILE)
    cases = read(manifest, path, found)
    found.check()
    return cases


def read(manifest: dict, path: Path, found: Findings) -> Cases:
    """The cases with everything checked that can be seen here; faults are added to `found`.

    Sets manifest["resample"]["unit"] where the package left it open. Raises Faults where this is no table of cases.
    """
    table = tables.Table(path, found)
    kind = KINDS[manifest["kind"]]
    _resampling_unit(manifest, table.header, found)
    wanted = _columns(manifest, kind, table.header)
    _header(wanted, manifest, table.header, found)
    columns: dict[str, list[str]] = {name: [] for name in wanted if name in table.header}
    lines = []
    for block in table.blocks():
        for name, column in columns.items():
            column += tables.strings(block.columns[table.header.index(name)])
        lines.append(block.lines)
    lines = np.concatenate(lines) if lines else np.zeros(0, int)
    if not len(lines):
        found.check()
    order = (
        np.array(sorted(range(len(lines)), key=columns[CASE].__getitem__), int)
        if CASE in columns
        else np.arange(len(lines))
    )
    columns = {name: [column[row] for row in order] for name, column in columns.items()}
    return _Reading(manifest, columns, lines[order], table.header, found).cases(kind)


def _resampling_unit(manifest: dict, header: list[str], found: Findings) -> None:
    resample = manifest["resample"]
    if not resample["unit"]:
        resample["unit"] = PATIENT if PATIENT in header else CASE


def _columns(manifest: dict, kind, header: list[str]) -> dict[str, str]:
    """Column: why it must be there ("" if it need not)."""
    words = f"{manifest['kind']} takes its reference from it"
    wanted = {CASE: "every case needs its id", manifest["resample"]["unit"]: "resample.unit names it"}
    wanted |= dict.fromkeys(kind.columns(manifest), words)
    if manifest["split"]:
        wanted.setdefault(manifest["split"]["column"], "split.column names it")
    for name in manifest["groups"]:
        wanted.setdefault(name, "groups names it")
    if lesions := (manifest.get("readers") or {}).get("lesions"):
        wanted.setdefault(lesions, "readers.lesions names it")
    weights = "weights" in manifest["accepts"]
    return wanted | {
        INPUT: "accepts: weights needs the inputs"
        if weights
        else "release_inputs needs them"
        if manifest["release_inputs"]
        else ""
    }


def _header(wanted: dict[str, str], manifest: dict, header: list[str], found: Findings) -> None:
    text = ",".join(header)
    for name, why in wanted.items():
        if name not in header and why:
            others = [item for item in header if item not in wanted]
            hint = near(name, others, "") if others else ""
            found.add(
                f"the column {quote(name)} is missing: {why}", hint or f"Add the column {name}.", line=1, text=text
            )
    known = [*wanted, PATIENT, "split", INPUT]
    for number, name in enumerate(header, 1):
        folded = {item.casefold(): item for item in known}
        if name not in known and name.casefold() in folded:
            hint = f"Write {folded[name.casefold()]}."
            found.add(
                f"the column {quote(name)} is written otherwise", hint, line=1, column=number, name=name, text=text
            )
    if manifest["split"] is None and "split" in header:
        found.add("there is a column split, and benchmark.yaml does not say so", "Write split: {column: split}.", line=1,
                  column=header.index("split") + 1, name="split", text=text)  # fmt: skip


class _Reading:
    """The columns of cases.csv, already in order; says where each of them is at fault."""

    def __init__(
        self, manifest: dict, columns: dict[str, list[str]], lines: np.ndarray, header: list[str], found: Findings
    ):
        self.manifest, self.columns, self.lines, self.header, self.found = manifest, columns, lines, header, found

    def report(self, row: int | None, column: str, message: str, hint: str = "") -> None:
        place = self.header.index(column) + 1 if column in self.header else None
        self.found.add(message, hint, line=None if row is None else int(self.lines[row]), column=place, name=column)

    def cases(self, kind) -> Cases:
        needed = kind.columns(self.manifest)
        self.text()
        ids = self.ids()
        inputs = self.inputs()
        reference = None
        if all(name in self.columns for name in needed):
            reference = kind.reference(
                self.manifest,
                {name: self.columns[name] for name in (CASE, *needed) if name in self.columns},
                self.report,
            )
        patients = self.patients()
        return Cases(ids, patients, self.split(), self.groups(), reference, inputs, self.lesions(), self.lines)

    def text(self) -> None:
        """A column with bytes that are no UTF-8, which a spreadsheet writes in its country's encoding."""
        for name, column in self.columns.items():
            row = next((row for row, value in enumerate(column) if "\ufffd" in value), None)
            if row is not None:
                self.report(row, name, f"the column {quote(name)} is not UTF-8 from here on", "Save it as CSV UTF-8.")

    def ids(self) -> list[str]:
        ids = self.columns.get(CASE, [])
        for row, name in enumerate(ids):
            if not ID.fullmatch(name):
                hint = "Use 1 to 100 of A-Z, a-z, 0-9, '-', '_' and '.'; ids are names of files as well."
                self.report(row, CASE, f"{quote(name)} cannot be a case id", hint)
            elif row and name == ids[row - 1]:
                first = int(min(self.lines[row - 1], self.lines[row]))
                self.report(
                    row, CASE, f"case {quote(name)} is there twice, also on line {first}", "Give every case one line."
                )
        folded: dict[str, str] = {}
        for row, name in enumerate(ids):
            if folded.setdefault(name.casefold(), name) != name:
                other = folded[name.casefold()]
                self.report(row, CASE, f"{quote(name)} and {quote(other)} differ in case alone", "Rename one of them.")
        return ids

    def patients(self) -> np.ndarray:
        unit = self.manifest["resample"]["unit"]
        names = self.columns.get(unit)
        if names is None:
            return np.arange(len(self.lines))
        for row, name in enumerate(names):
            if not name:
                self.report(
                    row,
                    unit,
                    f"{unit} is empty",
                    "Name the patient; a case of an unknown patient gets an id of its own.",
                )
        return (
            np.unique(np.array(names, object).astype(str), return_inverse=True)[1].astype(np.int64)
            if names
            else np.zeros(0, int)
        )

    def split(self) -> np.ndarray | None:
        if not self.manifest["split"]:
            return None
        column = self.manifest["split"]["column"]
        if column not in self.columns:
            return None
        values = np.array(self.columns[column])
        for row in np.flatnonzero(~np.isin(values, SHARES)):
            self.report(row, column, f"{quote(values[row])} is neither public nor private", near(values[row], SHARES))
        for share in SHARES:
            if len(values) and not (values == share).any():
                self.report(None, column, f"no case is {share}", "A split needs cases in both shares; else remove it.")
        self.overlap(values, column)
        return values

    def overlap(self, values: np.ndarray, column: str) -> None:
        """One fault for each patient with cases in both shares: what is public would tell of what is private."""
        unit = self.manifest["resample"]["unit"]
        share: dict[str, tuple[str, int]] = {}
        told = set()
        for row in np.argsort(self.lines, kind="stable"):
            name, value = self.columns.get(unit, self.columns.get(CASE))[row], values[row]
            first = share.setdefault(name, (value, int(self.lines[row])))
            if value in SHARES and first[0] in SHARES and value != first[0] and name not in told:
                told.add(name)
                hint = "Put all cases of a patient into one share."
                self.report(
                    row, column, f"{unit} {quote(name)} is {value} here and {first[0]} on line {first[1]}", hint
                )

    def groups(self) -> dict[str, np.ndarray]:
        groups = {name: np.array(self.columns[name], str) for name in self.manifest["groups"] if name in self.columns}
        for name, values in groups.items():
            different = len(np.unique(values))
            if different > GROUPS:
                self.report(
                    None,
                    name,
                    f"the column {quote(name)} has {different:,} different values",
                    f"Form at most {GROUPS} groups, such as age bands.",
                )
        return groups

    def lesions(self) -> np.ndarray | None:
        column = (self.manifest.get("readers") or {}).get("lesions")
        if not column or column not in self.columns:
            return None
        values = self.columns[column]
        for row, value in enumerate(values):
            if not value.isdecimal() or len(value) > 4:
                self.report(row, column, f"{quote(value)} is no number of lesions", "Write a whole number, 0 for none.")
        return np.array([int(value) if value.isdecimal() and len(value) <= 4 else 0 for value in values])

    def inputs(self) -> list[str] | None:
        names = self.columns.get(INPUT)
        if names is None or not any(names):
            if names is not None and ("weights" in self.manifest["accepts"] or self.manifest["release_inputs"]):
                self.report(None, INPUT, "the column input is empty", "Name the file of every case under inputs/.")
            return None
        shorts = [within(name, "inputs", row, self.report) for row, name in enumerate(names)]
        return [f"inputs/{name}" if name else "" for name in shorts]
