"""Columns that tell the outcome: found by value and by presence, on real tables; ordinary columns are not accused."""

import csv

import numpy as np
import pytest

from evaluators import package as packages
from leaderboard.demo import _data, cytology, gbsg2, lies_leakage
from tests.packages import binary


def with_table(folder, columns: dict[str, list]):
    """The package of `binary` with a table of inputs."""
    (folder / "inputs").mkdir()
    rows = list(csv.DictReader((folder / "cases.csv").open()))
    with (folder / "inputs" / "rows.csv").open("w") as out:
        print("case_id", *columns, sep=",", file=out)
        for row, *values in zip(rows, *columns.values(), strict=True):
            print(row["case_id"], *values, sep=",", file=out)
    with (folder / "cases.csv").open("w", newline="") as out:
        table = csv.DictWriter(out, [*rows[0], "input"])
        table.writeheader()
        table.writerows(row | {"input": f"inputs/rows.csv#{row['case_id']}"} for row in rows)


def leaks(folder) -> list[dict]:
    with packages.read(folder) as package:
        return package.manifest.get("leaks", [])


def test_a_column_that_tells_is_named_by_value_or_by_presence(tmp_path):
    labels = np.asarray(binary(tmp_path, n=60, accepts=["predictions", "weights"], release_inputs=True))
    draw = np.random.default_rng(0)
    columns = {
        "age": draw.normal(60, 9, 60).tolist(),
        "biopsy": np.where(labels > 0, 7.5, -1).tolist(),
        "therapy": ["1" if label else "" for label in labels],
        "honest": (labels + draw.normal(0, 1, 60)).tolist(),
    }
    with_table(tmp_path, columns)
    assert leaks(tmp_path) == [
        {"column": "biopsy", "by": "value", "measure": "auroc", "value": 1.0},
        {"column": "therapy", "by": "presence", "measure": "auroc", "value": 1.0},
    ]


@pytest.mark.parametrize("demo", [cytology, gbsg2])
def test_tables_without_a_leak_are_not_accused(demo, tmp_path):
    demo.package(tmp_path)
    assert leaks(tmp_path) == []


@pytest.mark.skipif(_data.present(lies_leakage.NEED) is None, reason="scikit-survival is not installed")
def test_the_cause_of_death_in_flchain_is_caught(tmp_path):
    lies_leakage.package(tmp_path)
    (found,) = leaks(tmp_path)
    assert (found["column"], found["by"]) == ("chapter", "presence")
    assert found["value"] > 0.99
