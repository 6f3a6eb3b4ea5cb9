"""Safety constraints: errors that are not acceptable, whatever the average says. Read from benchmark.yaml, and judged.

A constraint is *broken* if the point estimate violates it, *holds* if the one-sided 95 % bound satisfies it, and else is
*not shown*: too few cases were at risk to say. Pure; no Django.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from evaluators import fields, statistics
from evaluators.fields import Fields, known
from evaluators.places import Place

KINDS = ("never", "sensitivity", "specificity", "cost")
EXAMPLES = (
    "Write {never: {truth: [...], predicted: [...]}, at_most: 0}, {sensitivity: {positive: [...]}, at_least: 0.9}, or"
    " {cost: {matrix: [[0, 1], [5, 0]]}, at_most: 0.4}."
)
BROKEN, HOLDS, NOT_SHOWN = "broken", "holds", "not shown"
LEVEL = 0.95  # one-sided
SUBSETS = ("all", "public", "private")


@dataclass(frozen=True)
class Verdict:
    """One constraint of one answer on one subset. For `never` events are confusions, for a rate they are hits, of `trials`
    cases at risk; for a cost there are none. `bound`: the one-sided 95 % limit on the side that matters."""

    rule: int  # its place in the manifest's list
    subset: str
    verdict: str
    value: float | None  # a share, or the mean cost
    bound: float | None
    events: int | None
    trials: int

    def as_dict(self) -> dict:
        return asdict(self)


def read(top: Fields, manifest: dict) -> list[dict]:
    """The constraints of a manifest, normalised; faults are added.

    `{never: {truth, predicted}, at_most: count, or share below 1}`, `{sensitivity: {positive, threshold}, at_least: share}`,
    likewise specificity, `{cost: {matrix}, at_most: mean cost}`.
    """
    place, found, rules = top.take("safety"), top.found, []
    if place is None:
        return rules
    if not isinstance(place.value, list):
        found.add("safety must be a list", "Begin each constraint with a dash.", **place.at)
        return rules
    if manifest["kind"] and (manifest["kind"] != "classification" or manifest["multilabel"]):
        message = "safety constraints are for classification with one label a case"
        found.add(message, "Remove them.", **place.at)
        return rules
    for item in place.value:
        rule = Fields(item, found, "safety")
        kind = next((name for name in KINDS if name in rule.places), "")
        if not kind:
            found.add("a safety constraint says neither never, sensitivity, specificity nor cost", EXAMPLES, **item.at)
            continue
        inner = Fields(rule.take(kind), found, f"safety.{kind}")
        body = _matrix(inner, manifest) if kind == "cost" else _classes(inner, kind, manifest["classes"])
        threshold = inner.number("threshold", low=0, high=1) if kind in ("sensitivity", "specificity") else None
        inner.done()
        bound = "at_least" if kind in ("sensitivity", "specificity") else "at_most"
        if bound not in rule.places:
            found.add(
                f"the constraint has no {bound}", f"Write {bound}: {0.9 if bound == 'at_least' else 0}.", **item.at
            )
        value = rule.number(bound, low=0, high=1 if bound == "at_least" else 1e9)
        rule.done()
        rules.append({kind: body | ({"threshold": threshold} if threshold is not None else {}), bound: value})
    return rules


def _classes(inner: Fields, kind: str, classes: list[str]) -> dict:
    found = {}
    for key in ("truth", "predicted") if kind == "never" else ("positive",):
        there = inner.required(key, f"Write {key}: [one of the classes].") is not None
        named = known(inner.names(key), classes, inner.full(key), inner.found) if there else []
        found[key] = [item.raw for item in named]
    return found


def _matrix(inner: Fields, manifest: dict) -> dict:
    place, k = inner.required("matrix", "Write matrix: [[0, 1], [5, 0]]; a row for each true class."), None
    rows = _numbers(place)
    if place is not None:
        k = len(manifest["classes"])
        if len(rows) != k or any(len(row) != k or None in row for row in rows):
            message = f"safety.cost.matrix must be {k} rows of {k} numbers"
            inner.found.add(
                message, "Row: the true class; column: the decided one; in the order of classes.", **place.at
            )
            rows = []
    return {"matrix": rows}


def _numbers(place: Place | None) -> list[list]:
    if place is None or not isinstance(place.value, list):
        return []
    return [
        [fields.number(item) for item in row.value] if isinstance(row.value, list) else [None] for row in place.value
    ]


def judge(manifest: dict, cases, prediction) -> list[Verdict]:
    """The verdict on every constraint and subset, from probabilities (n, k) of a classification."""
    rules = manifest.get("safety") or []
    if not rules or manifest["kind"] != "classification" or np.ndim(cases.reference) != 1:
        return []
    probability = np.asarray(prediction, float)
    truth, patients = np.asarray(cases.reference), np.asarray(cases.patients)
    found = []
    for subset, chosen in _subsets(cases):
        seed = statistics.seed_of(manifest["slug"], manifest["version"], f"safety {subset}")
        for number, rule in enumerate(rules):
            made = _judge(rule, manifest["classes"], truth[chosen], probability[chosen], patients[chosen], seed)
            found.append(Verdict(number, subset, *made))
    return found


def _subsets(cases) -> Iterator[tuple[str, np.ndarray]]:
    yield "all", np.ones(len(cases.ids), bool)
    if cases.split is not None:
        for share in ("public", "private"):
            yield share, np.asarray(cases.split) == share


def _judge(rule: dict, classes: list[str], truth, probability, patients, seed):
    """(verdict, value, bound, events, trials) of one constraint."""
    kind = next(name for name in KINDS if name in rule)
    body = rule[kind]
    if kind == "cost":
        return _cost(np.asarray(body["matrix"], float), rule["at_most"], truth, probability, patients, seed)
    numbers = {name: [classes.index(item) for item in body[name]] for name in body if name != "threshold"}
    if kind == "never":
        at_risk = np.isin(truth, numbers["truth"])
        events = at_risk & np.isin(decided(probability), numbers["predicted"])
    else:
        called = positive(probability, numbers["positive"], body.get("threshold"))
        at_risk = np.isin(truth, numbers["positive"]) == (kind == "sensitivity")
        events = at_risk & (called if kind == "sensitivity" else ~called)
    trials, count = int(at_risk.sum()), int(events.sum())
    if not trials:
        return NOT_SHOWN, None, None, 0, 0
    effective = len(np.unique(patients[at_risk])) / trials  # cases of one patient are not independent
    if kind == "never":
        limit = rule["at_most"] if 0 < rule["at_most"] < 1 else rule["at_most"] / trials
        bound = upper(count * effective, trials * effective)
        verdict = BROKEN if count / trials > limit + 1e-12 else HOLDS if bound <= limit else NOT_SHOWN
    else:
        bound = 1 - upper((trials - count) * effective, trials * effective)
        short = count / trials < rule["at_least"] - 1e-12
        verdict = BROKEN if short else HOLDS if bound >= rule["at_least"] else NOT_SHOWN
    return verdict, count / trials, bound, count, trials


def _cost(matrix, at_most, truth, probability, patients, seed):
    costs = matrix[truth, decided(probability)]
    made = statistics.estimate_cases("expected_cost", costs, patients, seed=seed, level=2 * LEVEL - 1)
    value, bound = float(costs.mean()), None if made.high is None else float(made.high)
    if costs.min() == costs.max():  # nothing varies, so nothing can be said of what was not seen
        bound = None
    verdict = BROKEN if value > at_most + 1e-12 else HOLDS if bound is not None and bound <= at_most else NOT_SHOWN
    return verdict, value, bound, None, len(costs)


def upper(events: float, trials: float) -> float:
    """One-sided 95 % upper limit of a share (Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404).

    >>> round(upper(0, 10), 3)
    0.259
    """
    return 1.0 if events >= trials else float(stats.beta.ppf(LEVEL, events + 1, trials - events))


def decided(probability: np.ndarray) -> np.ndarray:
    """The most probable class of each case (n,); of two classes the second from 0.5 on."""
    return (probability[:, 1] >= 0.5).astype(int) if probability.shape[1] == 2 else probability.argmax(axis=1)


def positive(probability: np.ndarray, classes: list[int], threshold: float | None = None) -> np.ndarray:
    """Which cases are called positive: the most probable class is, or the classes together reach the threshold."""
    if threshold is None:
        return np.isin(decided(probability), classes)
    return probability[:, classes].sum(axis=1) >= threshold - 1e-12
