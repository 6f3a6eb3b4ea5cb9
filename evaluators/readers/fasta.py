"""FASTA: `inputs/genes.fasta#name` is the sequence of that record, `#3` the one that stands fourth; without '#' the only one."""

import functools
from pathlib import Path

import numpy as np

from evaluators.readers.registry import Format, Picture, Unreadable, register

MOST_BYTES = 1 << 30
LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*-.")


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """(letters,) ASCII codes, as they are written: lower case, gaps and ambiguity codes are kept."""
    stat = path.stat()
    if stat.st_size > MOST_BYTES:
        raise Unreadable(f"the file has {stat.st_size:,} bytes", f"At most {MOST_BYTES:,} are read; divide it.")
    names, sequences = _records(str(path), stat.st_mtime_ns, stat.st_size)
    if not index and len(sequences) == 1:
        return Picture(sequences[0], spatial=1, letters=True)
    row = names.get(index, int(index) if index.isdigit() else -1)
    if not 0 <= row < len(sequences):
        raise Unreadable(
            f"there is no sequence {index[:60]!r} of {len(sequences):,}", "Name a record behind '#', or count from 0."
        )
    return Picture(sequences[row], spatial=1, letters=True)


@functools.lru_cache(maxsize=2)
def _records(path: str, changed: int, size: int) -> tuple[dict[str, int], list[np.ndarray]]:
    names: dict[str, int] = {}
    parts: list[list[bytes]] = []
    with open(path, "rb") as source:
        for number, line in enumerate(source, 1):
            line = line.strip()
            if line.startswith(b">"):
                name = line[1:].split(None, 1)[0].decode("utf-8", "replace") if line[1:].split() else ""
                if name in names:
                    raise Unreadable(f"line {number}: the record {name[:60]!r} is there twice", "Rename one of them.")
                names[name] = len(parts)
                parts.append([])
            elif line and not line.startswith(b";"):
                if not parts:
                    raise Unreadable(
                        f"line {number}: a sequence without a name", "A record begins with '>' and a name."
                    )
                if not LETTERS.issuperset(line):
                    raise Unreadable(
                        f"line {number}: a character that is no letter", "Write letters, '*' and '-' alone."
                    )
                parts[-1].append(line)
    if not parts:
        raise Unreadable("the file holds no sequence", "A record begins with '>' and a name.")
    return names, [np.frombuffer(b"".join(part), np.uint8) for part in parts]


register(Format("fasta", (".fasta", ".fa"), read))
