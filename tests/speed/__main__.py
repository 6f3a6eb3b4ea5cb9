"""`make speed`: every job beside its peers on the same data in the same run; writes tests/speed/results.json, a family at a time."""

import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one thread each, before numpy is loaded

from tests.speed import boards, images, inference, tables, transfer  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")
PEERS = ("numpy", "numba", "scikit-learn", "scikit-survival", "lifelines", "monai", "scikit-image", "scipy", "torch")
FAMILIES = {
    "tables": tables.rows, "images": images.rows, "transfer": transfer.rows, "boards": boards.rows, "inference": inference.rows,
}  # fmt: skip


def main(families) -> int:
    print(f"{'job':62} {'library':52} {'library':>10} {'Kensa':>10} {'ratio':>9} {'target':>7}")
    for family in families or FAMILIES:
        found = []
        for row in FAMILIES[family]():
            found.append({"family": family, **row})
            verdict = "" if not row["target"] else "met" if row["ratio"] >= row["target"] else "MISSED"
            print(
                f"{row['job'][:62]:62} {row['library'][:52]:52} {_seconds(row['library_s'])} {_seconds(row['kensa_s'])} "
                f"{row['ratio']:9,.1f} {row['target']:7g} {verdict}",
                flush=True,
            )
        _write(family, found)
    return 0


def _write(family: str, found: list[dict]) -> None:
    """Put the rows of one family into the results; those of the others stay as they were measured."""
    before = json.loads(RESULTS.read_text())["rows"] if RESULTS.is_file() else []
    rows = [row for name in FAMILIES for row in (found if name == family else before) if row["family"] == name]
    facts = {"python": platform.python_version(), "machine": platform.machine(), "processors": os.cpu_count()}
    versions = {name: metadata.version(name) for name in PEERS}
    RESULTS.write_text(json.dumps({**facts, "versions": versions, "rows": rows}, indent=1) + "\n")


def _seconds(value: float) -> str:
    return f"{value:8.2f} s" if value >= 1 else f"{value * 1e3:7.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
