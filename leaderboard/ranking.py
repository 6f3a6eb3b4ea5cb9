"""Ranks, rank intervals and ties of one board, from the resampled values that its runs left behind.

Nothing is resampled here: every run of a package was resampled on the same draws of patients, so all comparisons are
paired. A worker makes it (computations.py); pages show the last one.
"""

import math
from dataclasses import asdict, dataclass, field

import numpy as np

from evaluators import statistics
from evaluators.metrics import METRICS
from evaluators.models import Score
from leaderboard import computations
from zoo import blobs

METHOD = "max-T 4"  # raise when what is computed here changes, and every kept ranking is computed again
LEADING = 15  # entries and ranks of the stability histogram
MAPPED = 60  # leading entries whose pairs are kept one by one
FEWEST = 100  # resamples in which all entries are defined; with fewer there are ranks but no intervals


@dataclass
class Found:
    """By submission id: (rank, low, high, tied with the first); half-widths of simultaneous intervals; the rest."""

    places: dict[int, tuple[int, int, int, bool]] = field(default_factory=dict)
    half_widths: dict[int, float] = field(default_factory=dict)  # of the difference to the first
    resolvable: float | None = None
    critical: float | None = None  # two entries differ if their values do by more than so many paired standard errors
    stability: dict[int, list[int]] = field(default_factory=dict)  # per cent of resamples at rank 1, 2, ...
    worse: dict[int, list[int]] = field(
        default_factory=dict
    )  # which of the leading entries each is significantly above


def of(board, entries: list, topic: str = "") -> tuple[Found, bool]:
    """The ranking of these entries (best first) by the board's metric, and whether it is of this very state: if not, it is
    the last that was made, while a worker makes the next. `topic`: which entries, where they are not all."""
    if not entries:
        return Found(), True
    values = [entry.scores[board.metric.name].value for entry in entries]
    patients = min(entry.scores[board.metric.name].patients for entry in entries)
    state = [(entry.submission.pk, entry.run.pk, entry.run.details) for entry in entries]
    about = [board.metric.name, board.subset, "exact" if board.exact else "released", *([topic] if topic else [])]
    identity = computations.digest(METHOD, about, board.step, state, values)
    resamples = (board.benchmark.package.manifest.get("resample") or {}).get("resamples") or 2000
    content, fresh = computations.find(
        board.benchmark, " ".join(["ranks", *about]), identity,
        lambda: {"metric": board.metric.name, "subset": board.subset, "entries": state, "values": values, "patients": patients},
        len(entries) * resamples,
    )  # fmt: skip
    if content is not None:
        return _from_json(content), fresh
    return _provisional([pk for pk, _, _ in state], values, board.metric), False


@computations.makes("ranks")
def rank(benchmark, ask: dict) -> dict:
    """What a worker makes of entries [(submission, run, details)] and their values."""
    metric, runs = METRICS[ask["metric"]], [run for _, run, _ in ask["entries"]]
    exact = dict(
        Score.objects.filter(run__in=runs, metric=metric.name, subset=ask["subset"], part="").values_list(
            "run", "value"
        )
    )
    resampled = resampled_values(metric.name, ask["subset"], [details for _, _, details in ask["entries"]])
    moved = np.array([value - exact[run] for value, run in zip(ask["values"], runs, strict=True)])
    values = np.array(ask["values"], float)
    ids = [pk for pk, _, _ in ask["entries"]]
    return asdict(compute(ids, values, resampled + moved[:, None], metric, ask["patients"]))


def _provisional(ids: list[int], values: list[float], metric) -> Found:
    """Ranks by value alone, before anything was made: no intervals, and nobody is called tied."""
    good = [goodness(metric, value) for value in values]
    return Found(
        places={pk: (1 + sum(g > own for g in good), None, None, False) for pk, own in zip(ids, good, strict=True)}
    )


def goodness(metric, value: float | None) -> float:
    """Larger is better, whatever the metric's direction; a missing value is the worst."""
    if value is None or not math.isfinite(value):
        return -math.inf
    if metric.direction == "target":
        return -abs(value - metric.best)
    return value if metric.direction == "higher" else -value


def compute(ids: list[int], values: np.ndarray, resampled: np.ndarray, metric, patients: int | None = None) -> Found:
    """The ranking of K entries from their values (K,), best first, and resampled values (K, B), NaN where undefined.
    With `patients`, how many were resampled, corrected for a small sample.

    Max-T after Mogstad, Romano, Shaikh and Wilhelm (2024, Review of Economic Studies). Values may be rounded: the
    resampled values, which centre on the exact ones, are moved along, so that spread and correlation stay what they are.
    """
    if metric.direction == "target":
        values, resampled = -np.abs(values - metric.best), -np.abs(resampled - metric.best)
    direction = "lower" if metric.direction == "lower" else "higher"
    better = -values if direction == "lower" else values
    ranks = [1 + int(np.sum(better > own)) for own in better]  # equal values share a rank: their order says nothing
    found = Found()
    whole = resampled[:, ~np.isnan(resampled).any(axis=0)]
    count = len(ids)
    if count == 1:
        found.places = {ids[0]: (1, 1, 1, False)}
    elif whole.shape[1] < FEWEST:
        found.places = {pk: (rank, 1, count, True) for pk, rank in zip(ids, ranks, strict=True)}
    else:
        judged = statistics.max_t(values, whole, direction, patients=patients)
        tied = np.asarray(judged.tied_with_first, bool)
        alone = tied.sum() < 2
        found.places = {
            pk: (ranks[i], int(judged.low[i]), int(judged.high[i]), bool(tied[i]) and not alone)
            for i, pk in enumerate(ids)
        }
        error = np.asarray(judged.standard_error)
        found.half_widths = {pk: float(judged.critical * error[i, 0]) for i, pk in enumerate(ids)}
        widened = math.sqrt(patients / (patients - 1)) if patients and patients > 1 else 1.0
        found.critical = float(judged.critical * widened) if np.isfinite(judged.critical) else None
        found.stability = _stability(ids, whole, direction)
        leading = list(enumerate(ids[:MAPPED]))
        found.worse = {pk: [other for j, other in leading if judged.significant[i, j]] for i, pk in leading}
    if whole.shape[1] >= FEWEST:
        alone_error = float(np.std(whole[0], ddof=1))  # one entry alone: as if another correlated by 0.5
        error = float(np.std(whole[0] - whole[1], ddof=1)) if count > 1 else alone_error
        if error <= 1e-9 * alone_error:  # the two leading entries are one answer twice
            error = alone_error
        # none where the leading entries make no error in any resample: their spread says nothing of the next ones
        found.resolvable = statistics.smallest_resolvable_difference(error) if error else None
    return found


def _stability(ids, resampled, direction) -> dict[int, list[int]]:
    """Per cent of resamples in which each of the leading entries takes each of the leading ranks; of equals the first listed."""
    order = np.argsort(-resampled if direction == "higher" else resampled, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    count = len(ids)
    return {
        pk: [round(100 * share) for share in np.bincount(rank[i], minlength=count)[:LEADING] / resampled.shape[1]]
        for i, pk in enumerate(ids[:LEADING])
    }


def resampled_values(metric: str, subset: str, details: list[str]) -> np.ndarray:
    """Resampled values (K, B) of runs by the SHA-256 of their details; NaN where a run left none, or another number."""
    name, rows = f"resampled:{metric}:{subset}", []
    for sha256 in details:
        with blobs.open(sha256) as file, np.load(file, allow_pickle=False) as arrays:
            rows.append(np.asarray(arrays[name], float) if name in arrays else np.full(1, np.nan))
    length = max(len(row) for row in rows)
    return np.stack([row if len(row) == length else np.full(length, np.nan) for row in rows])


def _from_json(content: dict) -> Found:
    """JSON makes text of whole-number keys."""
    return Found(
        places={int(pk): tuple(place) for pk, place in content["places"].items()},
        half_widths={int(pk): value for pk, value in content["half_widths"].items()},
        resolvable=content["resolvable"],
        critical=content.get("critical"),
        stability={int(pk): row for pk, row in content["stability"].items()},
        worse={int(pk): row for pk, row in content["worse"].items()},
    )
