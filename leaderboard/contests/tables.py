"""The table of labels that an organiser drops, read as text: columns by name, faults by line. Nothing of it is kept here."""

import csv
import io
from dataclasses import dataclass

from evaluators.faults import Fault, Faults

MOST_BYTES = 32 << 20
MOST_ROWS = 500_000
MOST_COLUMNS = 200


@dataclass(frozen=True)
class Labels:
    """A table as text: `columns[name]` has one value a row, without outer spaces."""

    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def read(data: bytes, filename: str = "labels.csv") -> Labels:
    """A CSV file with a header; comma, semicolon or tab between fields. Raises Faults by line."""
    if len(data) > MOST_BYTES:
        raise _fault(filename, f"the table has {len(data):,} bytes", f"At most {MOST_BYTES:,} are read here.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _fault(filename, "the table is not UTF-8 from here on", "Save it as CSV UTF-8.", line) from None
    if "\0" in text:
        raise _fault(filename, "this is no text", "Save the table as CSV.")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    csv.field_size_limit(10_000)
    try:
        rows = [(number, row) for number, row in _rows(text, separator) if any(cell.strip() for cell in row)]
    except csv.Error:
        raise _fault(filename, "a field is longer than 10,000 letters", "Mind the quotation marks.") from None
    return _columns(rows, filename)


def _rows(text: str, separator: str):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    for row in reader:
        yield reader.line_num, row
        if reader.line_num > MOST_ROWS + 1:
            raise Faults([Fault(f"the table has more than {MOST_ROWS:,} rows", "Load a package on the server.")])


def _columns(rows: list, filename: str) -> Labels:
    if len(rows) < 2:
        raise _fault(filename, "the table has no rows", "One line of names, then one line a case: case_id,label.")
    header = [name.strip() for name in rows[0][1]]
    if len(header) < 2 or len(header) > MOST_COLUMNS:
        hint = f"It needs at least an id and a label, and at most {MOST_COLUMNS} columns."
        raise _fault(filename, f"the table has {len(header)} columns", hint, rows[0][0])
    for number, name in enumerate(header):
        if not name or name in header[:number]:
            raise _fault(filename, "a column has no name, or that of another", "Name each column once.", rows[0][0])
    faults = [
        Fault(f"{len(row)} fields for {len(header)} columns", "Mind commas within texts.", file=filename, line=number)
        for number, row in rows[1:]
        if len(row) != len(header)
    ]
    if faults:
        raise Faults(faults[:50], len(faults))
    return Labels({name: [row[place].strip() for _, row in rows[1:]] for place, name in enumerate(header)})


def _fault(filename: str, message: str, hint: str, line: int | None = None) -> Faults:
    return Faults([Fault(message, hint, file=filename, **({"line": line} if line else {}))])
