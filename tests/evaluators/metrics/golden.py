"""Reads the shared reference values of a family; tests that need them are skipped where they are not there."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("KENSA_SHARED_GOLDEN", Path(__file__).parents[4] / "shared" / "golden"))


def cases(family: str) -> list:
    """`pytest.param`s of a family's cases, by name, with numbers for "NaN" and "Infinity"."""
    path = FOLDER / f"{family}.json"
    if not path.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{path} is not here"))]
    return [pytest.param(_numbers(case), id=case["name"]) for case in json.loads(path.read_text())["cases"]]


def _numbers(value):
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items() if key != "references"}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if value in ("NaN", "Infinity", "-Infinity") else value
