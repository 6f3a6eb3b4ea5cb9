"""Decoded, preprocessed inputs in files: written by one process, read by another as they appear, memory-mapped.

Parts of consecutive cases of one shape: `00000.npy` (n, *shape) float32, and `00000.json` with each case's own shape and its way back.
`end.json` comes last: {"cases": n}, or {"declined": true} where there is no room, or {"failed": true}. A file appears whole.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from evaluators import readers
from evaluators.runners import inputs as declared
from evaluators.steps import Prepared

END = "end.json"
PART_CASES, PART_BYTES = 64, 16 << 20
PAUSE = 0.003  # seconds between looks for the next part


class NotPrepared(RuntimeError):
    """The process that prepares the inputs ended without them: not the network's fault."""


def write(paths: Sequence[Path], inputs: dict, folder: Path, *, most_bytes: int) -> bool:
    """Prepare every input by the checked declaration `inputs`, in order, into `folder`; whether there was room.

    Raises Faults where the declaration does not suit a case, Damaged for a file that cannot be read; the folder says so.
    """
    part: list[Prepared] = []
    number, spent = 0, 0
    try:
        for count, path in enumerate(paths):
            prepared = declared.prepare(*readers.read_input(path), inputs)
            spent += prepared.array.nbytes
            if spent * (len(paths) / (count + 1) if count < PART_CASES else 1) > most_bytes:
                _end(folder, {"declined": True})
                return False
            if part and (part[0].array.shape != prepared.array.shape or _full(part)):
                number = _save(folder, number, part)
                part = []
            part.append(prepared)
            if count == 0:  # the first case goes alone, and need not wait for others
                number, part = _save(folder, number, part), []
        if part:
            _save(folder, number, part)
    except BaseException:
        _end(folder, {"failed": True})
        raise
    _end(folder, {"cases": len(paths)})
    return True


def _full(part: list[Prepared]) -> bool:
    return len(part) >= PART_CASES or (len(part) + 1) * part[0].array.nbytes > PART_BYTES


def _save(folder: Path, number: int, part: list[Prepared]) -> int:
    _whole(folder / f"{number:05d}.json", json.dumps([{"shape": one.shape, "undo": one.undo} for one in part]).encode())
    draft = folder / f"{number:05d}.draft"
    with draft.open("wb") as out:
        np.lib.format.write_array(out, np.stack([one.array for one in part]), allow_pickle=False)
    draft.rename(folder / f"{number:05d}.npy")
    return number + 1


def _end(folder: Path, facts: dict) -> None:
    _whole(folder / END, json.dumps(facts).encode())


def _whole(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(data)
    draft.rename(path)


def read(folder: Path, paths: Sequence[Path], inputs: dict) -> Iterator[Prepared]:
    """Every case, in order: of the folder as its parts appear, or prepared here where the folder has no room for them.

    Raises NotPrepared.
    """
    count = number = 0
    while count < len(paths):
        file = folder / f"{number:05d}.npy"
        while not file.exists():
            end = _ended(folder)
            if end.get("declined"):
                yield from prepare(paths[count:], inputs)
                return
            if end and not file.exists():
                raise NotPrepared(f"{count} of {len(paths)} cases are there, and no more come")
            time.sleep(PAUSE)
        arrays = np.load(file, mmap_mode="r", allow_pickle=False)
        for array, facts in zip(arrays, json.loads(file.with_suffix(".json").read_text()), strict=True):
            yield Prepared(array, tuple(facts["shape"]), facts["undo"])
            count += 1
        number += 1


def prepare(paths: Sequence[Path], inputs: dict) -> Iterator[Prepared]:
    """Every case, decoded and prepared here. Raises Faults, or Damaged."""
    for path in paths:
        yield declared.prepare(*readers.read_input(path), inputs)


def _ended(folder: Path) -> dict:
    try:
        return json.loads((folder / END).read_text())
    except OSError:
        return {}


def is_whole(folder: Path, cases: int) -> bool:
    """Whether every case is there."""
    return _ended(folder) == {"cases": cases}


def size(folder: Path) -> int:
    """Bytes of the files of a folder."""
    return sum(entry.stat().st_size for entry in os.scandir(folder))
