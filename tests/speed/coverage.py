"""`make coverage`: how often 95 % intervals hold the truth, by simulation, and what ranks promise; writes docs/coverage.md and .json.

A cell is a metric at one size, prevalence, quality and number of rows a patient; its truth comes from a very large draw of the
same world. `--method` tries another interval, `--draws` below 1,000 a quick look; neither writes the tables. `--metric`
and `--ranks` measure a part again.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from scipy.special import expit, ndtri

from evaluators.metrics import METRICS
from evaluators.statistics import choice, max_t, power, smallest_resolvable_difference
from evaluators.statistics.draws import Draws, patients_of
from evaluators.statistics.estimates import (
    PATIENTS,
    RARER,
    SEEN,
    TAILED,
    UNDEFINED_SHARE,
    estimate_cases,
    plan_of,
    size,
)

DOCS = Path(__file__).parents[2] / "docs"
SIZES, PREVALENCES, QUALITIES, ROWS = (30, 100, 500, 2000), (0.5, 0.05), (0.5, 0.8, 0.97), (1, 4)
LARGE, RESAMPLES = 400_000, 1000
WANTED = (0.93, 0.98)


def _patients(rng, n, rows):
    """A latent value a row, half of it shared within a patient."""
    if rows == 1:
        return rng.normal(size=n), None
    shared = np.repeat(rng.normal(size=n // rows), rows)
    return np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=shared.size), np.repeat(np.arange(n // rows), rows)


def _binary(rng, n, prevalence, quality, rows):
    noise, groups = _patients(rng, n, rows)
    truth = np.repeat((rng.random(noise.size // rows) < prevalence).astype(int), rows)
    distance = np.sqrt(2) * ndtri(quality)
    return truth, noise + distance * truth, distance, groups


def scores(rng, n, prevalence, quality, rows):
    truth, score, _, groups = _binary(rng, n, prevalence, quality, rows)
    return truth, score, groups


def decided(rng, n, prevalence, quality, rows):
    """Scores whose threshold 0.5 lies midway between the classes, whatever the prevalence."""
    truth, score, distance, groups = _binary(rng, n, prevalence, quality, rows)
    return truth, expit(2 * (score - distance / 2)), groups


def probabilities(rng, n, prevalence, quality, rows):
    """Somewhat overconfident probabilities."""
    truth, score, distance, groups = _binary(rng, n, prevalence, max(quality, 0.55), rows)
    log_odds = np.log(prevalence / (1 - prevalence)) + distance * (score - distance / 2)
    return truth, expit(1.3 * log_odds), groups


def graded(rng, n, prevalence, quality, rows):
    shares = [0.2] * 5 if prevalence == 0.5 else [0.6, 0.15, 0.1, 0.1, 0.05]
    groups = np.repeat(np.arange(n // rows), rows) if rows > 1 else None
    truth = np.repeat(rng.choice(5, n // rows, p=shares), rows)
    if quality == 0.5:
        return truth, rng.choice(5, truth.size, p=shares), groups
    wrong = {0.8: 0.5, 0.97: 0.15}[quality]
    step = rng.choice([-1, 0, 1], truth.size, p=[wrong / 2, 1 - wrong, wrong / 2])
    return truth, np.clip(truth + step, 0, 4), groups


def survival(rng, n, prevalence, quality, rows):
    """`prevalence` 0.05 is heavy censoring here: about one event in ten."""
    risk, groups = _patients(rng, n, rows)
    strength = {0.5: 0.0, 0.8: 1.9, 0.97: 12.0}[quality]
    event = rng.exponential(size=risk.size) ** (1 / max(strength, 1)) * np.exp(-risk * min(strength, 1))
    censored = rng.exponential(size=risk.size) * (1.5 if prevalence == 0.5 else 0.15)
    return {"time": np.minimum(event, censored), "event": event <= censored}, risk, groups


def numbers(rng, n, prevalence, quality, rows):
    truth, groups = _patients(rng, n, rows)
    noise = rng.standard_t(5, truth.size) if prevalence == 0.5 else rng.exponential(size=truth.size) - 1
    return truth, 0.9 * truth + noise * {0.5: 1.5, 0.8: 0.7, 0.97: 0.2}[quality], groups


def overlaps(rng, n, prevalence, quality, rows):
    """Overlap of each case, one in forty missed whole; at a `prevalence` of 0.05 the cases differ more."""
    noise, groups = _patients(rng, n, rows)
    middle = {0.5: 0.0, 0.8: 1.4, 0.97: 2.5}[quality]
    overlap = expit(middle + noise * (0.5 if prevalence == 0.5 else 1.2))
    return np.where(rng.random(overlap.size) < 0.025, 0.0, overlap), None, groups


def distances(rng, n, prevalence, quality, rows):
    noise, groups = _patients(rng, n, rows)
    return np.exp({0.5: 3.0, 0.8: 2.0, 0.97: 1.0}[quality] + noise * (0.5 if prevalence == 0.5 else 0.9)), None, groups


TAU = 0.5  # of Uno's C, in the time of `survival`
WORLDS = {
    scores: ["auroc", "average_precision", "partial_auroc", "sensitivity_at_specificity", "specificity_at_sensitivity"],
    decided: [
        "balanced_accuracy",
        "f1",
        "mcc",
        "sensitivity",
        "specificity",
        "ppv",
        "npv",
        "youden",
        "accuracy",
        "net_benefit",
    ],
    probabilities: ["brier", "log_loss", "ece", "calibration_slope", "calibration_intercept"],
    graded: ["quadratic_weighted_kappa", "linear_weighted_kappa", "mae_of_grade"],
    survival: ["concordance_index", "concordance_index_ipcw"],
    numbers: ["mae", "rmse", "r2", "pearson", "spearman", "lin_ccc", "icc", "bland_altman"],
    overlaps: ["dice"],
    distances: ["hd95"],
}
WORLD_OF = {name: world for world, names in WORLDS.items() for name in names}
FIXED = {"concordance_index_ipcw": {"tau": TAU}}


def cells():
    return [(n, p, q, r) for n in SIZES for p in PREVALENCES for q in QUALITIES for r in ROWS if n // r >= PATIENTS]


def allowed(name: str, cell) -> bool:
    """Whether n allows an interval there: enough of the rarer class and enough patients, as the board warns otherwise."""
    n, prevalence, _, rows = cell
    rarer = n // rows if WORLD_OF[name] in (numbers, graded, overlaps, distances) else n * prevalence / rows
    return rarer >= RARER and n // rows >= (TAILED if METRICS[name].interval == "tailed" else PATIENTS)


def truth_of(name: str, cell) -> float:
    _, prevalence, quality, rows = cell
    if name == "auroc":
        return quality
    rng = np.random.default_rng(12345)
    values = []
    for _ in range(4):
        reference, prediction, _ = WORLD_OF[name](rng, LARGE, prevalence, quality, rows)
        per_case = prediction is None
        values.append(reference.mean() if per_case else METRICS[name](reference, prediction, **FIXED.get(name, {})))
    return float(np.mean(values))


def cell_coverage(name: str, cell, draws: int, method: str | None = None) -> dict:
    """Share of intervals that hold the truth, that lie above and below it, of those that there are."""
    metric, world, fixed = METRICS[name], WORLD_OF[name], FIXED.get(name, {})
    truth, rng = truth_of(name, cell), np.random.default_rng([int(x * 1000) for x in cell])
    held = above = below = none = 0
    width = 0.0
    for draw in range(draws):
        reference, prediction, groups = world(rng, *cell)
        low, high = _interval(metric, reference, prediction, groups, fixed, draw, method)
        if low is None:
            none += 1
            continue
        held, above, below = held + (low <= truth <= high), above + (low > truth), below + (high < truth)
        width += high - low
    made = draws - none
    share = (lambda x: round(x / made, 4)) if made else (lambda x: None)
    facts = dict(zip(("n", "prevalence", "quality", "rows"), cell, strict=True))
    return {
        "metric": name,
        **facts,
        "truth": truth,
        "draws": draws,
        "without": none,
        "coverage": share(held),
        "above": share(above),
        "below": share(below),
        "width": share(width),
        "method": method or ("studentised" if world in (overlaps, distances) else metric.interval),
        "allowed": allowed(name, cell),
    }


def _interval(metric, reference, prediction, groups, fixed, seed, method):
    """As `statistics.estimate` does it, with resamples of its own for every draw."""
    if prediction is None:
        found = estimate_cases(metric, reference, groups, RESAMPLES, seed, method=method)
        return found.low, found.high
    value, n = metric(reference, prediction, **fixed), size(reference)
    if np.isnan(value):
        return None, None
    codes, patients = patients_of(groups, n)
    plan, draws = plan_of(metric, reference, prediction, fixed), Draws(patients, RESAMPLES, seed)
    resampled = draws.apply(plan, codes, threads=1)
    undefined = np.isnan(resampled).mean()
    if undefined > UNDEFINED_SHARE:
        return None, None
    error = float(np.nanstd(resampled, ddof=1))
    sample = choice.Sample(metric, float(value), error, resampled, plan, draws, codes, n, patients, 0.95)
    return choice.interval(sample, method or metric.interval)[:2]


def ranking(k: int, draws: int, cases: int = 500, spacing: float = 0.0) -> dict:
    """False splits of equal entries from the first, and whether all true ranks are inside, of `spacing` standard errors apart."""
    rng = np.random.default_rng([k, int(spacing * 100)])
    split = inside = 0
    for draw in range(draws):
        means = 0.8 - spacing * 0.1 / np.sqrt(cases) * np.arange(k)
        values = means[:, None] + rng.normal(0, 0.1, cases) + rng.normal(0, 0.07, (k, cases))
        resampled = Draws(cases, RESAMPLES, draw).apply(
            lambda w, v=values: v @ w.astype(float) / w.sum(axis=0), threads=1
        )
        found = max_t(values.mean(axis=1), resampled, patients=cases)
        split += not found.tied_with_first.all()
        inside += bool(((found.low <= np.arange(1, k + 1)) & (found.high >= np.arange(1, k + 1))).all())
    return {"entries": k, "draws": draws, "falsely_split": split / draws, "ranks_inside": inside / draws}


def resolving(draws: int, cases: int = 500) -> dict:
    """The power at the smallest resolvable difference: how often two entries that far apart are told apart."""
    rng = np.random.default_rng(7)
    error = 0.07 * np.sqrt(2 / cases)
    apart, found = smallest_resolvable_difference(error), 0
    for draw in range(draws):
        values = np.array([[0.8 + apart], [0.8]]) + rng.normal(0, 0.1, cases) + rng.normal(0, 0.07, (2, cases))
        resampled = Draws(cases, RESAMPLES, draw).apply(
            lambda w, v=values: v @ w.astype(float) / w.sum(axis=0), threads=1
        )
        found += bool(max_t(values.mean(axis=1), resampled, patients=cases).significant[0, 1])
    return {"draws": draws, "power": found / draws, "expected": power(apart, error)}


def _job(job):
    os.environ["KENSA_THREADS"] = "1"
    return job[0](*job[1:])


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metric", action="append", help="only these")
    parser.add_argument("--method", help="another interval than the metric's own")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ranks", action="store_true", help="only ranks and the resolvable difference")
    given = parser.parse_args(argv)
    start, table = time.time(), given.method is None and given.draws >= 1000
    report = _written() if given.metric or given.ranks else {"resamples": RESAMPLES, "cells": []}
    with ProcessPoolExecutor(given.processes) as pool:
        for name in () if given.ranks else given.metric or WORLD_OF:
            jobs = [(cell_coverage, name, cell, given.draws, given.method) for cell in cells() if allowed(name, cell)]
            found = list(pool.map(_job, jobs))
            print(_summary(name, found), f"{time.time() - start:.0f} s", flush=True)
            kept = [r for r in report["cells"] if r["metric"] != name]
            report["cells"] = sorted(kept + found, key=lambda r: list(WORLD_OF).index(r["metric"]))
            if table:
                _write(report)
        if table and (given.ranks or not given.metric):
            many = 2 * given.draws
            jobs = [(ranking, k, many, 500, spacing) for spacing in (0.0, 0.05) for k in (2, 10, 20, 50)]
            ranked = list(pool.map(_job, jobs))
            report |= {"equal_entries": ranked[:4], "near_equal_entries": ranked[4:], "resolvable": resolving(many)}
            _write(report)
    return 0


def _written() -> dict:
    """What was measured before: a part that is measured again replaces its own rows."""
    file = DOCS / "coverage.json"
    return json.loads(file.read_text()) if file.is_file() else {"resamples": RESAMPLES, "cells": []}


def _write(report: dict) -> None:
    DOCS.mkdir(exist_ok=True)
    (DOCS / "coverage.json").write_text(json.dumps(report, indent=1) + "\n")
    (DOCS / "coverage.md").write_text(page(report))


def _summary(name: str, found) -> str:
    mine = [r for r in found if r["metric"] == name and r["coverage"] is not None]
    covers = [r["coverage"] for r in mine]
    outside = [r for r in mine if not WANTED[0] <= r["coverage"] <= WANTED[1]]
    worst = ", ".join(
        f"n={r['n']} p={r['prevalence']} q={r['quality']} rows={r['rows']}: {r['coverage']}"
        for r in sorted(outside, key=lambda r: r["coverage"])[:4]
    )
    return (
        f"{name:28} {mine[0]['method']:12} {min(covers):.3f} {np.median(covers):.3f} {max(covers):.3f}  "
        f"outside {len(outside)}/{len(mine)} {worst}"
    )


def page(report) -> str:
    """docs/coverage.md: one table a metric, then ranks and the resolvable difference."""
    lines = [
        "# Coverage of the intervals, measured",
        "",
        "How often the 95 % interval that Kensa chooses for a metric holds the true value, by simulation (`make coverage`). "
        f"{report['cells'][0]['draws']:,} draws a cell, {report['resamples']:,} resamples each. Shown where n allows: at least "
        f"{RARER} patients of the rarer class and {PATIENTS} patients ({TAILED} for squared errors). Wanted: {WANTED[0]:.0%} to {WANTED[1]:.0%}; what lies outside is "
        "marked `!`. One Monte-Carlo standard error at 95 % is about 0.7 points. Quality stands for the strength of the model "
        "(an AUROC of 0.5, 0.8 or 0.97, or its like); survival at a prevalence of 5 % is heavy censoring; values at 5 % have skewed "
        "errors. A case in forty is missed whole in the worlds of `dice`: a set of 30 or 100 often holds no such case, and no interval "
        f"made from it can know of any; boards of fewer than {SEEN} patients say so.",
        "",
        "| metric | interval | cells | lowest | median | highest | outside |",
        "|---|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(r["metric"] for r in report["cells"]))
    for name in names:
        mine = [r for r in report["cells"] if r["metric"] == name and r["coverage"] is not None]
        covers = [r["coverage"] for r in mine]
        outside = sum(not WANTED[0] <= c <= WANTED[1] for c in covers)
        lines.append(
            f"| `{name}` | {mine[0]['method']} | {len(mine)} | {min(covers):.3f} | {np.median(covers):.3f} | {max(covers):.3f} | {outside} |"
        )
    for name in names:
        lines += [
            "",
            f"## {name}",
            "",
            "| n | prevalence | quality | rows a patient | true value | coverage | without |",
            "|---|---|---|---|---|---|---|",
        ]
        for r in (r for r in report["cells"] if r["metric"] == name):
            shown = "-" if r["coverage"] is None else f"{r['coverage']:.3f}"
            mark = "" if r["coverage"] is not None and WANTED[0] <= r["coverage"] <= WANTED[1] else " !"
            lines.append(
                f"| {r['n']} | {r['prevalence']} | {r['quality']} | {r['rows']} | {r['truth']:.4f} | {shown}{mark} | {r['without']} |"
            )
    if "resolvable" not in report:
        return "\n".join([*lines, ""])
    lines += [
        "",
        "## Ranks",
        "",
        "500 cases. Falsely split: some entry is called worse than the first although all are equal (at most 5 %). Ranks inside: every "
        "true rank of entries a twentieth of a standard error apart lies in its interval (at least 95 %).",
        "",
        "| entries | draws | falsely split | ranks inside |",
        "|---|---|---|---|",
    ]
    for equal, near in zip(report["equal_entries"], report["near_equal_entries"], strict=True):
        lines.append(
            f"| {equal['entries']} | {equal['draws']:,} | {equal['falsely_split']:.3f} | {near['ranks_inside']:.3f} |"
        )
    r = report["resolvable"]
    lines += [
        "",
        f"At the smallest resolvable difference two entries are told apart in {r['power']:.1%} of {r['draws']:,} draws.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
