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
# Why a target may be missed, by the beginning of the job; said beside it, and kept with the row.
REASONS = {
    "QWK, 2,000 resamples": "drawing 2,000 resamples of 5,000 patients takes 10 ms, the statistic 3; a board draws once for all its entries",
    "IBS at 8 times": "a fifth of the time goes into drawing the resamples, which a board does once for all its entries",
    "Dice, IoU, HD95": "half of the time goes into reading two volumes of 8 MB and marking and gathering their surface voxels",
    "SSIM 512": "eleven taps along two axes over four images in double precision, all in vector instructions",
    "download of": "nginx alone answers after 0.4 ms, Kensa after 10, in which it looks up who may read the file and counts the download",
}


def main(families) -> int:
    print(f"{'job':62} {'library':52} {'library':>10} {'Kensa':>10} {'ratio':>9} {'target':>7}")
    for family in families or FAMILIES:
        found = []
        for row in FAMILIES[family]():
            missed = bool(row["target"]) and row["ratio"] < row["target"]
            why = next((said for job, said in REASONS.items() if missed and row["job"].startswith(job)), "")
            found.append({"family": family, **row} | ({"reason": why} if why else {}))
            verdict = "" if not row["target"] else f"MISSED: {why}".rstrip(": ") if missed else "met"
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
