"""What a benchmark package holds, read from a folder or zip with every fault at once: file, line, column and remedy.

Pure: no database. Reference files and inputs are opened by native parsers, so that of an upload is done in the sandbox
(`told`); benchmark.yaml and cases.csv are read by Python code alone.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from evaluators import cases as case_lists
from evaluators import layout, leaks, places, readers, readings
from evaluators import manifest as manifests
from evaluators.cases import Cases
from evaluators.faults import Faults, Findings
from evaluators.readers import KINDS

ACCURACY = "accuracy"
EVEN = 1.2  # the largest class may be so many times its even share, and plain accuracy still be primary


@dataclass
class PackageFolder:
    """A package that was read and found right. Use it as a context manager: an unpacked zip goes away with it."""

    root: Path
    manifest: dict
    files: dict[str, Path]  # by relative name: what is stored
    cases: Cases
    stated: dict  # benchmark.yaml as written
    unpacked: TemporaryDirectory | None = None
    facts: dict = field(default_factory=dict)  # what opening its files added to the manifest

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.unpacked:
            self.unpacked.cleanup()

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file."""
        return {name: _sha256(path) for name, path in self.files.items()}


def read(path: str | Path, told: dict | None = None) -> PackageFolder:
    """Read a package, a folder or a zip. Raises Faults with everything that is wrong, by file, line and column.

    told: `facts` of the same folder, from a sandboxed child that found it right; then no reference or input is opened.
    """
    path = Path(path)
    found = Findings(path.name)
    root, unpacked = layout.unpack(path, found)
    try:
        return _read(root, unpacked, found, told)
    except BaseException:
        if unpacked:
            unpacked.cleanup()
        raise


def _read(root: Path, unpacked: TemporaryDirectory | None, found: Findings, told: dict | None) -> PackageFolder:
    files = layout.files(root, found)
    manifest, stated = _manifest(files, found)
    cases, facts = None, told or {}
    if layout.CASES in files and manifest.get("kind"):
        cases = _cases(manifest, files[layout.CASES], found)
    if cases is not None:
        _files_of_cases(manifest, cases, files, found)
        _balance(manifest, cases, found)
        if layout.READERS in files:
            manifest["readers"] |= _readers(manifest, cases, files[layout.READERS], found)
        kind = KINDS[manifest["kind"]]
        if told is None and kind.inspect and cases.reference is not None:
            facts = kind.inspect(manifest, root, cases, found)
        if told is None and not found.count and (tell := leaks.find(manifest, cases, root)):
            facts = facts | {"leaks": tell}
        manifest |= facts
        if told is None:
            _inputs(manifest, root, cases, found)
    found.check()
    stored = {name: file for name, file in files.items() if name != layout.CLAIMS}
    return PackageFolder(root, manifest, stored, cases, stated, unpacked, facts)


def _manifest(files: dict[str, Path], found: Findings) -> tuple[dict, dict]:
    if layout.MANIFEST not in files:
        return {}, {}
    mine = Findings(layout.MANIFEST)
    try:
        tree = places.read(files[layout.MANIFEST].read_bytes(), layout.MANIFEST)
        manifest, stated = manifests.read(tree, mine), tree.plain()
    except Faults as faults:
        found.include(faults)
        return {}, {}
    found.include(mine)
    return manifest, stated


def _cases(manifest: dict, path: Path, found: Findings) -> Cases | None:
    mine = Findings(layout.CASES)
    try:
        cases = case_lists.read(manifest, path, mine)
    except Faults as faults:
        found.include(faults)
        return None
    found.include(mine)
    return cases


def _readers(manifest: dict, cases: Cases, path: Path, found: Findings) -> dict:
    """Check readers.csv against the cases; what the manifest keeps of it: its form, and who read under which arms."""
    mine = Findings(layout.READERS)
    facts: dict = {}
    labels = cases.reference
    if manifest["kind"] != "classification" or manifest["multilabel"]:
        mine.add("readers are compared on classification with one label a case", "Leave readers.csv out.")
    elif labels is not None and len(labels) and not (labels < 0).any():
        positive = readings.truth(manifest, labels)
        if len(manifest["classes"]) > 2 and not manifest["readers"]["positive"]:
            hint = "Write readers: {positive: [one or more of the classes]} in benchmark.yaml."
            mine.add("it is not said which classes a reader's rating speaks for", hint)
        elif cases.lesions is not None and ((cases.lesions > 0) != (positive > 0)).any():
            row = int(np.flatnonzero((cases.lesions > 0) != (positive > 0))[0])
            column = manifest["readers"]["lesions"]
            message = f"{cases.lesions[row]} lesions do not fit the label of case {cases.ids[row]}"
            found.add(message, "Cases with the finding have at least one.", file=layout.CASES,
                      line=int(cases.lines[row]), name=column)  # fmt: skip
        else:
            try:
                read = readings.check(manifest, cases, path, mine)
                facts = {"form": read.form, "names": read.readers, "arms": read.arms} if read else {}
            except Faults as faults:
                mine = faults
    found.include(mine)
    return facts


def _files_of_cases(manifest: dict, cases: Cases, files: dict[str, Path], found: Findings) -> None:
    """Every file that a case names is there, and every file that is there belongs to a case."""
    references = cases.reference if isinstance(cases.reference, list) else []
    for folder, column, names in (
        (layout.REFERENCE, "reference", [f"{layout.REFERENCE}/{name}" for name in references if name]),
        (layout.INPUTS, "input", cases.inputs or []),
    ):
        wanted = {name.partition("#")[0] for name in names}
        wanted |= _companions(files, names)
        for row, name in enumerate(names):
            file = name.partition("#")[0]
            if file and file not in files:
                hint = "Add the file, or name the one that is meant."
                line = int(cases.lines[row]) if len(names) == len(cases) else None
                found.add(f"there is no file {file}", hint, file=layout.CASES, line=line, name=column)
        for name in files:
            if name.startswith(folder + "/") and name not in wanted:
                found.add(
                    "this file belongs to no case",
                    f"Name it in the column {column} of cases.csv, or remove it.",
                    file=name,
                )


def _companions(files: dict[str, Path], names: list[str]) -> set[str]:
    """Files that lie beside another one and are read with it, such as the signals of a WFDB header."""
    found = set()
    for file, _, index in (name.partition("#") for name in names):
        form = readers.format_of(file)
        if file in files and form and form.companions:
            with suppress(readers.Unreadable):  # told where the file itself is read
                found |= {Path(file).with_name(one).as_posix() for one in form.companions(files[file], index)}
    return found


def _balance(manifest: dict, cases: Cases, found: Findings) -> None:
    """Plain accuracy rewards "all healthy" where classes are uneven; and without a case of a class nothing is measured."""
    labels = cases.reference
    if (
        manifest["kind"] != "classification"
        or not isinstance(labels, np.ndarray)
        or labels.ndim != 1
        or (labels < 0).any()
    ):
        return
    classes, count = manifest["classes"], np.bincount(labels, minlength=len(manifest["classes"]))
    place = {"file": layout.MANIFEST}
    for number in np.flatnonzero(count[: len(classes)] == 0) if len(classes) == 2 else ():
        found.add(f"no case is {classes[number]}", "A benchmark of two classes needs cases of both.", file=layout.CASES)
    primary = manifest["metrics"]["primary"]
    micro = manifest["metrics"]["parameters"].get(primary, {}).get("average") == "micro"
    if (
        (primary == ACCURACY or (primary == "f1" and micro))
        and len(labels)
        and count.max() * len(classes) > EVEN * len(labels)
    ):
        message = f"{primary} cannot be the primary metric: {count.max():,} of {len(labels):,} cases are of one class"
        found.add(message, "Rank by balanced_accuracy, auroc or average_precision.", **place)


def _inputs(manifest: dict, root: Path, cases: Cases, found: Findings) -> None:
    """Every input can be read, and lies on the grid of its label map."""
    for row, name in enumerate(cases.inputs or []):
        file = name.partition("#")[0]
        if not name or not (root / file).is_file():
            continue
        if readers.format_of(file) is None:
            if "weights" in manifest["accepts"]:
                hint = f"Read are {', '.join(suffix for item in readers.FORMATS.values() for suffix in item.suffixes)}."
                found.add("this format is not read here, and accepts: weights needs it", hint, file=file)
            continue
        try:
            array, _ = readers.read_input(root / name)
        except readers.Damaged as damaged:
            wrong = damaged.__cause__
            found.add(wrong.message, wrong.hint, file=file)
            continue
        geometry = manifest.get("geometry")
        if geometry and manifest["kind"] == "segmentation":
            shape = geometry["distinct"][geometry["cases"][row]].get("shape")
            if shape and list(array.shape[: len(shape)]) != shape:
                words = f"the input is {array.shape}, its label map {tuple(shape)}"
                found.add(words, "Both lie on one grid.", file=file)


def _sha256(path: Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
