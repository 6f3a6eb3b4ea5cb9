"""What the reader studies share: R's data files as frames and arrays, and packages whose rows are people."""

from pathlib import Path

from leaderboard.demo import _data, _writing

GPL = "GPL-3 (of the R package)"
ALONE = (
    "The images are not public: nobody can submit an answer that looks at them, and the rows of this board are people."
)


def read(need: str, name: str):
    """The object `name` of an .RData file of the shared data."""
    import rdata

    return rdata.read_rda(_data.find(need))[name]


def write(folder: Path, manifest: dict, cases: list[dict], columns: list[str], rows: list[list]) -> None:
    """benchmark.yaml, cases.csv and readers.csv."""
    _writing.package(folder, manifest, cases)
    _writing.table(folder / "readers.csv", columns, rows)
