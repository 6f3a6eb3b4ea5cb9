"""Scores two tables against each other from the command line or a notebook: one value a metric, each with its interval."""

from pathlib import Path

import numpy as np
import pandas as pd

from evaluators.metrics import METRICS
from evaluators.statistics import Estimate, estimate

KINDS = ("classification", "survival", "regression")
CASE, PATIENT = "case_id", "patient_id"
DEFAULT = {
    "survival": ("concordance_index", "concordance_index_ipcw", "cumulative_dynamic_auc", "integrated_brier_score"),
    "regression": ("mae", "rmse", "r2", "pearson", "lin_ccc"),
    "classification": (
        "auroc",
        "average_precision",
        "balanced_accuracy",
        "f1",
        "mcc",
        "brier",
        "ece",
        "calibration_slope",
    ),
}


class Unreadable(ValueError):
    """A table that cannot be scored, said in the words of the table."""


def table(path) -> pd.DataFrame:
    """A CSV or Parquet file, or a data frame as it is."""
    if isinstance(path, pd.DataFrame):
        return path
    path = Path(path)
    if not path.is_file():
        raise Unreadable(f"{path}: no such file")
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def score(kind: str, reference, prediction, metrics=None, resamples: int = 2000, seed: int = 0, **parameters):
    """{metric: Estimate} of a prediction table against a reference table, matched by `case_id` (or by order without it).

    reference: `label` (classes by name or number), or `time`, `event`, or `value`/`label` (regression); `patient_id` groups
    cases for the resamples. prediction: a column per class (or one score of the second class); `risk` and `t=<time>` survival
    columns; `value`. `parameters` go to every metric that has them. Raises Unreadable for tables that do not fit.
    """
    if kind not in KINDS:
        raise Unreadable(f"kind {kind!r}; one of {', '.join(KINDS)}")
    reference, prediction = matched(table(reference), table(prediction))
    groups = reference[PATIENT].to_numpy() if PATIENT in reference else None
    truth, answers = READERS[kind](reference, prediction)
    found = {}
    for name in metrics or [m for m in DEFAULT[kind] if answers.get(_need(METRICS[m])) is not None]:
        metric = METRICS[name]
        answer = answers.get(_need(metric))
        if answer is None:
            raise Unreadable(
                f"{name} needs {' or '.join(sorted(metric.needs))}, which the prediction table does not have"
            )
        own = {key: value for key, value in parameters.items() if key in metric.parameters and value is not None}
        found[name] = estimate(metric, truth, answer, groups, resamples=resamples, seed=seed, **own)
    return found


def _need(metric) -> str:
    return "curves" if "survival" in metric.needs else "answer"


def matched(reference: pd.DataFrame, prediction: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The prediction's rows in the order of the reference's."""
    if CASE not in reference or CASE not in prediction:
        if len(reference) != len(prediction):
            raise Unreadable(
                f"{len(prediction)} predictions for {len(reference)} cases, and no {CASE} to match them by"
            )
        return reference, prediction
    for name, frame in (("reference", reference), ("prediction", prediction)):
        doubled = frame[CASE][frame[CASE].duplicated()]
        if len(doubled):
            raise Unreadable(f"{name}: {CASE} {doubled.iloc[0]!r} is there twice")
    known = prediction.set_index(prediction[CASE].astype(str))
    wanted = reference[CASE].astype(str)
    missing = wanted[~wanted.isin(known.index)]
    if len(missing):
        raise Unreadable(f"prediction: {len(missing)} cases are missing, the first is {missing.iloc[0]!r}")
    return reference, known.loc[wanted].reset_index(drop=True)


def _column(frame: pd.DataFrame, name: str, what: str) -> np.ndarray:
    if name not in frame:
        raise Unreadable(f"{what}: no column {name!r}; it has {', '.join(map(str, frame.columns))}")
    return frame[name].to_numpy()


def _survival(reference, prediction):
    truth = {name: _column(reference, name, "reference").astype(float) for name in ("time", "event")}
    at = {float(str(c)[2:]): c for c in prediction.columns if str(c).startswith("t=")}
    curves = None
    if at:
        times = np.array(sorted(at))
        curves = {"times": times, "survival": prediction[[at[t] for t in times]].to_numpy(float)}
    if "risk" not in prediction and curves is None:
        raise Unreadable("prediction: no column 'risk' and no survival columns 't=<time>'")
    risk = prediction["risk"].to_numpy(float) if "risk" in prediction else curves
    return truth, {"answer": risk, "curves": curves}


def _regression(reference, prediction):
    name = "value" if "value" in reference else "label"
    return _column(reference, name, "reference").astype(float), {
        "answer": _column(prediction, "value", "prediction").astype(float)
    }


def _classification(reference, prediction):
    columns = [c for c in prediction.columns if c not in (CASE, PATIENT)]
    if "label" not in reference:  # multi-label: the reference has the prediction's columns
        return reference[columns].to_numpy(), {"answer": prediction[columns].to_numpy(float)}
    labels = reference["label"]
    scores = prediction[columns].to_numpy(float)
    if len(columns) == 1:
        classes = sorted(labels.unique(), key=str)
        if len(classes) > 2:
            raise Unreadable(f"prediction: one score column for {len(classes)} classes")
        positive = columns[0] if columns[0] in map(str, classes) else classes[-1]
        return (labels.astype(str) == str(positive)).to_numpy(int), {"answer": scores[:, 0]}
    index = {str(c): i for i, c in enumerate(columns)}
    unknown = sorted(set(labels.astype(str)) - set(index))
    if unknown:
        raise Unreadable(f"reference: label {unknown[0]!r} is no column of the prediction")
    return labels.astype(str).map(index).to_numpy(), {"answer": scores}


READERS = {"survival": _survival, "regression": _regression, "classification": _classification}


def rows(found: dict[str, Estimate]) -> list[tuple[str, ...]]:
    """The table as text: metric, value, interval, n, patients, how the interval was made or why there is none."""
    out = [("metric", "value", "95 % interval", "n", "patients", "interval by")]
    for name, e in found.items():
        interval = f"{e.low:.4f} to {e.high:.4f}" if e.low is not None else "-"
        out.append(
            (
                name,
                f"{e.value:.4f}",
                interval,
                str(e.n),
                str(e.patients),
                f"{e.method}; {e.warning}".strip("; ") or e.reason,
            )
        )
    return out
