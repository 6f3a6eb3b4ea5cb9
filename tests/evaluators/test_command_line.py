"""`python -m evaluators`: two tables in, a table with intervals out, and faults in the words of the tables."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from evaluators.__main__ import main
from evaluators.scoring import score


@pytest.fixture
def tables(tmp_path):
    rng = np.random.default_rng(0)
    n = 120
    risk = rng.normal(size=n)
    time = rng.exponential(np.exp(-risk))
    cases = [f"c{i:03}" for i in range(n)]
    reference = pd.DataFrame({"case_id": cases, "time": time.round(4), "event": (rng.random(n) < 0.7).astype(int)})
    prediction = pd.DataFrame({"case_id": cases, "risk": risk}).sample(frac=1, random_state=1)
    reference.to_csv(tmp_path / "r.csv", index=False)
    prediction.to_csv(tmp_path / "p.csv", index=False)
    return tmp_path


def test_survival_is_scored_from_two_tables(tables, capsys):
    arguments = [
        "score",
        "--kind",
        "survival",
        "--reference",
        str(tables / "r.csv"),
        "--prediction",
        str(tables / "p.csv"),
    ]
    assert main([*arguments, "--tau", "1.5"]) == 0
    text = capsys.readouterr().out
    assert "concordance_index" in text
    assert " to " in text
    assert main([*arguments, "--json", "--metric", "concordance_index"]) == 0
    found = json.loads(capsys.readouterr().out)["concordance_index"]
    assert found["low"] < found["value"] < found["high"]
    assert found["n"] == 120


def test_a_missing_case_and_an_unknown_metric_are_named(tables, capsys):
    frame = pd.read_csv(tables / "p.csv")
    frame[frame.case_id != "c007"].to_csv(tables / "short.csv", index=False)
    arguments = ["score", "--kind", "survival", "--reference", str(tables / "r.csv"), "--prediction"]
    assert main([*arguments, str(tables / "short.csv")]) == 2
    assert "c007" in capsys.readouterr().err
    assert main([*arguments, str(tables / "p.csv"), "--metric", "concordence_index"]) == 2
    assert "did you mean concordance_index" in capsys.readouterr().err


def test_it_runs_without_django(tables):
    program = (
        "import sys; from evaluators.__main__ import main; "
        f"main(['score', '--kind', 'survival', '--reference', r'{tables / 'r.csv'}', '--prediction', r'{tables / 'p.csv'}', "
        "'--resamples', '64', '--metric', 'concordance_index']); sys.exit('django' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_classes_by_name_and_data_frames():
    rng = np.random.default_rng(0)
    labels = rng.choice(["benign", "malignant"], 60)
    chance = np.clip((labels == "malignant") * 0.4 + rng.random(60) * 0.6, 0, 1)
    reference = pd.DataFrame({"label": labels, "patient_id": np.arange(60) // 2})
    both = pd.DataFrame({"benign": 1 - chance, "malignant": chance})
    one = score("classification", reference, both, ["auroc"], resamples=100)["auroc"]
    two = score("classification", reference, both[["malignant"]], ["auroc"], resamples=100)["auroc"]
    assert one.value == two.value > 0.8
    assert one.patients == 30
