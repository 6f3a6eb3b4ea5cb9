"""Answers that are a zip of one file per case: label maps and restored images, each of the shape of its reference."""

import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evaluators import archives, predictions, sniff
from evaluators.faults import Findings, quote
from evaluators.readers import _rows
from evaluators.readers.registry import MAX_ARRAY_BYTES, Picture, Unreadable, format_of, suffix_of

SUFFIXES = (".nii.gz", ".nii", ".png", ".npz", ".npy")
SPACING = 1e-3  # of the stated spacing, by which a volume may differ
HEADER = 1 << 20  # bytes that a file may need besides its voxels


def geometry(manifest: dict, number: int) -> dict:
    """Shape, and spacing and axes where known, of a case's reference; see evaluators.geometry."""
    table = manifest.get("geometry") or {}
    return table["distinct"][table["cases"][number]] if table else {}


def check(manifest: dict, ids: list[str], path: Path, found: Findings) -> None:
    members(manifest, ids, path, found)


def members(manifest: dict, ids: list[str], path: Path, found: Findings) -> list[zipfile.ZipInfo | None]:
    """The archive's entry for every case, by its listing alone; every fault of the listing is added."""
    name, words = sniff.kind(sniff.head(path))
    if name != "zip":
        found.stop(
            f"this is {words}, not a zip archive", f"Send a zip with one file per case, such as {ids[0]}{SUFFIXES[0]}."
        )
    bounds = [_bound(geometry(manifest, number)) for number in range(len(ids))]
    listed = archives.listing(path, found, most_files=len(ids), most_bytes=sum(bounds))
    places = {case: number for number, case in enumerate(ids)}
    entries: list[zipfile.ZipInfo | None] = [None] * len(ids)
    for name, item in listed.items():
        suffix = suffix_of(name)
        stem = name[: len(name) - len(suffix)]
        number = places.get(stem, -1)
        if suffix.lower() not in SUFFIXES:
            found.add(f"{quote(name)} is none of the formats read here", f"Send {', '.join(SUFFIXES)}.")
        elif number < 0:
            message, hint = _rows.unknown_case(stem, ids, found)
            found.add(f"{quote(name)}: {message}", hint)
        elif entries[number] is not None:
            found.add(f"case {quote(stem)} is in the archive twice, also as {quote(name)}", "Keep one file per case.")
        elif item.file_size > bounds[number]:
            message = f"{quote(name)} has {item.file_size:,} bytes"
            found.add(message, f"A map of this case's shape needs at most {bounds[number]:,}.")
        else:
            entries[number] = item
    if not found.count:
        missing = np.array([number for number, item in enumerate(entries) if item is None], int)
        _rows.missing_cases(ids, missing, found, "have no file")
    found.check()
    return entries


def _bound(shape: dict) -> int:
    """Bytes that a file of this case may have, unpacked: 16 a voxel and a header."""
    return 16 * int(np.prod(shape["shape"], dtype=object)) + HEADER if shape else MAX_ARRAY_BYTES


def read(
    manifest: dict,
    ids: list[str],
    path: Path,
    folder: Path,
    found: Findings,
    judge: Callable[[np.ndarray], np.ndarray],
    labels: bool,
) -> np.ndarray:
    """Write every case's array to `folder` (see evaluators.predictions); returns an empty array. Adds every fault."""
    entries = members(manifest, ids, path, found)
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(dir=folder) as unpacked:
        for number, item in enumerate(entries):
            try:
                picture = _unpack(archive, item, Path(unpacked), labels)
                array = judge(_fitted(picture, geometry(manifest, number)))
            except Unreadable as wrong:
                found.add(f"{quote(item.filename)}: {wrong.message}", wrong.hint)
            else:
                if not found.count:
                    predictions.save_case(folder, number, array)
    return np.zeros(0)


def _unpack(archive: zipfile.ZipFile, item: zipfile.ZipInfo, folder: Path, labels: bool) -> Picture:
    target = folder / f"case{suffix_of(item.filename).lower()}"
    try:
        archives.extract(archive, item, target)
        if item.file_size == 0:
            raise Unreadable("the file is empty", "Write it again.")
        return format_of(target.name).read(target, "", labels)
    except ValueError as error:
        raise Unreadable("the archive is damaged here", "Make it again.") from error
    finally:
        target.unlink(missing_ok=True)


def _fitted(picture: Picture, wanted: dict) -> np.ndarray:
    """The array if it has shape, spacing and axes of its case. Raises Unreadable."""
    array = picture.array
    if not wanted:
        return array
    shape = tuple(wanted["shape"])
    if array.shape != shape:
        turned = sorted(array.shape) == sorted(shape)
        hint = (
            "The axes are in another order; NIfTI is (x, y, z)." if turned else "Resample it to the grid of the input."
        )
        raise Unreadable(f"the shape is {_by(array.shape)}, the input's is {_by(shape)}", hint)
    spacing = wanted.get("spacing")
    if (
        picture.spacing
        and spacing
        and len(picture.spacing) == len(spacing)
        and not np.allclose(picture.spacing, spacing, rtol=SPACING)
    ):
        message = f"the spacing is {_by(picture.spacing)} mm, the input's is {_by(spacing)} mm"
        raise Unreadable(message, "Copy affine and header from the input.")
    if picture.axes and wanted.get("axes") and picture.axes != wanted["axes"]:
        message = f"the axes run {picture.axes}, the input's run {wanted['axes']}"
        raise Unreadable(message, "Copy the affine from the input; without it left and right may be swapped.")
    return array


def _by(values) -> str:
    return " x ".join(f"{value:g}" for value in values)


def zeros(manifest: dict, cases, dtype, out) -> str:
    """A zip with an .npz of zeros for every case."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, name in enumerate(cases.ids):
            shape = geometry(manifest, number).get("shape") or (1, 1)
            with archive.open(zipfile.ZipInfo(f"{name}.npz"), "w") as entry:
                np.savez_compressed(entry, labels=np.zeros(shape, dtype))
    return "sample-submission.zip"


def references(given: dict[str, list[str]], report) -> list[str]:
    """File names under reference/, one per case."""
    return [within(name, "reference", row, report) for row, name in enumerate(given["reference"])]


def within(name: str, folder: str, row: int, report) -> str:
    """A name relative to `folder`, whether or not it was written with it."""
    short = name.removeprefix(f"{folder}/")
    parts = short.partition("#")[0].split("/")
    if (
        not short
        or short.startswith("/")
        or ".." in parts
        or "" in parts
        or "\\" in short
        or "\0" in short
        or short[1:2] == ":"
    ):
        report(row, folder if folder == "reference" else "input", f"{quote(name)} is no file under {folder}/",
               f"Write a name relative to {folder}/.")  # fmt: skip
        return ""
    return short


def open_file(path: Path, labels: bool) -> Picture:
    """The array of `file` or `file#index`. Raises Unreadable."""
    name, mark, index = path.name.rpartition("#")
    file, index = (path.with_name(name), index) if mark else (path, "")
    form = format_of(file.name)
    if form is None:
        raise Unreadable(f"{file.name} is of no format read here", f"Read are {', '.join(SUFFIXES)}.")
    if not file.is_file():
        raise Unreadable(f"there is no file {file.name}", "Add it.")
    if not file.stat().st_size:
        raise Unreadable("the file is empty", "Write it again.")
    return form.read(file, index, labels)


def inspector(judge: Callable[[np.ndarray, dict], np.ndarray], labels: bool):
    """`inspect` of a kind whose references are arrays: reads each, and makes the table of their geometry."""

    def inspect(manifest: dict, root: Path, cases, found: Findings) -> dict:
        table: dict[str, int] = {}
        numbers = []
        for name in cases.reference:
            shape: dict = {}
            if name and (root / "reference" / name.partition("#")[0]).is_file():
                try:
                    picture = open_file(root / "reference" / name, labels)
                    judge(picture.array, manifest)
                    shape = _geometry(picture)
                except Unreadable as wrong:
                    found.add(wrong.message, wrong.hint, file=f"reference/{name}")
            numbers.append(table.setdefault(json.dumps(shape), len(table)))
        return {"geometry": {"distinct": [json.loads(item) for item in table], "cases": numbers}}

    return inspect


def _geometry(picture: Picture) -> dict:
    shape: dict = {"shape": list(picture.array.shape)}
    if picture.spacing:
        shape["spacing"] = [round(value, 6) for value in picture.spacing]
    if picture.axes:
        shape["axes"] = picture.axes
    return shape


def opener(judge: Callable[[np.ndarray, dict], np.ndarray], labels: bool):
    """`open` of such a kind: (array, {"spacing", "affine"})."""

    def open_reference(manifest: dict, path: Path) -> tuple[np.ndarray, dict]:
        picture = open_file(path, labels)
        return judge(picture.array, manifest), facts(picture)

    return open_reference


def facts(picture: Picture) -> dict:
    """What a format told of an array besides its values; nothing where it did not."""
    told = {
        "spacing": picture.spacing,
        "affine": picture.affine,
        "spatial": picture.spatial,
        "axes": picture.axes or None,
    }
    told |= {"names": picture.names or None, "letters": picture.letters or None, "window": picture.window}
    return {name: value for name, value in told.items() if value is not None}
