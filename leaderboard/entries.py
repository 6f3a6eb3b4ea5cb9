"""The entries of a board: which submissions stand on it for one viewer, on a day, and each with its released scores.

Two steps, so that ten thousand submissions cost little: a light look at all finds each team's best; only those are loaded.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from evaluators.metrics.registry import Metric
from evaluators.models import Run, Score
from leaderboard import verdicts
from leaderboard.contests import ladders
from leaderboard.models import Benchmark, Submission
from leaderboard.ranking import goodness
from leaderboard.rounding import RELEASED, ReleasedScore, release, to_step
from leaderboard.verdicts import Told
from zoo import statements
from zoo.access import visible_models
from zoo.errors import NotFound
from zoo.models import Model, Namespace

# What a submission must be to stand on a board.
ON_BOARD = {
    "withdrawn": None,
    "disqualified": None,
    "contest_team__disqualified": None,
    "run__status": Run.Status.SCORED,
}
MANY = 20_000  # names in one question to the database; SQLite takes 32,766


@dataclass
class Entry:
    """One row. `rank` is None where the entry is not ranked: no value, no interval, or not its team's best."""

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    tied: bool  # with the first: the first is not significantly better
    name: str
    evidence: str  # predictions | weights
    inputs_public: bool  # for weights: a network run on public inputs can be a lookup table
    team: Namespace
    submission: Submission
    model: Model | None  # None where there is none, or the viewer may not see it
    revision: str
    date: datetime
    run: Run
    scores: dict[str, ReleasedScore]  # by metric name, on the board's subset
    baseline: bool = False
    reason: str = ""  # why it is not ranked
    told: list[Told] = field(default_factory=list)  # safety verdicts, as far as the viewer may know them

    @property
    def score(self) -> ReleasedScore | None:
        """The one the board is ordered by."""
        return next(iter(self.scores.values()), None)

    @property
    def provisional(self) -> bool:
        """Whether its rank is by value alone: until a worker has made the board's first ranks."""
        return self.rank is not None and self.rank_low is None

    @property
    def safety(self) -> str:
        """broken | not shown | holds, or "" where nothing is told."""
        return verdicts.worst(self.told)


class Light(NamedTuple):
    """As much of a submission as it takes to know whether it is its team's best."""

    pk: int
    run: int
    key: tuple  # of its team, or of itself for a baseline
    value: float | None  # released, by the primary metric


def day_of(text: str) -> date | None:
    """The day that an address names; None for none. Raises NotFound for what is no day."""
    try:
        day = date.fromisoformat(text) if text else None
        if day:
            end_of(day)
    except (ValueError, OverflowError):
        raise NotFound("unknown_day", f"{text[:40]!r} is no day.", "Write it as 2026-01-31.") from None
    return day


def end_of(day: date) -> datetime:
    """The moment a day is over, in the site's time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def on(benchmark: Benchmark, day: date | None = None, among: Q | None = None):
    """The submissions on this board, oldest first: today's, or those that stood on it at the end of a past day."""
    rows = Submission.objects.filter(among or Q(), benchmark=benchmark)
    if day is None:
        rows = rows.filter(**ON_BOARD)
    else:
        end = end_of(day)
        there = Q(withdrawn=None) | Q(withdrawn__gte=end)
        rows = rows.filter(there, disqualified=None, contest_team__disqualified=None, run__status=Run.Status.SCORED,
                           run__created__lt=end)  # fmt: skip
    return rows.order_by("created", "pk")


def family(benchmark: Benchmark, primary: Metric, subset: str, exact: bool, rows) -> list[Light]:
    """The best entry of each team by the primary metric (of equals the earliest), and every baseline; oldest first."""
    best: dict[tuple, Light] = {}
    for one in _light(benchmark, primary, subset, exact, rows):
        if one.key not in best or goodness(primary, one.value) > goodness(primary, best[one.key].value):
            best[one.key] = one
    return list(best.values())


def _light(benchmark: Benchmark, primary: Metric, subset: str, exact: bool, rows) -> list[Light]:
    held = ladders.held_back(benchmark)
    step = benchmark.steps.get(primary.name)
    scores = Score.objects.filter(run__package=benchmark.package_id, metric=primary.name, subset=subset, part="")
    values = dict(scores.values_list("run", "value"))
    if not exact:
        values = {} if step is None else {run: to_step(value, step) for run, value in values.items()}
    facts = rows.values_list("pk", "run", "team", "contest_team", "baseline")
    return [
        Light(
            pk,
            run,
            ("baseline", pk) if baseline else ("contest", contest) if contest else ("team", team),
            values.get(run),
        )
        for pk, run, team, contest, baseline in facts
        if pk not in held
    ]


def load(benchmark: Benchmark, viewer, metrics: list[Metric], subset: str, exact: bool, rows, chosen: list[int] | None):
    """The entries of these submissions (`chosen`, by pk; None: all of `rows` that may be shown), oldest first, unranked.
    metrics: those whose scores are told, the board's own first."""
    if chosen is not None and len(chosen) < MANY:
        rows = rows.filter(pk__in=chosen)
    wanted = None if chosen is None else set(chosen)
    held = ladders.held_back(benchmark)
    unused = ["log", "receipt", "provenance", "faults", "answer", *([] if verdicts.rules(benchmark) else ["safety"])]
    found = [
        row
        for row in rows.select_related("team", "contest_team", "run", "model__namespace").defer(
            "description", "note", *(f"run__{name}" for name in unused)
        )
        if row.pk not in held and (wanted is None or row.pk in wanted)
    ]
    for row in found:
        row.benchmark = benchmark  # known, so nobody asks for it again
    scores = _scores(benchmark, [row.run_id for row in found], metrics, subset, exact)
    models = {row.model_id for row in found} - {None}
    seen = set(visible_models(viewer).filter(pk__in=models).values_list("pk", flat=True)) if models else set()
    public = bool(benchmark.package.manifest.get("release_inputs")) or benchmark.labels == Benchmark.Labels.PUBLIC
    told = verdicts.reader(benchmark, viewer, subset)
    return [
        Entry(
            None, None, None, False, row.name, row.run.kind, row.run.kind == Run.Kind.WEIGHTS and public, row.team, row,
            row.model if row.model_id in seen else None, row.revision if row.model_id in seen else "", row.created, row.run,
            {m.name: scores[row.run_id, m.name] for m in metrics if (row.run_id, m.name) in scores}, row.baseline,
            told=told(row),
        )
        for row in found
    ]  # fmt: skip


def _scores(
    benchmark: Benchmark, runs: list[int], metrics, subset: str, exact: bool
) -> dict[tuple[int, str], ReleasedScore]:
    names = [metric.name for metric in metrics]
    rows = Score.objects.filter(run__package=benchmark.package_id, metric__in=names, subset=subset, part="")
    if len(runs) < MANY:
        rows = Score.objects.filter(run__in=runs, metric__in=names, subset=subset, part="")
    rows = rows.values_list("run_id", "metric", *RELEASED, named=True)  # no objects: there may be thousands
    return {(row.run_id, row.metric): release(row, benchmark.steps.get(row.metric), exact) for row in rows}


def learnt_from(entry: Entry) -> list[str]:
    """The modalities of its training data, as the model's card says them, where the viewer sees the model."""
    return statements.every(entry.model.card or {}, "modality") if entry.model else []
