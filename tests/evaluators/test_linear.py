"""Coefficients of linear, logistic and Cox models: what scikit-learn and lifelines predict from the same coefficients."""

import numpy as np
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi
from sklearn.linear_model import LinearRegression, LogisticRegression

from evaluators import inference, predictions
from evaluators.faults import Faults
from tests.evaluators.predicting import CLASSES, save_config

CASES = 12


def run(folder, table, manifest, out, **config):
    """Predictions of a linear model over the first rows of a table; no torch, so in this process."""
    (folder / "inputs").mkdir()
    out.mkdir()
    table.insert(0, "case_id", [f"c{n}" for n in range(len(table))])
    table.to_csv(folder / "inputs" / "table.csv", index=False)
    model = save_config(folder / "model", framework="linear", **config)
    inputs = [folder / "inputs" / f"table.csv#c{n}" for n in range(CASES)]
    inference.run(model, ["config.json"], manifest, inputs, out)
    return predictions.load(out, manifest["kind"], CASES)


def test_a_cox_model_gives_the_risks_and_curves_of_lifelines(tmp_path):
    data = load_rossi()
    cox = CoxPHFitter().fit(data, "week", "arrest")
    base = cox.baseline_survival_.iloc[:, 0]
    centred = -float(cox.params_ @ data[cox.params_.index].mean())  # lifelines' baseline is at the mean
    expected = cox.predict_survival_function(data[:CASES]).T.to_numpy()
    table = data.drop(columns=["week", "arrest"])[["prio", *cox.params_.index.drop("prio")]]  # in another order

    found = run(
        tmp_path, table, CLASSES | {"kind": "survival", "classes": []}, tmp_path / "out", link="cox",
        coefficients=dict(cox.params_), intercept=centred,
        baseline={"times": base.index.tolist(), "survival": base.tolist()},
    )  # fmt: skip

    assert found["risk"] == pytest.approx(cox.predict_log_partial_hazard(data[:CASES]).to_numpy(), abs=1e-5)
    assert np.array_equal(found["times"], base.index)
    assert found["survival"] == pytest.approx(expected, abs=1e-6)


def test_a_logistic_model_gives_the_probabilities_of_scikit_learn(tmp_path):
    data = load_rossi().drop(columns=["week"])
    x, y = data.drop(columns="arrest"), data["arrest"]
    mean, std = x.mean(), x.std()
    model = LogisticRegression().fit(((x - mean) / std).to_numpy(), y)
    expected = model.predict_proba(((x - mean) / std).to_numpy()[:CASES])

    found = run(
        tmp_path, x.copy(), CLASSES, tmp_path / "out", link="logit", intercept=float(model.intercept_[0]),
        coefficients=dict(zip(x.columns, model.coef_[0].tolist(), strict=True)),
        inputs={"mean": mean.tolist(), "std": std.tolist()},
    )  # fmt: skip

    assert found == pytest.approx(expected, abs=1e-6)


def test_several_classes_and_coefficients_in_the_order_of_the_columns(tmp_path):
    data = load_rossi()
    x, y = data[["age", "prio", "fin"]], np.digitize(data["week"], [20, 45])
    model = LogisticRegression(max_iter=2000).fit(x.to_numpy(), y)
    manifest = CLASSES | {"classes": ["early", "middle", "late"]}

    found = run(
        tmp_path, x.copy(), manifest, tmp_path / "out", link="softmax", coefficients=model.coef_.tolist(),
        intercept=model.intercept_.tolist(), inputs={"kind": "table"},
    )  # fmt: skip

    assert found == pytest.approx(model.predict_proba(x.to_numpy()[:CASES]), abs=1e-6)


def test_terms_are_made_of_columns(tmp_path):
    data = load_rossi()
    x = data[["age", "prio"]]
    terms = np.stack([np.log(x["age"]), x["prio"] ** 2, x["age"] * x["prio"], x["prio"] == 3], axis=1).astype(float)
    model = LinearRegression().fit(terms, data["week"])

    found = run(
        tmp_path, x.copy(), CLASSES | {"kind": "regression", "classes": []}, tmp_path / "out", link="identity",
        coefficients=dict(zip(["log(age)", "prio^2", "age*prio", "prio=3"], model.coef_.tolist(), strict=True)),
        intercept=float(model.intercept_),
    )  # fmt: skip

    assert found == pytest.approx(model.predict(terms[:CASES]), rel=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"link": "probit", "coefficients": {"age": 1}}, {"link": "logit"}, {"link": "logit", "coefficients": {"ag": 1}},
        {"link": "logit", "coefficients": {"age": "1"}}, {"link": "logit", "coefficients": [1, 2, 3, 4, 5]},
        {"link": "logit", "coefficients": {"age": 1}, "intercept": [1, 2]}, {"link": "cox", "coefficients": {"age": 1}},
        {"link": "softmax", "coefficients": {"no": {"age": 1}, "maybe": {"age": 1}}},
        {"link": "logit", "coefficients": {"age": float("inf")}},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(tmp_path, config):
    with pytest.raises(Faults):
        run(tmp_path, load_rossi()[["age", "prio"]], CLASSES, tmp_path / "out", **config)
