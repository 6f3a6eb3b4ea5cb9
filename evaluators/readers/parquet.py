"""Parquet tables, in the blocks of evaluators.tables. Opened in the sandbox alone: its parser is native code.

A "line" of a Parquet file is the number of its row, counted from 1.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluators.faults import Findings, quote
from evaluators.tables import MAX_COLUMNS, Block

ROWS = 65_536
TEXT, NUMBER = "text", "number"


class Table:
    """A Parquet file with its columns checked; see evaluators.tables.Table."""

    def __init__(self, path: Path, found: Findings):
        import pyarrow
        from pyarrow import parquet

        self.found, self.rows = found, 0
        try:
            self.file = parquet.ParquetFile(path, memory_map=False, thrift_string_size_limit=1 << 24)
            schema = self.file.schema_arrow
        except (pyarrow.ArrowException, OSError, ValueError):
            found.stop("this is a damaged Parquet file", "Write it again, or send CSV.")
        self.header = list(schema.names)
        if len(self.header) > MAX_COLUMNS or len(set(self.header)) < len(self.header):
            found.stop("columns are doubled, or too many", f"At most {MAX_COLUMNS:,} different columns are read.")
        for number, field in enumerate(schema, 1):
            if not _plain(field.type):
                hint = "Store numbers and text alone; reset_index() turns an index into a column."
                found.add(f"the column {quote(field.name)} holds {field.type}", hint, column=number, name=field.name)
        found.check()

    def blocks(self) -> Iterator[Block]:
        import pyarrow

        try:
            for batch in self.file.iter_batches(batch_size=ROWS, use_threads=False):
                columns = [_values(batch.column(number)) for number in range(batch.num_columns)]
                lines = np.arange(self.rows + 1, self.rows + 1 + batch.num_rows)
                self.rows += batch.num_rows
                if batch.num_rows:
                    yield Block(columns, lines)
        except (pyarrow.ArrowException, OSError, ValueError):
            self.found.stop(f"the Parquet file is damaged after row {self.rows:,}", "Write it again, or send CSV.")
        if self.rows == 0:
            self.found.stop("the table has no row", "Give one row for every case.")


def _plain(kind) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind)
    return text or types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind)


def _values(column):
    """Numbers as float64 with NaN for null; anything else as text."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_floating(column.type) or types.is_null(column.type):
        return np.array(column.to_numpy(zero_copy_only=False), np.float64)
    if types.is_integer(column.type):
        return np.array(column.to_numpy(zero_copy_only=False), np.float64) if column.null_count else column.to_numpy()
    return ["" if item is None else str(item) for item in column.to_pylist()]
