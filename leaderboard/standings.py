"""The board: a pure function of finished runs, as one viewer may see it.

Values, order, ranks and differences are computed from the released (rounded) numbers; only the organiser's board is
exact. Rank intervals and the tie group come from one max-T over all pairs, and its family is each team's best entry
with the organiser's baselines, so that nobody widens it by submitting often.
"""

from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from evaluators.metrics import METRICS
from evaluators.metrics.registry import Metric
from evaluators.models import Run, Score
from evaluators.safety import BROKEN
from leaderboard import access, cases, entries, ranking, reading, yardsticks
from leaderboard.entries import ON_BOARD, Entry
from leaderboard.models import Benchmark, Claim
from leaderboard.rounding import text, to_step
from zoo.errors import NotFound

__all__ = ["ON_BOARD", "Board", "Difference", "Entry", "among", "head", "metrics_of", "subsets_of", "table"]
SHOWN = 200  # differences to the first


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
    critical: float | None = None  # two entries differ if their values do by more than so many paired standard errors
    resolvable_text: str = ""
    differences: list[Difference] = field(default_factory=list)
    stability: dict[int, list[int]] = field(
        default_factory=dict
    )  # submission id -> per cent of resamples at rank 1, 2, ...
    worse: dict[int, list[int]] = field(default_factory=dict)  # submission id -> leading ones it is significantly above
    reading: list[str] = field(default_factory=list)
    quiet: list[yardsticks.Row] = field(default_factory=list)  # trivial predictors and human readers
    day: date | None = None  # as it stood at the end of this past day
    among: str = ""  # of which entries, where it is not all of the benchmark's
    updating: bool = False  # ranks are those last computed; a worker computes the next

    @property
    def ranked(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.rank is not None]


def metrics_of(benchmark: Benchmark) -> list[Metric]:
    """The benchmark's metrics, primary first."""
    wanted = benchmark.package.manifest["metrics"]
    names = [wanted["primary"], *wanted.get("also", [])]
    return [METRICS[name] for name in dict.fromkeys(names)]


def released_metrics(benchmark: Benchmark) -> list[Metric]:
    """Those whose scores are told: of a sealed benchmark the primary one alone, since each further number is one more
    question to its labels (an unbounded one, such as log loss, gives back dozens of labels at a time)."""
    return metrics_of(benchmark)[:1] if benchmark.sealed else metrics_of(benchmark)


def subsets_of(benchmark: Benchmark, viewer) -> list[str]:
    """What the viewer may see the board on: its headline, and where nothing is hidden from them each share and group."""
    if not access.sees_finer(viewer, benchmark):
        return [access.headline(benchmark)]
    runs = Run.objects.filter(submissions__benchmark=benchmark, status=Run.Status.SCORED)
    found = Score.objects.filter(run__in=runs, part="").order_by().values_list("subset", flat=True).distinct()
    return ["all", *sorted(set(found) - {"all"})]


def table(
    benchmark: Benchmark,
    viewer,
    *,
    metric=None,
    subset=None,
    evidence=None,
    all_entries=False,
    team="",
    training="",
    day: date | None = None,
    whole=True,
) -> Board:
    """The board of `benchmark` as `viewer` may see it.

    metric: a metric's name, default the primary one. subset: default all cases, of a sealed benchmark the public ones.
    evidence: kinds to show (str or list), team: a team's name, training: a modality of the training data; they hide rows and
    change no rank. all_entries: also each team's other entries, unranked. day: as it stood at the end of a past day.
    whole: with the scores on all metrics, not the chosen one alone.
    Raises NotFound for a metric or subset that is not on this board, or not for this viewer.
    """
    board = head(benchmark, viewer, metric=metric, subset=subset)
    board.day = day
    _fill(board, viewer, evidence, all_entries, team, training, whole)
    return board


def head(benchmark: Benchmark, viewer, *, metric=None, subset=None) -> Board:
    """The board without its entries: what it is by, on which cases. Raises NotFound as `table` does."""
    metrics = released_metrics(benchmark)
    chosen = _choose(metric or metrics[0].name, {item.name: item for item in metrics}, "metric")
    subsets = subsets_of(benchmark, viewer)
    subset = _choose(subset or access.headline(benchmark), {name: name for name in subsets}, "subset")
    return _board(benchmark, viewer, chosen, metrics, subset, subsets)


def among(
    benchmark: Benchmark, viewer, subset: str, rows: Q, topic: str, *, metric: str = "", all_entries: bool = False
) -> Board:
    """Standings of a competition, among the submissions of `rows`, which `topic` names, on whichever subset.

    Who may see that subset is decided before: by contests.finals, which also keeps the record.
    """
    metrics = metrics_of(benchmark) if subset == "private" else released_metrics(benchmark)
    chosen = _choose(metric or metrics[0].name, {item.name: item for item in metrics}, "metric")
    board = _board(benchmark, viewer, chosen, metrics, subset, [subset])
    board.among = topic
    _fill(board, viewer, None, all_entries, rows=rows)
    return board


def _board(benchmark, viewer, chosen, metrics, subset, subsets) -> Board:
    n, patients = cases.count(benchmark.package, subset)
    return Board(
        benchmark=benchmark, metric=chosen, metrics=metrics, subset=subset, subsets=subsets,
        exact=access.is_organiser(viewer, benchmark), finer=access.sees_finer(viewer, benchmark), entries=[], claims=[],
        step=benchmark.steps.get(chosen.name), n=n, patients=patients,
    )  # fmt: skip


def _fill(board: Board, viewer, evidence, all_entries, team="", training="", whole=True, rows: Q | None = None) -> None:
    """Load the entries, rank each team's best, and keep the rows that were asked for."""
    benchmark, primary = board.benchmark, board.metrics[0]
    board.claims = list(benchmark.claims.all())
    board.quiet = yardsticks.rows(benchmark, board.metric.name, board.subset, board.exact, board.finer)
    there = entries.on(benchmark, board.day, rows)
    best = [one.pk for one in entries.family(benchmark, primary, board.subset, board.exact, there)]
    told = [board.metric, *(m for m in board.metrics if whole and m is not board.metric)]
    board.entries = entries.load(
        benchmark, viewer, told, board.subset, board.exact, there, None if all_entries else best
    )
    ranked = set(best)
    _rank(board, [entry for entry in board.entries if entry.submission.pk in ranked])
    if evidence:
        kinds = {evidence} if isinstance(evidence, str) else set(evidence)
        board.entries = [entry for entry in board.entries if entry.evidence in kinds]
    if team:
        board.entries = [entry for entry in board.entries if entry.submission.by.casefold() == team.casefold()]
    if training:
        board.entries = [entry for entry in board.entries if training in entries.learnt_from(entry)]
    board.entries.sort(key=lambda entry: _place(entry, board.metric))
    board.reading = reading.sentences(board)


def _choose(name: str, among: dict, what: str):
    if name not in among:
        raise NotFound(f"unknown_{what}", f"This board has no {what} {name!r}.", f"It has {', '.join(among)}.")
    return among[name]


def _value(entry: Entry, metric: Metric) -> float | None:
    score = entry.scores.get(metric.name)
    return score.value if score else None


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
    found, fresh = ranking.of(board, rankable, board.among or (f"until {board.day}" if board.day else ""))
    board.updating = not fresh
    for entry in rankable:
        if entry.submission.pk in found.places:
            entry.rank, entry.rank_low, entry.rank_high, entry.tied = found.places[entry.submission.pk]
        else:
            entry.reason = "its rank is being computed"
    rankable = [entry for entry in rankable if entry.submission.pk in found.half_widths]
    least = found.resolvable and max(found.resolvable, board.step or 0)  # never less than the numbers can show
    board.resolvable = found.resolvable if board.exact else to_step(least, board.step)
    board.critical = found.critical
    board.resolvable_text = text(least, board.step)
    board.stability, board.worse = (found.stability, found.worse) if board.finer else ({}, {})
    board.differences = [_difference(board, entry, rankable[0], found) for entry in rankable[1:SHOWN]] if fresh else []


def _difference(board: Board, entry: Entry, first: Entry, found) -> Difference:
    """Of released numbers, so that it says nothing they do not."""
    metric, half = board.metric, found.half_widths[entry.submission.pk]
    value = _value(entry, metric) - _value(first, metric)
    widest = metric.range[1] - metric.range[0]  # no two values lie further apart
    low, high = max(value - half, -widest), min(value + half, widest)
    if not board.exact:
        value, low, high = (to_step(number, board.step) for number in (value, low, high))
    return Difference(
        entry, value, low, high, entry.tied, text(value, board.step), text(low, board.step), text(high, board.step)
    )
