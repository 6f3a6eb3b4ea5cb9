"""Reads the shared reference values of a family; tests that need them are skipped only where the folder is not there."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("KENSA_SHARED_GOLDEN", Path(__file__).parents[4] / "shared" / "golden"))
HERE = FOLDER.is_dir()
needs_values = pytest.mark.skipif(not HERE, reason=f"no reference values in {FOLDER} (set KENSA_SHARED_GOLDEN)")


def cases(family: str) -> list:
    """`pytest.param`s of a family's cases, by name, with numbers for "NaN" and "Infinity".

    Where the folder is there, a family that is missing or empty is an error, not a skip.
    """
    if not HERE:
        return [pytest.param(None, id=family, marks=needs_values)]
    found = json.loads((FOLDER / f"{family}.json").read_text())["cases"]
    if not found:
        raise ValueError(f"{family}: no reference values")
    return [pytest.param(_numbers(case), id=case["name"]) for case in found]


def _numbers(value):
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items() if key != "references"}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
