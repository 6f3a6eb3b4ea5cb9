"""Readers of everything that is handed in: answers by kind of benchmark, and arrays by file format.

`check` runs in the web process and uses no native parser; `read_predictions`, `read_reference` and `read_input` run in the
sandbox. The first two raise nothing but Faults, whatever the bytes, and every fault is a place in the sender's own file.
"""

from pathlib import Path

import numpy as np

from evaluators import sniff
from evaluators.faults import Findings
from evaluators.readers import _volumes
from evaluators.readers.registry import FORMATS, KINDS, Damaged, Unreadable, format_of, load, register

load(__name__)


def check(manifest: dict, case_ids: list[str], path: Path, filename: str = "", *, native: bool = False) -> bool:
    """Check a prediction file against the case list: a table whole, an archive by its listing.

    Returns True when the file is checked whole, False when what is left (Parquet, volumes) is for the sandbox.
    Raises Faults with line and column of the participant's own file: the first 50, and their count.
    """
    path = Path(path)
    found = Findings(filename or path.name)
    size, limit = path.stat().st_size, (manifest.get("limits") or {}).get("max_bytes")
    if size == 0:
        found.stop("the file is empty", "Send it again.")
    if limit and size > limit:
        found.stop(f"the file has {size:,} bytes", f"This benchmark takes at most {limit:,} bytes.")
    kind = KINDS[manifest["kind"]]
    kind.check(manifest, list(case_ids), path, found)
    found.check()
    return not (kind.archive or needs_sandbox(path))


def needs_sandbox(path: Path) -> bool:
    """Whether only a native parser can tell more about this file."""
    return sniff.kind(sniff.head(Path(path)))[0] in ("parquet", "zip")


def read_predictions(manifest: dict, case_ids: list[str], path: Path, workdir: Path, filename: str = ""):
    """The whole answer in case order, as evaluators.predictions states it by kind; volumes go to files in `workdir`.

    Raises Faults with a place in the participant's own file. For the sandbox: native parsers run here.
    """
    path = Path(path)
    found = Findings(filename or path.name)
    if path.stat().st_size == 0:
        found.stop("the file is empty", "Send it again.")
    answer = KINDS[manifest["kind"]].read(manifest, list(case_ids), path, Path(workdir), found)
    found.check()
    return answer


def read_reference(manifest: dict, path: Path):
    """One case's reference from its file: an array and facts ({"spacing": mm per axis}), or for detection the boxes by class.

    `path`: the package's reference/ and what the case list says, such as `mask.nii.gz` or `boxes.csv#case-1`.
    Raises Damaged, never Faults: what is wrong with a reference is not for participants.
    """
    try:
        reference, facts = KINDS[manifest["kind"]].open(manifest, Path(path))
    except Unreadable as wrong:
        raise Damaged(f"reference/{Path(path).name}: {wrong.message}") from wrong
    return reference if manifest["kind"] == "detection" else (reference, facts)


def read_input(path: Path) -> tuple[np.ndarray, dict]:
    """One case's input, `file` or `file#index`: its array, and what its format tells: spacing (mm per axis), affine, and
    `spatial`, the number of axes in space (0: a row of a table; 2: an image, channels last; 3: a volume).
    Raises Damaged, never Faults: an input belongs to the package."""
    try:
        picture = _volumes.open_file(Path(path), labels=False)
    except Unreadable as wrong:
        raise Damaged(f"inputs/{Path(path).name}: {wrong.message}") from wrong
    return picture.array, _volumes.facts(picture)


def label_values(manifest: dict) -> list[int]:
    """The values of the labels in a map, in the order of the classes; background, 0, left out."""
    return list(manifest["label_values"].values())


def label_names(manifest: dict) -> list[str]:
    """The names of the labels, as `label_values` orders them."""
    return list(manifest["label_values"])


__all__ = [
    "FORMATS", "KINDS", "Damaged", "Unreadable", "check", "format_of", "label_names", "label_values", "needs_sandbox",
    "read_input", "read_predictions", "read_reference", "register",
]  # fmt: skip
