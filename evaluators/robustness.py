"""Robustness: the same network on corrupted copies of public cases, and what becomes of its score.

Which cases are asked follows from slug, version and the inputs' form alone, and every draw from the case's number, so that
all entries of a benchmark version meet the very same pixels. Pure. `predict` runs where the network does and sees no label;
`judge` runs where the labels are and sees no network.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluators import corruptions, evaluate, inference, predictions, readers, runners, statistics
from evaluators.corruptions import ATTACK, CORRUPTIONS, one_pixel
from evaluators.corruptions.registry import IMAGE, SIGNAL, VOLUME
from evaluators.metrics import METRICS

MOST = {SIGNAL: 200, IMAGE: 200, VOLUME: 6}  # cases, each once per corruption and severity
ATTACKED = 16  # of them, by the one-pixel attack
CLEAN = "clean"


def plan(manifest: dict, public: Sequence[int], inputs: Sequence[Path]) -> tuple[list[int], list[str], int]:
    """(places of the cases that are asked, names of what is done to them, axes in space); no names where nothing suits.

    public: places of the public cases; inputs: one path per case, in case order.
    """
    if not public or not inputs:
        return [], [], 0
    spatial = readers.read_input(inputs[public[0]])[1].get("spatial", 0)
    wanted = manifest.get("robustness") or []
    names = [name for name in wanted if name in CORRUPTIONS and spatial in CORRUPTIONS[name].spaces]
    if ATTACK in wanted and spatial == IMAGE and manifest["kind"] == "classification" and not manifest["multilabel"]:
        names.append(ATTACK)
    draw = np.random.default_rng(_seed(manifest, "cases"))
    chosen = draw.permutation(np.asarray(public))[: MOST.get(spatial, 0)]
    return sorted(int(place) for place in chosen), names, spatial


def _seed(manifest: dict, what: str) -> int:
    return statistics.seed_of(manifest["slug"], manifest["version"], f"robustness {what}")


def predict(
    folder: Path,
    names: list[str],
    manifest: dict,
    public: Sequence[int],
    inputs: Sequence[Path],
    out: Path,
    *,
    threads: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """Answers to the chosen cases as they are and under each corruption and severity, in folders of `out`."""
    chosen, wanted, spatial = plan(manifest, public, inputs)
    if not wanted:
        return
    network = runners.open_network(folder, names, manifest, threads)
    batches = inference.Batches(network)
    cases = [readers.read_input(inputs[place]) for place in chosen]
    tasks = [(CLEAN, None, 0)] + [
        (f"{name}-{level}", CORRUPTIONS[name], level)
        for name in wanted
        if name != ATTACK
        for level in range(len(CORRUPTIONS[name].severities))
    ]
    for number, (name, one, level) in enumerate(tasks):
        (out / name).mkdir()
        seeds = [np.random.default_rng([_seed(manifest, name), place]) for place in chosen]
        copies = (
            (corruptions.apply(one, array, level, seed, spatial) if one else array, facts)
            for (array, facts), seed in zip(cases, seeds, strict=True)
        )
        inference.predict(network, batches, manifest, copies, out / name, measure=False)
        progress((number + 1) / (len(tasks) + 1))
    if ATTACK in wanted:
        (out / ATTACK).mkdir()
        attacked = [
            (one_pixel.attack(array, _asker(network, batches, manifest, facts), _seed(manifest, ATTACK) + place), facts)
            for (array, facts), place in list(zip(cases, chosen, strict=True))[:ATTACKED]
        ]
        inference.predict(network, batches, manifest, attacked, out / ATTACK, measure=False)
    progress(1.0)


def _asker(network, batches, manifest: dict, facts: dict):
    return lambda arrays: inference.rows(network, batches, manifest, [(array, facts) for array in arrays])


def judge(manifest: dict, cases, public: Sequence[int], package: Path, out: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """What `predict` left, scored: the facts of Run.robustness, and `robustness:<name>` (1 + severities,) for the details.

    Facts: n, metric, clean, corruptions [{name, version, scores, drops, flips}], attack {cases, flips}, mean_drop. A drop is
    relative to the clean score; None where it cannot be computed. Empty where nothing suits.
    """
    inputs = [package / name for name in cases.inputs or []]
    chosen, names, _ = plan(manifest, public, inputs)
    if not names:
        return {}, {}
    asked, metric = _take(cases, chosen), METRICS[manifest["metrics"]["primary"]]
    unsplit = manifest | {"split": None, "groups": []}
    clean = predictions.load(out / CLEAN, manifest["kind"], len(chosen))
    value = evaluate.value(unsplit, asked, clean, package)
    facts = {"n": len(chosen), "metric": metric.name, "clean": value, "corruptions": [], "attack": None}
    for name in names:
        if name == ATTACK:
            few = min(ATTACKED, len(chosen))
            answers = predictions.load(out / ATTACK, manifest["kind"], few)
            facts["attack"] = {
                "cases": few,
                "version": one_pixel.VERSION,
                "flips": _flips(manifest, clean[:few], answers),
            }
            continue
        one, row = CORRUPTIONS[name], {"scores": [], "drops": [], "flips": []}
        for level in range(len(one.severities)):
            answers = predictions.load(out / f"{name}-{level}", manifest["kind"], len(chosen))
            found = evaluate.value(unsplit, asked, answers, package)
            row["scores"].append(found)
            row["drops"].append(drop(metric, value, found))
            row["flips"].append(_flips(manifest, clean, answers))
        facts["corruptions"].append({"name": name, "version": one.version} | row)
    drops = [one for row in facts["corruptions"] for one in row["drops"] if one is not None]
    facts["mean_drop"] = float(np.mean(drops)) if drops else None
    details = {
        f"robustness:{row['name']}": np.array([np.nan if s is None else s for s in [value, *row["scores"]]])
        for row in facts["corruptions"]
    }
    return facts, details


def drop(metric, clean: float | None, found: float | None) -> float | None:
    """How much worse, as a share of the clean score: 0.1 is a tenth lost; below 0 it got better."""
    if clean is None or found is None or clean == 0 or metric.direction == "target":
        return None
    return (clean - found if metric.direction == "higher" else found - clean) / abs(clean)


def _flips(manifest: dict, clean, answers) -> float | None:
    """The share of cases whose most probable class is another one; of several labels, of decisions at one half."""
    if manifest["kind"] != "classification":
        return None
    if manifest["multilabel"]:
        return float(((clean >= 0.5) != (answers >= 0.5)).mean())
    return float((clean.argmax(axis=1) != answers.argmax(axis=1)).mean())


def _take(cases, chosen: list[int]):
    """Those cases alone."""
    reference = cases.reference
    if isinstance(reference, dict):
        reference = {name: np.asarray(values)[chosen] for name, values in reference.items()}
    elif isinstance(reference, list):
        reference = [reference[place] for place in chosen]
    else:
        reference = np.asarray(reference)[chosen]
    lesions = cases.lesions[chosen] if cases.lesions is not None else None
    return replace(
        cases, ids=[cases.ids[place] for place in chosen], patients=np.asarray(cases.patients)[chosen], split=None,
        groups={}, reference=reference, inputs=None, lesions=lesions,
    )  # fmt: skip
