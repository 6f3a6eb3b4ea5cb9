"""Detection: boxes with class and score, as a CSV or Parquet table or as COCO results JSON. A case without a row has no box.

A box is x, y[, z], width, height[, depth]: corner first, in pixels or voxels of the input; of an answer the score is last.
"""

import functools
from pathlib import Path

import numpy as np

from evaluators import sniff, tables
from evaluators.faults import Faults, Findings, quote
from evaluators.readers import _box_tables, _coco, _rows, _volumes
from evaluators.readers.classification import write
from evaluators.readers.registry import Kind, Unreadable, register


def columns(manifest: dict) -> list[str]:
    return ["reference"]


def reference(manifest: dict, given: dict[str, list[str]], report) -> list[str]:
    """`file#case` under reference/: a file may hold the boxes of one case or of many."""
    files = _volumes.references(given, report)
    return [
        name if "#" in name or not name else f"{name}#{case}"
        for name, case in zip(files, given["case_id"], strict=True)
    ]


def _boxes(manifest: dict, ids: list[str], path: Path, found: Findings, *, native: bool):
    dimensions = manifest.get("dimensions", 2)
    if sniff.kind(sniff.head(path))[0] == "json":
        if dimensions == 3:
            found.stop("COCO JSON has boxes in a plane alone", "Send a CSV file with x,y,z,w,h,d.")
        return _coco.results(path, manifest["classes"], ids, found, keep=native)
    table = _rows.open_table(path, found, native)
    if table is None:
        return None
    return _box_tables.read(table, manifest["classes"], ids, dimensions, found, scored=True)


def check(manifest: dict, ids: list[str], path: Path, found: Findings) -> None:
    _boxes(manifest, ids, path, found, native=False)


def read(manifest: dict, ids: list[str], path: Path, folder, found: Findings) -> dict[str, list[np.ndarray]]:
    """For every class a list of (m, 5 or 7) per case, score last."""
    boxes = _boxes(manifest, ids, path, found, native=True)
    found.check()
    return boxes.by_class()


def sample(manifest: dict, cases, out) -> str:
    """One small box of score 0 in every case."""
    sides = _box_tables.columns(manifest.get("dimensions", 2))
    header = ["case_id", "label", "score", *(column.name for column in sides)]
    half = len(sides) // 2
    first = manifest["classes"][0]
    return write(out, header, ([name, first, 0, *[0] * half, *[1] * half] for name in cases.ids))


def open_reference(manifest: dict, path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """The boxes of one case, (m, 4 or 6) per class, from `file#case`. Raises Unreadable."""
    name, _, case = str(path).rpartition("#")
    file = Path(name)
    stat = file.stat()
    try:
        known, rows, width = _reference(name, stat.st_mtime_ns, stat.st_size, tuple(manifest["classes"]))
    except Faults as faults:
        first = faults.faults[0]
        raise Unreadable(f"line {first.line}: {first.message}" if first.line else first.message, first.hint) from None
    if known is not None and case not in known:
        raise Unreadable(
            f"it holds no image {quote(case)}", "Name the image as the case, or write file#image in cases.csv."
        )
    mine = rows.get(case if known is not None or case in rows else "", [])
    boxes = {label: [box for number, box in mine if number == place] for place, label in enumerate(manifest["classes"])}
    return {label: np.array(items, float).reshape(len(items), width) for label, items in boxes.items()}, {}


@functools.lru_cache(maxsize=4)
def _reference(name: str, changed: int, size: int, classes: tuple[str, ...]):
    """(known images or None, boxes by case, numbers a box); a table without case_id has all its boxes under ""."""
    file, found = Path(name), Findings(Path(name).name)
    if size and sniff.kind(sniff.head(file))[0] == "json":
        by_image = _coco.annotations(file, classes, found)
        return set(by_image), by_image, 4
    table = tables.Table(file, found)
    cased = _rows.CASE in table.header
    dimensions = 3 if "z" in table.header else 2
    rows: dict[str, list] = {}
    names = _names(file) if cased else [""]
    try:
        parsed = _box_tables.read(table, classes, names, dimensions, found, scored=False, cased=cased).by_class()
    except Faults:
        if table.rows or len(found.faults) != 1 or "no row" not in found.faults[0].message:
            raise
        return None, {}, 2 * dimensions  # a header alone: an image without boxes
    found.check()
    for number, boxes in enumerate(parsed.values()):
        for case, found_boxes in zip(names, boxes, strict=True):
            rows.setdefault(case, []).extend((number, box) for box in found_boxes.tolist())
    return None, rows, 2 * dimensions


def _names(file: Path) -> list[str]:
    """The cases that a table of boxes names."""
    table = tables.Table(file, Findings(file.name))
    place = table.header.index(_rows.CASE)
    return sorted({name for block in table.blocks() for name in tables.strings(block.columns[place])}) or [""]


def inspect(manifest: dict, root: Path, cases, found: Findings) -> dict:
    """Read the boxes of every case; `dimensions` of them all."""
    dimensions = set()
    for name in cases.reference:
        file = name.partition("#")[0]
        if not (root / "reference" / file).is_file():
            continue  # reported with the list of files
        try:
            boxes, _ = open_reference(manifest, root / "reference" / name)
            dimensions |= {array.shape[1] // 2 for array in boxes.values()}
        except Unreadable as wrong:
            found.add(wrong.message, wrong.hint, file=f"reference/{file}")
    if len(dimensions) > 1:
        found.add("boxes in a plane and in a volume are mixed", "Give all of them z and d, or none.", file="reference/")
    return {"dimensions": dimensions.pop() if len(dimensions) == 1 else 2}


register(Kind("detection", 1, columns, reference, check, read, sample, inspect=inspect, open=open_reference))
