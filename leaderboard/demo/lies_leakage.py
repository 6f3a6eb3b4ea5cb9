"""Leakage: FLCHAIN, whose column `chapter` is the cause of death and therefore filled in for the dead alone.

The data comes with scikit-survival (GPL-3), which is no part of the service: where it is not installed, this board is left out.
"""

from functools import cache
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _data, _lessons, _writing

NEED = "sksurv/datasets/data/flchain.arff"
HELD_OUT = 0.25
CLEAN = ["age", "female", "kappa", "lambda", "creatinine"]
COLUMNS = [*CLEAN, "chapter"]
MANIFEST = {
    **_lessons.COMMON,
    "slug": "lies-leakage",
    "title": "Leakage: a column that is filled in for the dead alone",
    "description": "How long will a person live, judged from free light chains in the blood? One column of the published table, chapter, is "
    "the chapter of the cause of death: it is empty for the living. A model that uses it looks prophetic. The check that runs when "
    "a package is loaded names the column.",
    "kind": "survival",
    "time_unit": "days",
    "metrics": {
        "primary": "concordance_index",
        "also": [],
        "why": {
            "concordance_index": "How often who died first was given the higher risk. Near 1 without a clinical reason: look for a leak."
        },
    },
    "source": {
        "name": "FLCHAIN, serum free light chain and mortality, as scikit-survival ships it",
        "licence": "GPL-3 (of the package that it is read from)",
        "citation": "Dispenzieri A. et al. Use of nonclonal serum immunoglobulin free light chains to predict overall survival in the general "
        "population. Mayo Clinic Proceedings 87:517-523 (2012).",
        "url": "https://scikit-survival.readthedocs.io/",
    },
    "traps": [
        "Made to mislead, for the page on how a benchmark lies: the column chapter tells who died.",
        "Empty creatinine is filled in with the training median by the models.",
    ],
}


@cache
def people():
    """(n, columns) float with NaN where a field is empty, time in days above 0, and event."""
    import io

    from scipy.io import arff

    lines = (
        _data.find(NEED).read_text().replace("External Causes", "External_Causes").replace("Ill Defined", "Ill_Defined")
    )
    table, _ = arff.loadarff(io.StringIO(lines.replace("Injury and Poisoning", "Injury_and_Poisoning")))
    chapters = sorted({row["chapter"] for row in table} - {b"?"})
    place = {name: number for number, name in enumerate(chapters, 1)}
    rows = np.array(
        [
            [
                row["age"], float(row["sex"] == b"F"), row["kappa"], row["lambda"], row["creatinine"],
                place.get(row["chapter"], np.nan),
            ]
            for row in table
        ],
        float,
    )  # fmt: skip
    return rows, np.maximum(table["futime"], 0.5), (table["death"] == b"dead").astype(int)


@cache
def split() -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(people()[1]))
    cut = round(HELD_OUT * len(order))
    return np.sort(order[cut:]), np.sort(order[:cut])


def case_id(row: int) -> str:
    return f"f{row:05d}"


def held_out() -> tuple[set, set]:
    return tuple({case_id(row) for row in part} for part in split())


def package(folder: Path) -> None:
    rows, time, event = people()
    test = split()[1]
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    table = ([case_id(row), *("" if np.isnan(value) else float(value) for value in rows[row])] for row in test)
    _writing.table(folder / "inputs" / "people.csv", ["case_id", *COLUMNS], table)
    cases = (
        {
            "case_id": case_id(row),
            "patient_id": case_id(row),
            "time": float(time[row]),
            "event": int(event[row]),
            "input": f"inputs/people.csv#{case_id(row)}",
        }
        for row in test
    )
    _writing.package(folder, MANIFEST, cases)


def cox(columns: list[str]):
    """A Cox model of these columns; of chapter it takes whether it is filled in."""

    def make(folder: Path) -> Path:
        import pandas
        from lifelines import CoxPHFitter

        rows, time, event = people()
        train, test = split()
        frame = pandas.DataFrame(rows, columns=COLUMNS)[columns]
        if "chapter" in frame:
            frame["chapter"] = frame["chapter"].notna().astype(float)
        frame = frame.fillna(frame.iloc[train].median())
        model = CoxPHFitter(penalizer=0.1).fit(
            frame.iloc[train].assign(time=time[train], event=event[train]), "time", "event"
        )
        risk = model.predict_log_partial_hazard(frame.iloc[test])
        return _writing.table(
            folder / "risk.csv",
            ["case_id", "risk"],
            ([case_id(row), value] for row, value in zip(test, risk, strict=True)),
        )

    return make


def entries() -> list[Baseline]:
    return [
        Baseline(
            "Cox model with the leaking column",
            "predictions",
            cox(COLUMNS),
            "Five measures and whether chapter is filled in.",
        ),
        Baseline("Cox model without it", "predictions", cox(CLEAN), "Age, sex, kappa, lambda and creatinine."),
        Baseline("Age alone", "predictions", cox(["age"]), "What is known without a blood test."),
    ]


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=held_out,
    needs=(NEED,),
    seconds=15,
    modules=("_lessons",),
)
