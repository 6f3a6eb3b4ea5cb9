"""Tables in CSV, read in blocks: quick where a block is regular, exact where it is not.

Every fault names line and column of the sender's own file; memory use is one block, whatever the size of the file.
Only this module knows the syntax of CSV; what the columns mean is said by who reads the blocks.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evaluators import sniff
from evaluators.faults import Findings, quote

BLOCK = 1 << 20
MAX_LINE = 1 << 20  # bytes; a table of 50,000 columns still fits
MAX_COLUMNS = 20_000
COMMA, NEWLINE = 44, 10


@dataclass
class Block:
    """Some rows of a table: `columns[j]` holds field j of each row as bytes, `lines` the line each row stands on."""

    columns: list[list]
    lines: np.ndarray
    raw: bytes = b""
    first: int = 0  # line of the first byte of raw
    _split: list = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def text(self, row: int) -> str:
        """The sender's line of a row."""
        if not self.raw:
            return ""
        if not self._split:
            self._split = self.raw.split(b"\n")
        return self._split[int(self.lines[row]) - self.first].decode("utf-8", "replace")

    def place(self, row: int, column: int, header: list[str]) -> dict:
        """Where a field stands, as a fault says it."""
        text, start = self.text(row), 0
        if text and '"' not in text:
            parts = text.split(",")
            start = sum(len(part) + 1 for part in parts[:column])
            mark = (start, start + len(parts[column])) if column < len(parts) else None
        else:
            mark = None
        return {"line": int(self.lines[row]), "column": column + 1, "name": header[column], "text": text, "mark": mark}


class Table:
    """A CSV file with its header read and checked.

    Raises Faults (through `found`) where the file is not a table at all; faults of single lines are collected in
    `found`, and their rows left out of the blocks.
    """

    def __init__(self, path: Path, found: Findings):
        self.path, self.found = Path(path), found
        self.header: list[str] = []
        self.rows = 0
        self.offset = self._head()

    def _head(self) -> int:
        """Read the header; return where the rows start."""
        with open(self.path, "rb") as source:
            start = source.read(sniff.HEAD)
            if not start.strip():
                self.found.stop("the file is empty", "It needs a header line, and one line for every case.")
            name, words = sniff.kind(start)
            if name != "csv":
                self.found.stop(f"this is {words}, not a CSV table", sniff.REMEDIES.get(name, "Send a CSV file."))
            source.seek(0)
            line = source.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE:
            self.found.stop(
                f"line 1 is longer than {MAX_LINE:,} bytes",
                "Is this CSV? Every case needs a line of its own.",
                line=1,
                text=line[:200].decode("utf-8", "replace"),
            )
        if b"\r" in line.rstrip(b"\r\n"):
            self.found.stop("lines end with a carriage return alone", "Save it with Unix or Windows line ends.", line=1)
        self.header = self._names(line)
        return len(line)

    def _names(self, line: bytes) -> list[str]:
        try:
            text = line.decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError as error:
            self.found.stop("the header is not UTF-8", "Save it as CSV UTF-8.", line=1, text=repr(line[:100])[2:-1],
                            column=line.count(b",", 0, error.start) + 1)  # fmt: skip
        if "\0" in text:
            self.found.stop("the file holds zero bytes, so it is not text", "Save it as CSV UTF-8.", line=1)
        if "," not in text:
            for mark, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
                if mark in text:
                    hint = "Separate the fields with commas, and write decimals with a point."
                    self.found.stop(f"the fields are separated by {words}", hint, line=1, column=1, text=text)
        fields = _fields(text)
        if fields is None:
            self.found.stop("a quote in the header is never closed", "Remove it.", line=1, text=text)
        names = [item.strip() for item in fields]
        if len(names) > MAX_COLUMNS:
            self.found.stop(f"the header has {len(names):,} columns", f"At most {MAX_COLUMNS:,} are read.", line=1)
        seen: dict[str, int] = {}
        for number, name in enumerate(names, 1):
            if not name:
                last = number == len(names)
                hint = "Remove the comma at the end of the line." if last else "Give it its name."
                self.found.add(f"column {number} has no name", hint, line=1, column=number, text=text)
            elif name in seen:
                hint = f"It is column {seen[name]} already; keep one of them."
                self.found.add(
                    f"the column {quote(name)} is there twice", hint, line=1, column=number, name=name, text=text
                )
            seen.setdefault(name, number)
        if any(not name for name in names) or len(seen) < len(names):
            self.found.check()
        return names

    def blocks(self) -> Iterator[Block]:
        """The rows in the order of the file."""
        line = 2
        for raw in self._raw():
            block = self._regular(raw, line) or self._quoted(raw, line) or self._exact(raw, line)
            line += raw.count(b"\n")
            if len(block):
                self.rows += len(block)
                yield block
        if self.rows == 0 and not self.found.count:
            self.found.stop("there is a header and no row", "Give one line for every case.", line=1)

    def _raw(self) -> Iterator[bytes]:
        """Whole lines, about BLOCK bytes at a time, each ending with a newline; Windows line ends made plain."""
        rest, number = b"", 2
        with open(self.path, "rb") as source:
            source.seek(self.offset)
            while data := source.read(BLOCK):
                data = rest + data
                end = data.rfind(b"\n") + 1
                data, rest = data[:end], data[end:]
                if len(rest) > MAX_LINE:
                    self._too_long(number + data.count(b"\n"), rest)
                if data:
                    yield self._plain(data, number)
                    number += data.count(b"\n")
        if rest.strip():
            yield self._plain(rest + b"\n", number)

    def _plain(self, data: bytes, number: int) -> bytes:
        if b"\0" in data:
            line = number + data.count(b"\n", 0, data.index(b"\0"))
            self.found.stop("a zero byte: this is not text", "Save it as CSV UTF-8.", line=line)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
            if b"\r" in data:
                line = number + data.count(b"\n", 0, data.index(b"\r"))
                self.found.stop("a carriage return inside a line", "End lines with a line feed.", line=line)
        return data

    def _too_long(self, line: int, rest: bytes) -> None:
        self.found.stop(
            f"line {line} is longer than {MAX_LINE:,} bytes",
            "Is a line end missing?",
            line=line,
            text=rest[:200].decode("utf-8", "replace"),
        )

    def _regular(self, data: bytes, first: int) -> Block | None:
        """The block where every line has as many plain fields as the header; None where one has not."""
        width = len(self.header)
        if b'"' in data:
            return None
        letters = np.frombuffer(data, np.uint8)
        separators = letters[(letters == COMMA) | (letters == NEWLINE)]
        rows, rest = divmod(separators.size, width)
        if rest or rows != data.count(b"\n"):
            return None
        if not (separators.reshape(rows, width)[:, -1] == NEWLINE).all():
            return None
        flat = data.replace(b"\n", b",").split(b",")
        flat.pop()
        lines = np.arange(first, first + rows)
        if width == 1 and b"" in flat:
            return None
        return Block([flat[j::width] for j in range(width)], lines, data, first)

    def _quoted(self, data: bytes, first: int) -> Block | None:
        """The block where every line is right by the rules of CSV and ends its quotes; None where one is not."""
        width, count = len(self.header), data.count(b"\n")
        if b'"' not in data:
            return None
        reader = csv.reader(data.decode("utf-8", "surrogateescape").split("\n")[:-1], strict=True)
        try:
            rows = list(reader)
        except csv.Error:
            return None
        if len(rows) != count or any(len(row) != width for row in rows):
            return None
        columns = [list(column) for column in zip(*rows, strict=True)]
        return Block(columns, np.arange(first, first + count), data, first)

    def _exact(self, data: bytes, first: int) -> Block:
        """The block line by line: rows of the right width, the others reported."""
        width, rows, lines = len(self.header), [], []
        for number, line in enumerate(data.split(b"\n")[:-1], first):
            if not line.strip():
                continue
            if b'"' in line:
                fields = _fields(line.decode("utf-8", "surrogateescape"))
                if fields is not None:
                    fields = [item.encode("utf-8", "surrogateescape") for item in fields]
            else:
                fields = line.split(b",")
            if fields is not None and len(fields) == width:
                rows.append(fields)
                lines.append(number)
            else:
                self._misshapen(number, line, fields)
        columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
        return Block(columns, np.array(lines, int), data, first)

    def _misshapen(self, number: int, line: bytes, fields: list | None) -> None:
        if self.found.full:
            self.found.count += 1
            return
        text = line.decode("utf-8", "replace")
        if fields is None:
            hint = "A quoted field opens and closes on one line."
            self.found.add("a quote is never closed, or stands inside a field", hint, line=number, text=text)
            return
        hint = "Give every column a value, and no more."
        if text.count(";") >= len(self.header) - 1:
            hint = "Separate the fields with commas, not semicolons."
        elif text.endswith(",") and len(fields) == len(self.header) + 1:
            hint = "Remove the comma at the end of the line."
        elif len(fields) > len(self.header) and any(_is_comma_decimal(a, b) for a, b in zip(fields[1:], fields[2:])):  # noqa: B905
            hint = "It looks like a decimal comma: write 0.18, not 0,18."
        message = f"{len(fields)} fields where the header has {len(self.header)}"
        column = min(len(fields), len(self.header)) + (len(fields) > len(self.header))
        self.found.add(message, hint, line=number, column=column, text=text)


def _is_comma_decimal(whole: bytes, rest: bytes) -> bool:
    return whole.strip() in (b"0", b"1", b"-0") and rest.strip().isdigit()


def _fields(line: str) -> list[str] | None:
    """The fields of one line by the rules of CSV; None where a quote is wrong."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return None


def strings(column: list) -> list[str]:
    """A column as text, without spaces around; bytes that are not UTF-8 become U+FFFD."""
    if isinstance(column, np.ndarray):
        return [str(item) for item in column.tolist()]
    if not column or isinstance(column[0], str):
        return [item.strip() for item in column]
    text = b"\n".join(column).decode("utf-8", "replace")
    if " " in text or "\t" in text:
        return [item.strip() for item in text.split("\n")]
    return text.split("\n")


def numbers(column) -> tuple[np.ndarray, np.ndarray]:
    """A column as float64, and which rows hold no number at all (their value is NaN)."""
    if isinstance(column, np.ndarray):
        return column.astype(np.float64), np.zeros(len(column), bool)
    underscore, join = ("_", ",".join) if column and isinstance(column[0], str) else (b"_", b",".join)
    try:
        if underscore not in join(column):  # float() would take 1_000
            return np.fromiter(map(float, column), np.float64, len(column)), np.zeros(len(column), bool)
    except ValueError:
        pass
    values, bad = np.full(len(column), np.nan), np.zeros(len(column), bool)
    for row, item in enumerate(column):
        try:
            if underscore in item:
                raise ValueError
            values[row] = float(item)
        except ValueError:
            bad[row] = True
    return values, bad
