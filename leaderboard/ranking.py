"""Ranks, rank intervals and ties of one board, from the resampled values that its runs left behind.

Nothing is resampled here: every run of a package was resampled on the same draws of patients, so all comparisons are
paired. The result is kept in the database under a digest of what it came from.
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field

import numpy as np
from django.db import DatabaseError, transaction
from django.utils import timezone

from evaluators import statistics
from leaderboard.models import Ranking
from zoo import blobs

log = logging.getLogger(__name__)

METHOD = "max-T 1"  # raise when what is computed here changes, and every kept ranking is computed again
FEWEST = 100  # resamples in which all entries are defined; with fewer there are ranks but no intervals


@dataclass
class Found:
    """By submission id: (rank, low, high, tied with the first); half-widths of simultaneous intervals; the rest."""

    places: dict[int, tuple[int, int, int, bool]] = field(default_factory=dict)
    half_widths: dict[int, float] = field(default_factory=dict)  # of the difference to the first
    resolvable: float | None = None
    stability: dict[int, list[int]] = field(default_factory=dict)  # per cent of resamples at rank 1, 2, ...


def of(board, entries: list) -> Found:
    """The ranking of these entries (best first) by the board's metric; from the database where nothing changed."""
    if not entries:
        return Found()
    digest = _digest(board, entries)
    key = {"benchmark": board.benchmark, "metric": board.metric.name, "subset": board.subset, "exact": board.exact}
    kept = Ranking.objects.filter(**key, digest=digest).first()
    if kept:
        return _from_json(kept.content)
    found = compute(
        [entry.submission.pk for entry in entries],
        np.array([entry.scores[board.metric.name].value for entry in entries], float),
        _resampled(board, entries),
        board.metric,
        min(entry.scores[board.metric.name].patients for entry in entries),
    )
    try:
        with transaction.atomic():
            Ranking.objects.update_or_create(
                **key, defaults={"digest": digest, "content": asdict(found), "computed": timezone.now()}
            )
    except DatabaseError:  # a page is shown all the same; the next one keeps it
        log.warning("the ranking of %s could not be kept", board.benchmark, exc_info=True)
    return found


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
        found.stability = _stability(ids, whole, direction)
    if whole.shape[1] >= FEWEST:
        alone_error = float(np.std(whole[0], ddof=1))  # one entry alone: as if another correlated by 0.5
        error = float(np.std(whole[0] - whole[1], ddof=1)) if count > 1 else alone_error
        if error <= 1e-9 * alone_error:  # the two leading entries are one answer twice
            error = alone_error
        found.resolvable = statistics.smallest_resolvable_difference(error)
    return found


def _stability(ids, resampled, direction) -> dict[int, list[int]]:
    """Per cent of resamples in which each entry takes each rank; of equals the one listed first."""
    order = np.argsort(-resampled if direction == "higher" else resampled, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    count = len(ids)
    return {
        pk: [round(100 * share) for share in np.bincount(rank[i], minlength=count) / resampled.shape[1]]
        for i, pk in enumerate(ids)
    }


def _resampled(board, entries) -> np.ndarray:
    """Resampled values (K, B) of the entries, moved by what rounding moved their values."""
    name = f"resampled:{board.metric.name}:{board.subset}"
    exact = dict(
        board.benchmark.package.runs.filter(
            pk__in=[entry.run.pk for entry in entries], scores__metric=board.metric.name, scores__subset=board.subset,
            scores__part="",
        ).values_list("pk", "scores__value")
    )  # fmt: skip
    rows = []
    for entry in entries:
        with blobs.open(entry.run.details) as file, np.load(file, allow_pickle=False) as details:
            values = np.asarray(details[name], float) if name in details else np.full(1, np.nan)
        rows.append(values + (entry.scores[board.metric.name].value - exact[entry.run.pk]))
    length = max(len(row) for row in rows)
    return np.stack([row if len(row) == length else np.full(length, np.nan) for row in rows])


def _digest(board, entries) -> str:
    parts = [
        METHOD, board.metric.name, board.subset, board.exact, board.step,
        [(entry.submission.pk, entry.run.pk, entry.run.details, entry.scores[board.metric.name].value) for entry in entries],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _from_json(content: dict) -> Found:
    """JSON makes text of whole-number keys."""
    return Found(
        places={int(pk): tuple(place) for pk, place in content["places"].items()},
        half_widths={int(pk): value for pk, value in content["half_widths"].items()},
        resolvable=content["resolvable"],
        stability={int(pk): row for pk, row in content["stability"].items()},
    )
