"""Benchmark packages: read from a folder or zip with every fault at once, stored as blobs and one immutable row.

Nothing is stored of a package with a fault. Of a stored one, participants see what `sample_submission` and
`released_inputs` write, and nothing of reference/, labels, split, groups or patients.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from django.db import transaction

from evaluators import cases as case_lists
from evaluators import layout, places, readers, released
from evaluators import manifest as manifests
from evaluators.cases import Cases, read_cases
from evaluators.faults import Faults, Findings
from evaluators.models import Package
from evaluators.readers import KINDS
from zoo import blobs

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

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.unpacked:
            self.unpacked.cleanup()

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file."""
        return {name: _sha256(path) for name, path in self.files.items()}


def read(path: str | Path) -> PackageFolder:
    """Read a package, a folder or a zip. Raises Faults with everything that is wrong, by file, line and column."""
    path = Path(path)
    found = Findings(path.name)
    root, unpacked = layout.unpack(path, found)
    try:
        return _read(root, unpacked, found)
    except BaseException:
        if unpacked:
            unpacked.cleanup()
        raise


def _read(root: Path, unpacked: TemporaryDirectory | None, found: Findings) -> PackageFolder:
    files = layout.files(root, found)
    manifest, stated = _manifest(files, found)
    cases = None
    if layout.CASES in files and manifest.get("kind"):
        cases = _cases(manifest, files[layout.CASES], found)
    if cases is not None:
        _files_of_cases(manifest, cases, files, found)
        _balance(manifest, cases, found)
        kind = KINDS[manifest["kind"]]
        if kind.inspect and cases.reference is not None:
            manifest |= kind.inspect(manifest, root, cases, found)
        _inputs(manifest, root, cases, found)
    found.check()
    stored = {name: file for name, file in files.items() if name != "claims.yaml"}
    return PackageFolder(root, manifest, stored, cases, stated, unpacked)


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


def _files_of_cases(manifest: dict, cases: Cases, files: dict[str, Path], found: Findings) -> None:
    """Every file that a case names is there, and every file that is there belongs to a case."""
    references = cases.reference if isinstance(cases.reference, list) else []
    for folder, column, names in (
        (layout.REFERENCE, "reference", [f"{layout.REFERENCE}/{name}" for name in references if name]),
        (layout.INPUTS, "input", cases.inputs or []),
    ):
        wanted = {name.partition("#")[0] for name in names}
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


def digest(folder: PackageFolder) -> str:
    """SHA-256 over what benchmark.yaml states and the files. Secret, since it commits to the labels; see Package.salt."""
    content = {
        "manifest": folder.stated,
        "files": {name: sha for name, sha in folder.hashes.items() if name != layout.MANIFEST},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def store(folder: PackageFolder) -> Package:
    """Put the files into the blobs and make the row; the same content again gives the row that is there."""
    identity = digest(folder)
    known = Package.objects.filter(digest=identity).first()
    if known:
        return known
    stored = {name: blobs.put_path(path) for name, path in sorted(folder.files.items())}
    with transaction.atomic():
        package, _ = Package.objects.get_or_create(
            digest=identity,
            defaults={
                "slug": folder.manifest["slug"],
                "version": folder.manifest["version"],
                "manifest": folder.manifest,
                "files": {name: {"sha256": blob.sha256, "size": blob.size} for name, blob in stored.items()},
                "cases": len(folder.cases),
                "patients": len(np.unique(folder.cases.patients)),
                "salt": secrets.token_hex(32),
            },
        )
    return package


def sample_submission(manifest: dict, cases: Cases, out) -> str:
    """Write a valid answer with every case to a binary file object, or into the file of a path; returns its name."""
    kind = KINDS[manifest["kind"]]
    if isinstance(out, str | Path):
        with open(out, "wb") as file:
            return kind.sample(manifest, cases, file)
    return kind.sample(manifest, cases, out)


def released_inputs(package: Package) -> Iterator[bytes]:
    """The zip of inputs in pieces; empty of files where the package does not release them. For a streaming response.

    Inputs are renamed to their case ids and sorted by them, so that neither names nor order tell of labels or split.
    """
    if not package.manifest.get("release_inputs"):
        raise PermissionError("this package does not release its inputs")
    return released.stream(_stored_cases(package), lambda name: blobs.path(package.files[name]["sha256"]))


def _stored_cases(package: Package) -> Cases:
    return read_cases(package.manifest, blobs.path(package.files[layout.CASES]["sha256"]))


def _sha256(path: Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
