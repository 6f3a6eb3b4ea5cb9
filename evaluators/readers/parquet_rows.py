"""Rows of a Parquet table as inputs: as those of a CSV table, see csv_rows. For the sandbox: its parser is native code."""

from pathlib import Path

from evaluators.readers.csv_rows import row_of
from evaluators.readers.parquet import Table
from evaluators.readers.registry import Format, Picture, register


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """(columns,) float64 of one row, `case_id` left out; (rows, columns) without an index. Missing values are NaN."""
    return row_of(path, index, Table)


register(Format("parquet", (".parquet",), read))
