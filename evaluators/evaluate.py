"""Every score of one prediction, with intervals: a pure function of manifest, cases and plain arrays. No Django here.

Predictions are made once and shared by all metrics. All entries of one benchmark version are resampled on the same draws
of patients, whose seed comes from slug, version and subset, never from the submission or the labels.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from evaluators import behind, readers, safety, statistics
from evaluators.faults import Fault, Faults
from evaluators.metrics import METRICS, Metric
from evaluators.metrics.segmentation import case_scores

RESAMPLES = 2000
FEWEST_RESAMPLES = 100  # where no interval is wanted
FEWEST_EVENTS = 10  # in a group; below it its score says more of single cases than of the group
FEW_EVENTS = "fewer than 10 events: not shown"
REFUSED = "this metric is not defined for these cases"


@dataclass(frozen=True)
class ScoreRow:
    """One metric value on one subset; `value` None: could not be computed, see `reason`."""

    metric: str
    subset: str
    part: str
    value: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    patients: int
    method: str
    reason: str

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass
class Evaluation:
    """`details`: `resampled:<metric>:<subset>` (B,) and `per_case:<metric>:<part>` (n,), in case order; NaN = left out. Where
    a prediction is numbers with one row a case, also `prediction` (n,) or (n, k), of survival `prediction:risk` (n,),
    `prediction:survival` (n, t) and `prediction:times` (t,). Curves lie under `behind:<figure>:<column>:<part>`. `safety`: the verdict on each constraint and subset."""

    scores: list[ScoreRow] = field(default_factory=list)
    details: dict[str, np.ndarray] = field(default_factory=dict)
    safety: list[dict] = field(default_factory=list)


def score(
    manifest: dict,
    cases,
    prediction,
    *,
    root: Path | None = None,
    resamples: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Score a prediction (see predictions.py for its forms) against `cases` (see package.py).

    `root`: the package's folder, where kinds whose reference lies in files are read from. `resamples`: default the
    manifest's. `progress(share)`: 0 to 1. Raises Faults where the prediction does not fit a case's shape.
    """
    resamples = resamples or (manifest.get("resample") or {}).get("resamples") or RESAMPLES
    names = list(dict.fromkeys([manifest["metrics"]["primary"], *manifest["metrics"].get("also", [])]))
    progress = progress or (lambda share: None)
    judge = _judge(manifest, cases, prediction, names, root, lambda share: progress(0.6 * share))
    result, masks = Evaluation(details=_kept(manifest, prediction)), subsets(manifest, cases)
    for number, name in enumerate(names):
        for subset, chosen in masks.items():
            if subset not in ("all", "public", "private"):
                if number:
                    continue  # groups are for the primary metric
                if events(manifest, cases, chosen) < FEWEST_EVENTS:
                    result.scores.append(_refused(METRICS[name], subset, chosen, cases.patients, FEW_EVENTS))
                    continue
            seed = statistics.seed_of(manifest["slug"], manifest["version"], subset)
            judge.estimate(result, METRICS[name], subset, chosen, resamples, seed)
        progress(0.6 + 0.4 * (number + 1) / len(names))
    if manifest["kind"] == "classification":
        result.safety = [verdict.as_dict() for verdict in safety.judge(manifest, cases, prediction)]
    if judge.reference is not None:
        result.details |= behind.of(manifest, judge.reference, prediction, np.asarray(cases.patients))
    return result


def value(manifest: dict, cases, prediction, root: Path | None = None) -> float | None:
    """The primary metric on these cases, without an interval; None where it cannot be computed."""
    name, result = manifest["metrics"]["primary"], Evaluation()
    judge = _judge(manifest, cases, prediction, [name], root, lambda share: None)
    judge.estimate(result, METRICS[name], "all", np.ones(len(cases.ids), bool), FEWEST_RESAMPLES, 0)
    return next(row.value for row in result.scores if not row.part)


def _kept(manifest: dict, prediction) -> dict[str, np.ndarray]:
    """What comparisons and curves are made from later."""
    if manifest["kind"] in ("classification", "regression"):
        return {"prediction": np.asarray(prediction, np.float64)}
    if manifest["kind"] == "survival":
        return {f"prediction:{name}": np.asarray(array, np.float64) for name, array in prediction.items()}
    return {}


def events(manifest: dict, cases, chosen: np.ndarray) -> int:
    """How much there is to be right or wrong about in a group: the rarer of two classes, cases outside the commonest of
    several, deaths; where there are no such things, patients."""
    labels = cases.reference
    if manifest["kind"] == "survival":
        return int(np.asarray(labels["event"])[chosen].sum())
    if manifest["kind"] == "classification" and np.ndim(labels) == 1:
        count = np.bincount(labels[chosen], minlength=len(manifest["classes"]))
        return int(min(count) if len(count) == 2 else count.sum() - count.max())
    return len(np.unique(np.asarray(cases.patients)[chosen]))


def subsets(manifest: dict, cases) -> dict[str, np.ndarray]:
    """Cases of each subset as a mask: all, the split's shares, and each group of each column. Empty ones are left out."""
    n = len(cases.ids)
    found = {"all": np.ones(n, bool)}
    if cases.split is not None:
        found |= {share: np.asarray(cases.split) == share for share in ("public", "private")}
    for column in manifest.get("groups") or ():
        values = np.asarray(cases.groups[column])
        found |= {f"{column}={value}": values == value for value in sorted(set(values.tolist())) if str(value)}
    return {name: chosen for name, chosen in found.items() if chosen.any()}


def _judge(manifest, cases, prediction, names, root, progress):
    kind = manifest["kind"]
    if kind in ("segmentation", "restoration"):
        return _PerCase(manifest, cases, prediction, names, root, progress)
    if kind == "detection":
        return _Boxes(manifest, cases, prediction, root)
    return _Rows(manifest, cases, prediction)


class _Rows:
    """Kinds whose reference and prediction are arrays with one row per case."""

    def __init__(self, manifest: dict, cases, prediction):
        self.manifest, self.patients, self.reference = manifest, np.asarray(cases.patients), cases.reference
        self.prediction = prediction

    def estimate(self, result: Evaluation, metric: Metric, subset: str, chosen: np.ndarray, resamples: int, seed: int):
        try:
            answer = self.form(metric)
            estimate = statistics.estimate(
                metric,
                _take(self.reference, chosen),
                _take(answer, chosen),
                self.patients[chosen],
                resamples=resamples,
                seed=seed,
                **_parameters(self.manifest, metric),
            )
        except ValueError as error:
            print(f"{metric.name} on {subset}: {error}", file=sys.stderr)  # for the organiser's log
            result.scores.append(_refused(metric, subset, chosen, self.patients, REFUSED))
            return
        _add(result, metric, subset, "", estimate)

    def form(self, metric: Metric):
        """The prediction as this metric takes it. Raises ValueError where the file does not hold what it needs."""
        answer = self.prediction
        if isinstance(answer, dict):  # survival
            if "survival" in metric.needs and "risk" not in metric.needs:
                if "survival" not in answer:
                    raise ValueError("needs survival probabilities, the file has risks alone")
                return {"times": answer["times"], "survival": answer["survival"]}
            return answer["risk"] if "risk" in answer else -answer["survival"].mean(axis=1)
        binary = self.manifest["kind"] == "classification" and answer.shape[1:] == (2,) and np.ndim(self.reference) == 1
        return (
            answer[:, 1] if binary and not self.manifest.get("ordinal") else answer
        )  # the second class is the positive one


class _Boxes:
    """Detection: the mean over classes of a metric of lists of boxes, each class also as a part."""

    def __init__(self, manifest: dict, cases, prediction, root: Path | None):
        self.manifest, self.patients, self.prediction = manifest, np.asarray(cases.patients), prediction
        boxes = [readers.read_reference(manifest, root / "reference" / path) for path in cases.reference]
        self.reference = {name: [case[name] for case in boxes] for name in manifest["classes"]}

    def estimate(self, result: Evaluation, metric: Metric, subset: str, chosen: np.ndarray, resamples: int, seed: int):
        places, parts = np.flatnonzero(chosen), []
        for name in self.manifest["classes"]:
            estimate = statistics.estimate(
                metric,
                [self.reference[name][place] for place in places],
                [self.prediction[name][place] for place in places],
                self.patients[chosen],
                resamples=resamples,
                seed=seed,
                **_parameters(self.manifest, metric),
            )
            parts.append(estimate)
            if len(self.manifest["classes"]) > 1:
                _add(result, metric, subset, name, estimate)
        counted = [part for part in parts if not np.isnan(part.value)] or parts[:1]  # classes that have a lesion
        _add(result, metric, subset, "", counted[0] if len(counted) == 1 else statistics.mean_of(counted))


class _PerCase:
    """Segmentation and restoration: one value per case and label first, one volume at a time; then their means."""

    reference = None  # never all in memory

    def __init__(self, manifest, cases, prediction, names, root, progress):
        self.manifest, self.patients = manifest, np.asarray(cases.patients)
        named = manifest["label_values"] if manifest["kind"] == "segmentation" else {"": 0}
        self.parts, self.labels = list(named), list(named.values())
        self.values = {name: np.full((len(cases.ids), len(self.labels)), np.nan) for name in names}
        for index, case_id in enumerate(cases.ids):
            truth, meta = readers.read_reference(manifest, root / "reference" / cases.reference[index])
            answer = prediction[index]
            if answer.shape != truth.shape:
                shape = " x ".join(map(str, answer.shape))
                raise Faults([Fault(f"case {case_id}: the shape {shape} is not that of its input", file=str(case_id))])
            for name, row in self.case(names, truth, answer, meta.get("spacing")).items():
                self.values[name][index] = row
            progress((index + 1) / len(cases.ids))

    def case(self, names, truth, answer, spacing) -> dict[str, list[float]]:
        if self.manifest["kind"] == "segmentation":
            parameters = {name: _parameters(self.manifest, METRICS[name]) for name in names}
            numbered = bool(self.manifest.get("instances"))
            found = case_scores(names, truth, answer, self.labels, spacing, numbered=numbered, **parameters)
            return {name: [float(found[name][label]) for label in self.labels] for name in names}
        return {
            name: [
                float(
                    (METRICS[name].per_case or METRICS[name])(
                        truth, answer, **_parameters(self.manifest, METRICS[name])
                    )
                )
            ]
            for name in names
        }

    def estimate(self, result: Evaluation, metric: Metric, subset: str, chosen: np.ndarray, resamples: int, seed: int):
        values, patients = self.values[metric.name][chosen], self.patients[chosen]
        _add(
            result,
            metric,
            subset,
            "",
            statistics.estimate_cases(metric, values, patients, resamples=resamples, seed=seed),
        )
        if len(self.parts) > 1 and subset in ("all", "public", "private"):
            for column, part in enumerate(self.parts):
                one = statistics.estimate_cases(metric, values[:, [column]], patients, resamples=resamples, seed=seed)
                _add(result, metric, subset, part, one)
        if subset == "all":
            for column, part in enumerate(self.parts):
                result.details[f"per_case:{metric.name}:{part}"] = self.values[metric.name][:, column]


def _parameters(manifest: dict, metric: Metric) -> dict:
    return dict((manifest["metrics"].get("parameters") or {}).get(metric.name) or {})


def _take(values, chosen: np.ndarray):
    """The chosen rows of an array, or of every array of a mapping that has one row per case."""
    if isinstance(values, dict):
        return {
            name: array[chosen] if len(array) == len(chosen) and name != "times" else array
            for name, array in values.items()
        }
    return values[chosen]


def _add(result: Evaluation, metric: Metric, subset: str, part: str, estimate) -> None:
    result.scores.append(row(metric, subset, part, estimate))
    if estimate.resampled is not None and not part:
        result.details[f"resampled:{metric.name}:{subset}"] = np.asarray(estimate.resampled, np.float64)


def row(metric: Metric, subset: str, part: str, estimate) -> ScoreRow:
    """An Estimate as a score; its reason says why there is no interval, or what to be careful about with the one there is."""
    return ScoreRow(
        metric.name, subset, part, _number(estimate.value), _number(estimate.low), _number(estimate.high),
        _number(estimate.error), int(estimate.n), int(estimate.patients), estimate.method[:40],
        (estimate.reason or estimate.warning)[:300],
    )  # fmt: skip


def _refused(metric: Metric, subset: str, chosen: np.ndarray, patients: np.ndarray, reason: str) -> ScoreRow:
    n, people = int(chosen.sum()), len(np.unique(np.asarray(patients)[chosen]))
    return ScoreRow(metric.name, subset, "", None, None, None, None, n, people, "", reason)


def _number(value) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
