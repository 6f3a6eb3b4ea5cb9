"""`make speed`: every metric beside its peer libraries on the same data in the same run; writes tests/speed/results.json."""

import json
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # one thread each, before numpy is loaded

from tests.speed import boards, images, tables, transfer  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")
PEERS = ("numpy", "numba", "scikit-learn", "scikit-survival", "lifelines", "monai", "scikit-image", "scipy", "torch")
FAMILIES = {"tables": tables.rows, "images": images.rows, "transfer": transfer.rows, "boards": boards.rows}


def main(families) -> int:
    found = []
    print(f"{'job':62} {'library':52} {'library':>10} {'Kensa':>10} {'ratio':>9} {'target':>7}")
    for family in families or FAMILIES:
        for row in FAMILIES[family]():
            found.append({"family": family, **row})
            verdict = "" if not row["target"] else "met" if row["ratio"] >= row["target"] else "MISSED"
            print(
                f"{row['job'][:62]:62} {row['library'][:52]:52} {_seconds(row['library_s'])} {_seconds(row['kensa_s'])} "
                f"{row['ratio']:9,.1f} {row['target']:7g} {verdict}",
                flush=True,
            )
    if families and RESULTS.is_file():  # a part was measured again: the rest stays
        before = json.loads(RESULTS.read_text())["rows"]
        found = [r for name in FAMILIES for r in (found if name in families else before) if r.get("family") == name]
    if not families or RESULTS.is_file():
        facts = {"python": platform.python_version(), "machine": platform.machine(), "processors": os.cpu_count()}
        versions = {name: metadata.version(name) for name in PEERS}
        RESULTS.write_text(json.dumps({**facts, "versions": versions, "rows": found}, indent=1) + "\n")
        print(f"written to {RESULTS}")
    return 0


def _seconds(value: float) -> str:
    return f"{value:8.2f} s" if value >= 1 else f"{value * 1e3:7.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
