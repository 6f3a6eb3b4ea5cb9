"""What entries are measured against: predictors that look at nothing, and human readers. Pure; no Django.

Trivial predictors learn from the public cases alone where there is a split, so that they tell nothing of the private ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np

from evaluators import evaluate, layout, readers, readings, statistics
from evaluators.metrics import METRICS
from evaluators.readings import Reading, Readings
from evaluators.statistics.free_response import wafroc_interval, wafroc_jackknife

TRIVIAL, READER = "trivial", "reader"
RATED = ("auroc", "average_precision", "partial_auroc")  # what any rating of a binary benchmark gives
DECIDED = ("accuracy", "balanced_accuracy", "f1", "mcc", "sensitivity", "specificity", "ppv", "npv", "youden",
           "quadratic_weighted_kappa", "linear_weighted_kappa", "mae_of_grade", "forbidden_confusion_rate", "expected_cost")  # fmt: skip


@dataclass
class Yardstick:
    """One quiet row of a board. `scores` as evaluate.ScoreRow says them; of a reader also the operating points, and further
    areas that are no metric of the board, such as `wafroc`."""

    kind: str  # trivial | reader
    name: str
    arm: str = ""
    scores: list[dict] = field(default_factory=list)
    points: list[dict] = field(default_factory=list)  # {label, sensitivity, specificity, low/high of both, n}
    areas: dict = field(
        default_factory=dict
    )  # {"auroc" | "wafroc": {value, low, high, n}}; of the first reader also "arms"
    agreement: dict = field(default_factory=dict)  # with oneself: {measure, value, n}

    def as_dict(self) -> dict:
        return dict(vars(self))


def measure(manifest: dict, cases, root: Path) -> list[dict]:
    """Every yardstick of a package, from its folder: trivial predictors first, then readers by arm."""
    made = []
    for name, prediction in trivial(manifest, cases, root):
        result = evaluate.score(manifest, cases, prediction, root=root)
        headline = [
            row.as_dict() for row in result.scores if row.subset in ("all", "public", "private") and not row.part
        ]
        made.append(Yardstick(TRIVIAL, name, scores=headline))
    path = root / layout.READERS
    if path.is_file():
        made += _readers(manifest, cases, readings.read(manifest, cases, path))
    return [one.as_dict() for one in made]


def trivial(manifest: dict, cases, root: Path) -> Iterator[tuple[str, object]]:
    """(name, prediction) of the predictors that look at nothing, in the form of predictions.py."""
    yield from KINDS[manifest["kind"]](manifest, cases, root)


def _public(cases) -> np.ndarray:
    return np.ones(len(cases.ids), bool) if cases.split is None else np.asarray(cases.split) == "public"


def _random(manifest: dict) -> np.random.Generator:
    return np.random.default_rng(statistics.seed_of(manifest["slug"], manifest["version"], "random predictor"))


def _classification(manifest, cases, root):
    known, n, k = np.asarray(cases.reference)[_public(cases)], len(cases.ids), len(manifest["classes"])
    if known.ndim == 2:
        share = known.mean(axis=0)
        yield "majority", np.tile((share >= 0.5) * 1.0, (n, 1))
        yield "prevalence", np.tile(share, (n, 1))
        yield "random", _random(manifest).random((n, k))
        return
    share = np.bincount(known, minlength=k) / len(known)
    yield "majority", np.tile(np.eye(k)[share.argmax()], (n, 1))
    yield "prevalence", np.tile(share, (n, 1))
    yield "random", _random(manifest).dirichlet(np.ones(k), n)


def _regression(manifest, cases, root):
    known, n = np.asarray(cases.reference, float)[_public(cases)], len(cases.ids)
    yield "mean", np.full(n, known.mean())
    yield "median", np.full(n, np.median(known))
    yield "random", _random(manifest).choice(known, n)


def _survival(manifest, cases, root):
    public, n = _public(cases), len(cases.ids)
    time, event = (np.asarray(cases.reference[name], float)[public] for name in ("time", "event"))
    times = np.unique(time[event > 0])
    times = times[np.linspace(0, len(times) - 1, min(len(times), 100)).astype(int)] if len(times) else np.array([1.0])
    curve = np.array([np.prod([1 - ((time == t) & (event > 0)).sum() / (time >= t).sum()
                               for t in np.unique(time[(event > 0) & (time <= at)])]) for at in times])  # fmt: skip
    yield "prevalence", {"risk": np.zeros(n), "times": times, "survival": np.tile(curve, (n, 1))}
    random = _random(manifest).random(n)
    yield "random", {"risk": random, "times": times, "survival": curve[None, :] ** (0.5 + random[:, None])}


class _Lazy:
    """One array a case, made when it is asked for."""

    def __init__(self, n: int, make):
        self.n, self.make = n, make

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self.n:
            raise IndexError(index)
        return self.make(index)


def _reference(manifest, cases, root, index) -> np.ndarray:
    return readers.read_reference(manifest, root / layout.REFERENCE / cases.reference[index])[0]


def _segmentation(manifest, cases, root):
    yield "nothing", _Lazy(len(cases.ids), lambda index: np.zeros_like(_reference(manifest, cases, root, index)))


def _detection(manifest, cases, root):
    known = readers.read_reference(manifest, root / layout.REFERENCE / cases.reference[0])
    wide = next((np.asarray(boxes).shape[1] for boxes in known.values() if np.ndim(boxes) == 2), 4)
    yield "nothing", {name: [np.zeros((0, wide + 1)) for _ in cases.ids] for name in manifest["classes"]}


def _restoration(manifest, cases, root):
    """The input as it came, where it lies on the grid of its target."""
    if not cases.inputs or not all(cases.inputs):
        return
    first = readers.read_input(root / cases.inputs[0])[0]
    if first.shape == _reference(manifest, cases, root, 0).shape:
        yield "input", _Lazy(len(cases.ids), lambda index: readers.read_input(root / cases.inputs[index])[0])


KINDS = {
    "classification": _classification, "regression": _regression, "survival": _survival, "segmentation": _segmentation,
    "detection": _detection, "restoration": _restoration,
}  # fmt: skip


def _readers(manifest: dict, cases, found: Readings) -> list[Yardstick]:
    truth = readings.truth(manifest, cases.reference)
    made = []
    for one in found.readings:
        if one.repeat != 1:
            continue
        again = [
            other for other in found.readings if (other.reader, other.arm, other.repeat) == (one.reader, one.arm, 2)
        ]
        row = Yardstick(
            READER, one.reader, one.arm, agreement=_agreement(found.form, one, again, len(manifest["classes"]))
        )
        row.scores = list(_scores(manifest, cases, found.form, one))
        if found.form == "decisions":
            row.points = [_point(truth, _positive(manifest, one.values), "", np.isfinite(one.values))]
        else:
            row.points = _points(truth, one.values)
            row.areas = dict(_areas(manifest, cases, truth, one))
        made.append(row)
    if made and found.form != "decisions":
        made[0].areas["arms"] = list(_arms(cases, truth, found))
    return made


def _arms(cases, truth: np.ndarray, found: Readings) -> Iterator[dict]:
    """Each two arms compared in the readers who read both, on the cases that all of them read (Obuchowski-Rockette-Hillis):
    {arms, area, readers, n, means, effect, low, high, p, degrees_of_freedom}; the effect is the second arm minus the first."""
    for first, second in combinations(found.arms, 2):
        both = [{one.reader: one for one in found.of(arm)} for arm in (first, second)]
        names = sorted(set(both[0]) & set(both[1]))
        values = np.array([[ranked(arm[name].values) for name in names] for arm in both]) if len(names) > 1 else None
        read = ~np.isnan(values).any(axis=(0, 1)) if values is not None else np.zeros(0, bool)
        if min(truth[read].sum(), (1 - truth[read]).sum()) < 2 if read.size else True:
            continue
        area, left_out = statistics.jackknife(truth[read], values[:, :, read].reshape(-1, int(read.sum())))
        measured = {"auroc": (area, left_out)}
        if found.form == "marks":
            each = [wafroc_jackknife(cases.lesions, m.case, m.rating, m.lesion)
                    for m in (arm[name].marks for arm in both for name in names)]  # fmt: skip
            measured["wafroc"] = tuple(np.array(part) for part in zip(*each, strict=True))
        for name, (area, left_out) in measured.items():
            study = statistics.arm_study(area.reshape(2, -1), left_out.reshape(2, len(names), -1))
            facts = {key: getattr(study, key) for key in ("effect", "low", "high", "p", "degrees_of_freedom")}
            facts = {key: float(value) if np.isfinite(value) else None for key, value in facts.items()}
            yield {"arms": [first, second], "area": name, "readers": len(names), "n": left_out.shape[-1],
                   "means": [study.first, study.second]} | facts  # fmt: skip


def _positive(manifest: dict, decisions: np.ndarray) -> np.ndarray:
    return readings.truth(manifest, np.where(np.isfinite(decisions), decisions, -1).astype(int)) > 0


def ranked(values: np.ndarray) -> np.ndarray:
    """Ratings with those of unmarked cases moved just below the lowest: ranks stay what they are."""
    finite = values[np.isfinite(values)]
    return np.where(np.isneginf(values), (finite.min() if finite.size else 0.0) - 1, values)


def _scores(manifest: dict, cases, form: str, one: Reading) -> Iterator[dict]:
    """The board's own metrics, where a reading gives them."""
    names = [manifest["metrics"]["primary"], *manifest["metrics"].get("also", [])]
    k = len(manifest["classes"])
    binary = k == 2 and manifest["readers"]["positive"] in ([], manifest["classes"][1:])
    read = ~np.isnan(one.values)
    if form == "decisions":
        names, answer = (
            [name for name in names if name in DECIDED],
            np.eye(k)[np.where(read, one.values, 0).astype(int)],
        )
    else:
        names, answer = [name for name in names if name in RATED and binary], ranked(one.values)
    parameters = manifest["metrics"].get("parameters") or {}
    for subset, chosen in evaluate.subsets(manifest, cases).items():
        rows = chosen & read
        if subset not in ("all", "public", "private") or not rows.any():
            continue
        seed = statistics.seed_of(manifest["slug"], manifest["version"], subset)
        for name in names:
            try:
                made = statistics.estimate(
                    METRICS[name], cases.reference[rows], answer[rows][:, 1] if form == "decisions" and k == 2 else answer[rows],
                    cases.patients[rows], resamples=_resamples(manifest), seed=seed, **parameters.get(name, {}),
                )  # fmt: skip
            except ValueError:
                continue
            yield evaluate.row(METRICS[name], subset, "", made).as_dict()


def _resamples(manifest: dict) -> int:
    return (manifest.get("resample") or {}).get("resamples") or evaluate.RESAMPLES


def _areas(manifest: dict, cases, truth: np.ndarray, one: Reading) -> Iterator[tuple[str, dict]]:
    """Areas under the ROC (of marks: the inferred one) and, of marks, the weighted alternative FROC curve."""
    read, seed = ~np.isnan(one.values), statistics.seed_of(manifest["slug"], manifest["version"], "all")
    if 0 < truth[read].sum() < read.sum():
        made = statistics.estimate("auroc", truth[read], ranked(one.values)[read], cases.patients[read],
                                   resamples=_resamples(manifest), seed=seed)  # fmt: skip
        yield "auroc", {"value": made.value, "low": made.low, "high": made.high, "n": made.n}
    if one.marks is not None and 0 < truth.sum() < truth.size:
        marks = (one.marks.case, one.marks.rating, one.marks.lesion)
        value, low, high, _ = wafroc_interval(cases.lesions, marks, cases.patients, _resamples(manifest), seed)
        yield "wafroc", {"value": value, "low": low, "high": high, "n": len(truth)}


def _points(truth: np.ndarray, values: np.ndarray) -> list[dict]:
    """Sensitivity and specificity at each rating taken as the threshold; at most 20 of them."""
    levels = np.unique(values[np.isfinite(values)])
    levels = (
        levels[np.unique(np.linspace(0, len(levels) - 1, min(len(levels), 20)).astype(int))] if len(levels) else levels
    )
    return [_point(truth, values >= level, f"{level:g}", ~np.isnan(values)) for level in levels]


def _point(truth, called, label: str, read) -> dict:
    ill, well = read & (truth > 0), read & (truth == 0)
    found = {"label": label, "n": int(read.sum())}
    for name, hits, trials in (("sensitivity", called & ill, ill), ("specificity", ~called & well, well)):
        count, of = int(hits.sum()), int(trials.sum())
        low, high = statistics.wilson(count, of) if of else (None, None)
        found |= {name: count / of if of else None, f"{name}_low": low, f"{name}_high": high}
    return found


def _agreement(form: str, one: Reading, again: list[Reading], classes: int) -> dict:
    """How a reader agrees with their own second reading: kappa of decisions, intraclass correlation of ratings."""
    if not again:
        return {}
    first, second = ranked(one.values), ranked(again[0].values)
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 2:
        return {}
    if form == "decisions":
        value = statistics.cohen_kappa(first[both].astype(int), second[both].astype(int), classes=classes)
    else:
        value = statistics.intraclass(np.stack([first[both], second[both]], axis=1))
    value = float(value)
    measure_of = "kappa" if form == "decisions" else "icc"
    return {"measure": measure_of, "value": value if np.isfinite(value) else None, "n": int(both.sum())}
