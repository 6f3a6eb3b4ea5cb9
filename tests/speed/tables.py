"""Speed of the metrics of tables (scores, grades, survival) and of ranking beside peer libraries: same data, same draws, same run.

`rows()` yields `{job, library, library_s, kensa_s, ratio, target}`; library loops are scaled from a measured part and say so.
Kensa is timed with one thread, through the public call, arrays in and interval out. Seconds are those of the processor, so that
a busy machine favours nobody; peers run in one thread too.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from lifelines.utils import concordance_index as by_lifelines
from scipy import stats
from sklearn import metrics as sk
from sksurv import metrics as sksurv
from sksurv.util import Surv

from evaluators import statistics
from evaluators.metrics import METRICS
from evaluators.statistics.draws import Draws
from evaluators.statistics.estimates import plan_of
from tests.speed.images import PEERS, row

PART = 20  # resamples of a library loop that are measured


def best_of(run: Callable[[], object], enough: float = 0.5) -> float:
    """Processor seconds of the quickest of at least two tries and as many as fit in `enough`, after one not counted."""
    run()
    seconds = []
    while len(seconds) < 2 or (sum(seconds) < enough and len(seconds) < 50):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def rows() -> Iterator[dict]:
    threads, os.environ["KENSA_THREADS"] = os.environ.get("KENSA_THREADS"), "1"
    try:
        for one in (
            harrell,
            harrell_resampled,
            uno,
            auroc,
            delong,
            average_precision,
            kappa,
            brier,
            dynamic_auc,
            ranks,
        ):
            yield from one()
    finally:
        os.environ.pop("KENSA_THREADS")
        if threads:
            os.environ["KENSA_THREADS"] = threads


def survival(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    event_time, censored = rng.exponential(np.exp(-risk)), rng.exponential(2.0, n)
    return {"time": np.minimum(event_time, censored), "event": event_time <= censored}, risk


def harrell():
    job, (seen, risk) = "Harrell's C, n = 200,000", survival(200_000)
    own = best_of(lambda: METRICS["concordance_index"](seen, risk))
    lifelines = best_of(lambda: by_lifelines(seen["time"], -risk, seen["event"]))
    yield row(job, "lifelines", lifelines, own, 30)
    part = 20_000  # quadratic: the whole takes half a minute
    theirs = best_of(
        lambda: sksurv.concordance_index_censored(seen["event"][:part], seen["time"][:part], risk[:part]), 0.1
    )
    yield row(job, f"scikit-survival (scaled from n = {part:,})", theirs * (len(risk) / part) ** 2, own, 30)
    floor = best_of(lambda: (np.argsort(seen["time"]), np.argsort(risk)))
    yield row(job, "floor: two argsorts", floor, own, 0)


def resampled(name, reference, prediction, theirs, count, seed=3, **fixed):
    """(library seconds for `count` resamples, Kensa's with drawing, without) on the same multiplicities."""
    n = len(prediction)
    own = best_of(lambda: fresh(name, reference, prediction, count, seed, fixed))
    ready = Draws(n, count, seed)
    plan = plan_of(METRICS[name], reference, prediction, fixed)
    ready.apply(plan)
    drawn = best_of(lambda: ready.apply(plan_of(METRICS[name], reference, prediction, fixed)))
    picks = [np.repeat(np.arange(n), counts) for counts in ready.counts()[:PART]]
    library = best_of(lambda: [theirs(rows) for rows in picks], 0.1) / PART * count
    return library, own, drawn


def fresh(name, reference, prediction, count, seed, fixed):
    """Value and interval as a caller gets them, the resamples drawn anew."""
    statistics.draw.cache_clear()
    return statistics.estimate(name, reference, prediction, resamples=count, seed=seed, **fixed)


def both(job, library, name, reference, prediction, theirs, count, target, target_drawn=None, **fixed):
    seconds, own, drawn = resampled(name, reference, prediction, theirs, count, **fixed)
    label = f"{library} (loop, scaled from {PART})"
    yield row(job, label, seconds, own, target)
    yield row(f"{job}, resamples at hand", label, seconds, drawn, target_drawn or target)


def harrell_resampled():
    seen, risk = survival(5_000)
    job = "Harrell's C, 1,000 resamples, n = 5,000"

    def loop(r):
        return sksurv.concordance_index_censored(seen["event"][r], seen["time"][r], risk[r])

    yield from both(job, "scikit-survival", "concordance_index", seen, risk, loop, 1_000, 1_000)
    yield from both(
        job,
        "lifelines",
        "concordance_index",
        seen,
        risk,
        lambda r: by_lifelines(seen["time"][r], -risk[r], seen["event"][r]),
        1_000,
        0,
    )


def uno():
    seen, risk = survival(5_000)
    tau = float(np.quantile(seen["time"], 0.8))

    def loop(r):
        chosen = Surv.from_arrays(seen["event"][r], seen["time"][r])
        return sksurv.concordance_index_ipcw(chosen, chosen, risk[r], tau=tau)

    job = "Uno's C, 1,000 resamples, n = 5,000"
    yield from both(job, "scikit-survival", "concordance_index_ipcw", seen, risk, loop, 1_000, 1_000, tau=tau)


def auroc():
    rng = np.random.default_rng(0)
    truth = (rng.random(10_000) < 0.3).astype(int)
    score = truth + rng.normal(size=truth.size)
    job = "AUROC, 2,000 resamples, n = 10,000"
    yield from both(
        job, "scikit-learn", "auroc", truth, score, lambda r: sk.roc_auc_score(truth[r], score[r]), 2_000, 200, 500
    )


def average_precision():
    rng = np.random.default_rng(1)
    truth = (rng.random(10_000) < 0.3).astype(int)
    score = truth + rng.normal(size=truth.size)
    job = "Average precision, 2,000 resamples, n = 10,000"
    loop = lambda r: sk.average_precision_score(truth[r], score[r])  # noqa: E731
    yield from both(job, "scikit-learn", "average_precision", truth, score, loop, 2_000, 100)


def kappa():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 5_000)
    grade = np.clip(truth + rng.integers(-1, 2, truth.size), 0, 4)
    loop = lambda r: sk.cohen_kappa_score(truth[r], grade[r], weights="quadratic")  # noqa: E731
    job = "QWK, 2,000 resamples, n = 5,000"
    yield from both(job, "scikit-learn", "quadratic_weighted_kappa", truth, grade, loop, 2_000, 300)


def brier():
    seen, risk = survival(2_000)
    times = np.quantile(seen["time"], np.linspace(0.1, 0.8, 8))
    curves = {"times": times, "survival": np.exp(-np.outer(np.exp(risk), times / times.max()))}

    def loop(r):
        chosen = Surv.from_arrays(seen["event"][r], seen["time"][r])
        return sksurv.integrated_brier_score(chosen, chosen, curves["survival"][r], times)

    n = len(risk)
    count, job = 1_000, "IBS at 8 times, 1,000 resamples, n = 2,000"
    ready = Draws(n, count, 3)
    own = best_of(lambda: fresh("integrated_brier_score", seen, curves, count, 3, {}))
    ready.apply(plan_of(METRICS["integrated_brier_score"], seen, curves, {}))
    drawn = best_of(lambda: ready.apply(plan_of(METRICS["integrated_brier_score"], seen, curves, {})))
    picks = [np.repeat(np.arange(n), counts) for counts in ready.counts()[:PART]]
    library = best_of(lambda: [loop(r) for r in picks], 0.1) / PART * count
    yield row(job, f"scikit-survival (loop, scaled from {PART})", library, own, 300)
    yield row(f"{job}, resamples at hand", f"scikit-survival (loop, scaled from {PART})", library, drawn, 300)


def dynamic_auc():
    seen, risk = survival(2_000)
    times = np.quantile(seen["time"], [0.25, 0.5, 0.75])

    def loop(r):
        chosen = Surv.from_arrays(seen["event"][r], seen["time"][r])
        inside = seen["time"][r] < times[-1] * 1.5
        return sksurv.cumulative_dynamic_auc(chosen, chosen[inside], risk[r][inside], times)

    job = "Dynamic AUC at 3 times, 1,000 resamples, n = 2,000"
    yield from both(job, "scikit-survival", "cumulative_dynamic_auc", seen, risk, loop, 1_000, 300, times=times)


def delong():
    rng = np.random.default_rng(0)
    truth = (rng.random(10_000) < 0.3).astype(int)
    scores = truth + rng.normal(size=(100, truth.size))
    own = best_of(lambda: statistics.delong_test(truth, scores))
    job = "DeLong, all 4,950 pairs of 100 entries, n = 10,000"
    library = by_mlstatkit(truth, *(1 / (1 + np.exp(-scores[:2]))))
    if library:
        yield row(job, "MLstatkit, a pair at a time (scaled from 1)", library * 4_950, own, 1_000)
    pair = best_of(lambda: by_pair(truth, scores[0], scores[1]), 0.2)
    yield row(job, "vectorised midranks, a pair at a time (scaled from 1)", pair * 4_950, own, 0)


def by_mlstatkit(truth, first, second) -> float | None:
    """Seconds of one pair, or None where the peer is not installed."""
    if not PEERS.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.npz"
        np.savez(file, truth=truth, first=first, second=second)
        script = Path(__file__).with_name("table_peers.py")
        done = subprocess.run([PEERS, script, file], capture_output=True, text=True, check=False)
    return None if done.returncode else float(done.stdout.split()[-1])


def by_pair(truth, a, b):
    """DeLong's test of two entries by midranks, as the usual scripts do it."""
    positives, negatives = truth == 1, truth == 0
    parts = []
    for score in (a, b):
        x, y = score[positives], score[negatives]
        all_ranks, of_x, of_y = stats.rankdata(np.r_[x, y]), stats.rankdata(x), stats.rankdata(y)
        parts.append(((all_ranks[: x.size] - of_x) / y.size, 1 - (all_ranks[x.size :] - of_y) / x.size))
    covariance = np.cov(parts[0][0], parts[1][0]) / positives.sum() + np.cov(parts[0][1], parts[1][1]) / negatives.sum()
    difference = parts[0][0].mean() - parts[1][0].mean()
    return difference / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def ranks():
    rng = np.random.default_rng(0)
    entries, cases, count = 100, 1_000, 10_000
    values = rng.normal(0.8, 0.1, (entries, cases)) + rng.normal(0, 0.1, cases)

    def own():
        statistics.draw.cache_clear()
        return statistics.rank(values, resamples=count, tests=False)

    seconds = best_of(own)
    counts = Draws(cases, count, 0).counts().astype(np.float64)

    def pair():
        difference = values[0] - values[1]
        means = np.array([difference[np.repeat(np.arange(cases), c.astype(int))].mean() for c in counts[:200]])
        return np.quantile(means, [0.025, 0.975])

    library = best_of(pair, 0.2) / 200 * count * entries * (entries - 1) / 2
    job = "Ranks and all pairs, 100 entries x 1,000 cases x 10,000 resamples"
    yield row(job, "numpy, a pair at a time (scaled)", library, seconds, 1_000)
    flip = best_of(
        lambda: stats.permutation_test((values[0] - values[1],), np.mean, permutation_type="samples", n_resamples=500),
        0.2,
    )
    yield row(
        job,
        "scipy permutation_test, a pair at a time (scaled)",
        flip / 500 * count * entries * (entries - 1) / 2,
        seconds,
        1_000,
    )
    single = values.astype(np.float32)
    small = np.ascontiguousarray(counts.T.astype(np.float32))
    yield row(job, "floor: one product in single precision", best_of(lambda: single @ small), seconds, 0)
