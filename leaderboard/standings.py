"""The board: a pure function of finished runs, as one viewer may see it.

Values, order, ranks and differences are computed from the released (rounded) numbers; only the organiser's board is
exact. Rank intervals and the tie group come from one max-T over all pairs, and its family is each team's best entry
with the organiser's baselines, so that nobody widens it by submitting often.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from evaluators.metrics import METRICS
from evaluators.metrics.registry import Metric
from evaluators.models import Run, Score
from evaluators.safety import BROKEN
from leaderboard import access, cases, ranking, reading, verdicts, yardsticks
from leaderboard.contests import ladders
from leaderboard.models import Benchmark, Claim, Submission
from leaderboard.rounding import ReleasedScore, release, text, to_step
from leaderboard.verdicts import Told
from zoo.access import visible_models
from zoo.errors import NotFound
from zoo.models import Model, Namespace


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
    def safety(self) -> str:
        """broken | not shown | holds, or "" where nothing is told."""
        return verdicts.worst(self.told)

    @property
    def score(self) -> ReleasedScore | None:
        """The one the board is ordered by."""
        return next(iter(self.scores.values()), None)


@dataclass(frozen=True)
class Difference:
    """An entry minus the first, with an interval that holds for all pairs at once (max-T)."""

    entry: Entry
    value: float
    low: float
    high: float
    tied: bool
    text: str
    low_text: str
    high_text: str


@dataclass
class Board:
    """Standings by one metric on one subset. Numbers are rounded for this viewer unless `exact`."""

    benchmark: Benchmark
    metric: Metric
    metrics: list[Metric]  # primary first
    subset: str
    subsets: list[str]  # those this viewer may choose
    entries: list[Entry]
    claims: list[Claim]
    step: float | None
    exact: bool
    finer: bool  # whether this viewer sees subgroups, parts and what lies behind
    n: int
    patients: int
    resolvable: float | None = None
    resolvable_text: str = ""
    differences: list[Difference] = field(default_factory=list)
    stability: dict[int, list[int]] = field(
        default_factory=dict
    )  # submission id -> per cent of resamples at rank 1, 2, ...
    worse: dict[int, list[int]] = field(default_factory=dict)  # submission id -> leading ones it is significantly above
    reading: list[str] = field(default_factory=list)
    quiet: list[yardsticks.Row] = field(default_factory=list)  # trivial predictors and human readers
    safety: bool = False  # whether this package has constraints
    among: str = ""  # of which entries, where it is not all of the benchmark's
    updating: bool = False  # ranks are those last computed; a worker computes the next

    @property
    def ranked(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.rank is not None]


# What a submission must be to stand on a board.
ON_BOARD = {
    "withdrawn": None,
    "disqualified": None,
    "contest_team__disqualified": None,
    "run__status": Run.Status.SCORED,
}


def metrics_of(benchmark: Benchmark) -> list[Metric]:
    """The benchmark's metrics, primary first."""
    wanted = benchmark.package.manifest["metrics"]
    names = [wanted["primary"], *wanted.get("also", [])]
    return [METRICS[name] for name in dict.fromkeys(names)]


def subsets_of(benchmark: Benchmark, viewer) -> list[str]:
    """What the viewer may see the board on: its headline, and where nothing is hidden from them each share and group."""
    if not access.sees_finer(viewer, benchmark):
        return [access.headline(benchmark)]
    runs = Run.objects.filter(submissions__benchmark=benchmark, status=Run.Status.SCORED)
    found = Score.objects.filter(run__in=runs, part="").order_by().values_list("subset", flat=True).distinct()
    return ["all", *sorted(set(found) - {"all"})]


def table(benchmark: Benchmark, viewer, *, metric=None, subset=None, evidence=None, all_entries=False) -> Board:
    """The board of `benchmark` as `viewer` may see it.

    metric: a metric's name, default the primary one. subset: default all cases, of a sealed benchmark the public ones. evidence: kinds to show (str or list);
    it hides rows and changes no rank. all_entries: also each team's other entries, unranked.
    Raises NotFound for a metric or subset that is not on this board, or not for this viewer.
    """
    metrics = metrics_of(benchmark)
    chosen = _choose(metric or metrics[0].name, {item.name: item for item in metrics}, "metric")
    subsets = subsets_of(benchmark, viewer)
    subset = _choose(subset or access.headline(benchmark), {name: name for name in subsets}, "subset")
    board = _board(benchmark, viewer, chosen, metrics, subset, subsets)
    _narrow(board, evidence, all_entries)
    return board


def among(
    benchmark: Benchmark, viewer, subset: str, rows: Q, topic: str, *, metric: str = "", all_entries: bool = False
) -> Board:
    """Standings of a competition, among the submissions of `rows`, which `topic` names, on whichever subset.

    Who may see that subset is decided before: by contests.finals, which also keeps the record.
    """
    metrics = metrics_of(benchmark)
    chosen = _choose(metric or metrics[0].name, {item.name: item for item in metrics}, "metric")
    board = _board(benchmark, viewer, chosen, metrics, subset, [subset], rows)
    board.among = topic
    _narrow(board, None, all_entries)
    return board


def _board(benchmark, viewer, chosen, metrics, subset, subsets, rows: Q | None = None) -> Board:
    exact = access.is_organiser(viewer, benchmark)
    n, patients = cases.count(benchmark.package, subset)
    finer = access.sees_finer(viewer, benchmark)
    return Board(
        benchmark=benchmark, metric=chosen, metrics=metrics, subset=subset, subsets=subsets, exact=exact,
        finer=finer, safety=bool(verdicts.rules(benchmark)),
        quiet=yardsticks.rows(benchmark, chosen.name, subset, exact, finer), step=benchmark.steps.get(chosen.name),
        claims=list(benchmark.claims.all()), entries=_entries(benchmark, viewer, chosen, metrics, subset, exact, rows),
        n=n, patients=patients,
    )  # fmt: skip


def _narrow(board: Board, evidence, all_entries: bool) -> None:
    """Rank each team's best, and keep the rows that were asked for."""
    family = _family(board.entries, board.metrics[0])
    _rank(board, family)
    if not all_entries:
        board.entries = family
    if evidence:
        kinds = {evidence} if isinstance(evidence, str) else set(evidence)
        board.entries = [entry for entry in board.entries if entry.evidence in kinds]
    board.entries.sort(key=lambda entry: _place(entry, board.metric))
    board.reading = reading.sentences(board)


def _choose(name: str, among: dict, what: str):
    if name not in among:
        raise NotFound(f"unknown_{what}", f"This board has no {what} {name!r}.", f"It has {', '.join(among)}.")
    return among[name]


def _entries(benchmark, viewer, chosen, metrics, subset, exact, among: Q | None = None) -> list[Entry]:
    """Every scored submission that was not withdrawn or disqualified and whose score is released, oldest first, unranked."""
    held = ladders.held_back(benchmark)
    rows = list(
        Submission.objects.filter(among or Q(), benchmark=benchmark, **ON_BOARD)
        .exclude(pk__in=held)
        .select_related("team", "contest_team", "run", "model__namespace")
        .defer("run__log", "run__receipt", "run__provenance", "run__faults")
        .order_by("created", "pk")
    )
    scores = _scores(rows, benchmark, subset, exact)
    models = {row.model_id for row in rows} - {None}
    seen = set(visible_models(viewer).filter(pk__in=models).values_list("pk", flat=True)) if models else set()
    manifest = benchmark.package.manifest
    public = bool(manifest.get("release_inputs")) or benchmark.labels == Benchmark.Labels.PUBLIC
    order = [chosen, *(metric for metric in metrics if metric is not chosen)]
    told = verdicts.reader(benchmark, viewer, subset)
    return [
        Entry(
            None, None, None, False, row.name, row.run.kind, row.run.kind == Run.Kind.WEIGHTS and public, row.team, row,
            row.model if row.model_id in seen else None, row.revision if row.model_id in seen else "", row.created, row.run,
            {m.name: scores[row.run_id, m.name] for m in order if (row.run_id, m.name) in scores}, row.baseline, told=told(row),
        )
        for row in rows
    ]  # fmt: skip


def _scores(rows, benchmark, subset, exact) -> dict[tuple[int, str], ReleasedScore]:
    runs = {row.run_id for row in rows}
    found = Score.objects.filter(run__submissions__benchmark=benchmark, subset=subset, part="").distinct()
    return {
        (score.run_id, score.metric): release(score, benchmark.steps.get(score.metric), exact)
        for score in found
        if score.run_id in runs
    }


def _value(entry: Entry, metric: Metric) -> float | None:
    score = entry.scores.get(metric.name)
    return score.value if score else None


def _family(entries: Iterable[Entry], primary: Metric) -> list[Entry]:
    """The best entry of each team by the primary metric (of equals the earliest), and every baseline."""
    best: dict[object, Entry] = {}
    for entry in entries:
        key = ("baseline", entry.submission.pk) if entry.baseline else _team(entry.submission)
        if key not in best or ranking.goodness(primary, _value(entry, primary)) > ranking.goodness(
            primary, _value(best[key], primary)
        ):
            best[key] = entry
    return list(best.values())


def _team(submission: Submission) -> tuple[str, int]:
    contest = submission.contest_team_id
    return ("contest", contest) if contest else ("namespace", submission.team_id)


def _place(entry: Entry, metric: Metric):
    """Ranked first, those that break a safety constraint below them; then those with a value; missing last. Of equals the earlier."""
    good = ranking.goodness(metric, _value(entry, metric))
    return (entry.rank is None, entry.safety == BROKEN, -good, entry.date, entry.submission.pk)


def _rank(board: Board, family: list[Entry]) -> None:
    """Give ranks, rank intervals, ties, differences to the first and the smallest resolvable difference."""
    metric = board.metric
    rankable = []
    for entry in family:
        score = entry.scores.get(metric.name)
        if score is not None and score.value is not None and score.low is not None and entry.run.details:
            rankable.append(entry)
        else:
            entry.reason = (score.reason if score else "") or "not measured on these cases"
    rankable.sort(key=lambda entry: _place(entry, metric))
    broken = [entry for entry in rankable if entry.safety == BROKEN]
    rankable = [entry for entry in rankable if entry.safety != BROKEN]
    for entry in broken:  # below all others, whatever their values; told apart by value alone
        above = sum(ranking.goodness(metric, _value(other, metric)) > ranking.goodness(metric, _value(entry, metric))
                    for other in broken)  # fmt: skip
        entry.rank = len(rankable) + 1 + above
        entry.rank_low, entry.rank_high = len(rankable) + 1, len(rankable) + len(broken)
    found, fresh = ranking.of(board, rankable, board.among)
    board.updating = not fresh
    for entry in rankable:
        if entry.submission.pk in found.places:
            entry.rank, entry.rank_low, entry.rank_high, entry.tied = found.places[entry.submission.pk]
        else:
            entry.reason = "its rank is being computed"
    rankable = [entry for entry in rankable if entry.submission.pk in found.half_widths]
    board.resolvable = found.resolvable if board.exact else to_step(found.resolvable, board.step)
    board.resolvable_text = text(found.resolvable, board.step)
    board.stability, board.worse = (found.stability, found.worse) if board.finer else ({}, {})
    board.differences = [_difference(board, entry, rankable[0], found) for entry in rankable[1:]] if fresh else []


def _difference(board: Board, entry: Entry, first: Entry, found) -> Difference:
    """Of released numbers, so that it says nothing they do not."""
    metric, half = board.metric, found.half_widths[entry.submission.pk]
    value = _value(entry, metric) - _value(first, metric)
    low, high = value - half, value + half
    if not board.exact:
        value, low, high = (to_step(number, board.step) for number in (value, low, high))
    return Difference(
        entry, value, low, high, entry.tied, text(value, board.step), text(low, board.step), text(high, board.step)
    )
