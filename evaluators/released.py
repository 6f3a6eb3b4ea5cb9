"""The released inputs of a package as one zip, made while it is sent: renamed to their case ids and in that order.

Nothing but inputs goes into it; what one file holds for many cases is written anew, in the order of the case ids.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from evaluators.cases import Cases
from evaluators.readers import format_of
from evaluators.readers.registry import suffix_of

CHUNK = 1 << 20
MOMENT = (1980, 1, 1, 0, 0, 0)  # so that the same package gives the same bytes
PACKED = (".gz", ".png", ".jpg", ".jpeg", ".npz")


class _Pipe(io.RawIOBase):
    """Takes what the archive writes, and gives it up in pieces."""

    def __init__(self):
        self.pieces: list[bytes] = []
        self.place = 0

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.pieces.append(bytes(data))
        self.place += len(data)
        return len(data)

    def tell(self) -> int:
        return self.place

    def take(self) -> bytes:
        data, self.pieces = b"".join(self.pieces), []
        return data


def stream(cases: Cases, local: Callable[[str], Path]) -> Iterator[bytes]:
    """The bytes of the zip. `local(name)` is the path of a file of the package, such as "inputs/0001.png"."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        shared: dict[str, list[tuple[str, str]]] = {}
        rows = []
        for case, name in zip(cases.ids, cases.inputs or [], strict=False):
            file, mark, index = name.partition("#")
            if mark:
                shared.setdefault(file, []).append((case, index))
            else:
                rows.append((case, f"{case}{suffix_of(file) or Path(file).suffix}"))
                yield from _copy(archive, pipe, rows[-1][1], local(file))
        for file, members in shared.items():
            target = f"{Path(file).name.partition('.')[0]}{suffix_of(file)}"
            rows += [(case, f"{target}#{number}") for number, (case, _) in enumerate(members)]
            write = _table if file.endswith(".csv") else _stack
            with archive.open(_entry(target), "w", force_zip64=True) as out:
                write(out, file, members, local(file))
            yield pipe.take()
        with archive.open(_entry("inputs.csv"), "w") as out:
            out.write(("case_id,input\n" + "".join(f"{case},{name}\n" for case, name in sorted(rows))).encode())
    yield pipe.take()


def _entry(name: str) -> zipfile.ZipInfo:
    item = zipfile.ZipInfo(name, MOMENT)
    item.compress_type = zipfile.ZIP_STORED if name.lower().endswith(PACKED) else zipfile.ZIP_DEFLATED
    item.external_attr = 0o644 << 16
    return item


def _copy(archive: zipfile.ZipFile, pipe: _Pipe, name: str, path: Path) -> Iterator[bytes]:
    with open(path, "rb") as source, archive.open(_entry(name), "w", force_zip64=True) as out:
        while chunk := source.read(CHUNK):
            out.write(chunk)
            yield pipe.take()


def _stack(out, name: str, members: list[tuple[str, str]], path: Path) -> None:
    """The rows of an array file that cases name, as one .npz or .npy in case order."""
    form = format_of(name)
    arrays = [form.read(path, index, False).array for _, index in members]
    if form.name == "npy":
        np.save(out, np.stack(arrays), allow_pickle=False)
    else:
        np.savez_compressed(
            out, allow_pickle=False, case_id=np.array([case for case, _ in members]), inputs=np.stack(arrays)
        )


def _table(out, name: str, members: list[tuple[str, str]], path: Path) -> None:
    """The rows of a CSV table that cases name, `case_id` first."""
    with open(path, encoding="utf-8-sig", newline="") as source:
        header, *rows = csv.reader(source)
    place = header.index("case_id") if "case_id" in header else None
    by_name = {row[place]: row for row in rows} if place is not None else {}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case_id", *(name for name in header if name != "case_id")])
    for case, index in members:
        row = by_name[index] if index in by_name else rows[int(index)]
        writer.writerow([case, *(value for number, value in enumerate(row) if number != place)])
    out.write(text.getvalue().encode())
