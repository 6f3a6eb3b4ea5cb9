"""What was measured here of the zoo's models, as one viewer may see it, and beside it what their cards declare."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby

from django.db.models import Q

from evaluators.metrics import METRICS
from evaluators.metrics.registry import Metric
from evaluators.models import Score
from leaderboard import access, costs
from leaderboard.contests import ladders
from leaderboard.models import Benchmark, Submission
from leaderboard.rounding import ReleasedScore, decimals, release
from leaderboard.standings import ON_BOARD, released_metrics
from zoo import statements
from zoo.statements import Declared
from zoo.templatetags.kensa import number as number_text

MOST = 5000  # submissions looked at for one list
# How the Hub and papers name a metric that has another name here.
ALIASES = {
    "auc": "auroc", "roc_auc": "auroc", "rocauc": "auroc", "auc_roc": "auroc", "roc_auc_score": "auroc",
    "pr_auc": "average_precision", "auprc": "average_precision", "average_precision_score": "average_precision",
    "recall": "sensitivity", "precision": "ppv", "matthews_correlation": "mcc", "matthews_corrcoef": "mcc",
    "f1_score": "f1", "dice_score": "dice", "dice_coefficient": "dice", "dsc": "dice", "mean_dice": "dice",
    "jaccard": "iou", "mean_iou": "iou", "miou": "iou", "hausdorff_95": "hd95", "hd_95": "hd95", "qwk": "quadratic_weighted_kappa",
    "quadratic_kappa": "quadratic_weighted_kappa", "c_index": "concordance_index", "concordance": "concordance_index",
    "cindex": "concordance_index", "brier_score": "brier", "expected_calibration_error": "ece",
    "mean_absolute_error": "mae", "root_mean_squared_error": "rmse", "r2_score": "r2", "r_squared": "r2",
    "balanced_accuracy_score": "balanced_accuracy", "map": "mean_average_precision", "pearsonr": "pearson",
    "spearmanr": "spearman",
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """One scored submission of a model."""

    submission: Submission
    metrics: list[Metric]  # the benchmark's, primary first
    scores: dict[str, ReleasedScore]  # by the metric's name

    @property
    def benchmark(self) -> Benchmark:
        return self.submission.benchmark

    @property
    def metric(self) -> Metric:
        return self.metrics[0]

    @property
    def score(self) -> ReleasedScore:
        return self.scores[self.metric.name]

    @property
    def cost(self) -> dict:
        return costs.of(self.submission.run)

    @cached_property
    def goodness(self) -> float:
        """Larger is better, within one benchmark."""
        value, metric = self.score.value, self.metric
        if value is None:
            return float("-inf")
        return (
            -abs(value - metric.best) if metric.direction == "target" else value * (1, -1)[metric.direction == "lower"]
        )


def of(viewer, models: Iterable[int], *, costs_too: bool = False) -> list[Measured]:
    """Entries of boards that the viewer sees, of these models (primary keys): by benchmark, the newest first."""
    return _of(viewer, Q(model__in=list(models)), costs_too)


def of_team(viewer, namespace) -> list[tuple[Measured, int]]:
    """The best entry of a person or an organisation on each board that the viewer sees, and how many they have there.

    Without competitions: who is in which team of one is its organisers' to know.
    """
    found = _of(viewer, Q(team=namespace, contest_team=None), False)
    groups = [list(rows) for _pk, rows in groupby(found, key=lambda each: each.benchmark.pk)]
    return [(max(rows, key=lambda each: each.goodness), len(rows)) for rows in groups]


def _of(viewer, which: Q, costs_too: bool) -> list[Measured]:
    left_out = ("run__log", "run__receipt", "run__faults") + (() if costs_too else ("run__provenance",))
    rows = (
        access.visible_submissions(viewer)
        .filter(which, benchmark__in=access.listed_benchmarks(viewer), **ON_BOARD)
        .select_related(
            "benchmark__package", "benchmark__owner", "benchmark__task", "run", "team", "contest_team", "model"
        )
        .defer(*left_out)
        .order_by("benchmark__title", "benchmark", "-created", "-pk")
    )[:MOST]
    held, exact = cache(ladders.held_back), cache(lambda benchmark: access.is_organiser(viewer, benchmark))
    rows = [row for row in rows if row.pk not in held(row.benchmark)]
    found = {
        (score.run_id, score.subset, score.metric): score
        for score in Score.objects.filter(run__in={row.run_id for row in rows}, subset__in=("all", "public"), part="")
    }
    measured = []
    for row in rows:
        benchmark, metrics = row.benchmark, released_metrics(row.benchmark)
        scores = {}
        for metric in metrics:
            score = found.get((row.run_id, access.headline(benchmark), metric.name))
            if score is not None:
                scores[metric.name] = release(score, benchmark.steps.get(metric.name), exact(benchmark))
        if metrics[0].name in scores:
            measured.append(Measured(row, metrics, scores))
    return measured


def chosen(measured: list[Measured]) -> dict[int, Measured]:
    """For each model the one entry that stands for it in a list: of its own task where it can be, the newest."""
    found: dict[int, Measured] = {}
    for each in measured:
        model = each.submission.model
        fits = each.benchmark.task.slug == model.task
        if model.pk not in found or (fits and found[model.pk].benchmark.task.slug != model.task):
            found[model.pk] = each
    return found


# ---- against what the card declares


@dataclass(frozen=True)
class Versus:
    """One declared result beside the same metric measured here."""

    declared: Declared
    number: float  # on the metric's own scale
    measured: Measured
    metric: Metric
    score: ReleasedScore
    same_data: bool  # whether the card names this benchmark's data
    verdict: str  # agrees | better | worse (the declared value, against the interval) | "" without an interval

    @property
    def text(self) -> str:
        """The declared number with as many digits as the measured one has, though not on its steps: it is the author's."""
        step = self.measured.benchmark.steps.get(self.metric.name)
        return number_text(self.number, decimals(step)) if step else number_text(self.number)

    def as_dict(self) -> dict:
        """What a board's JSON says of it; the measured value stands in its own place."""
        return {
            "metric": self.metric.name, "value": self.number, "dataset": self.declared.dataset, "split": self.declared.split,
            "same_data": self.same_data, "verdict": self.verdict,
        }  # fmt: skip


def versus(declared: list[Declared], measured: list[Measured]) -> list[Versus]:
    """Each declared result with the newest measurement of its metric, on the data it names where there is one."""
    found = []
    for claim in declared:
        name = known_as(claim.metric)
        candidates = [each for each in measured if name in each.scores and each.scores[name].value is not None]
        if claim.number is None or not candidates:
            continue
        candidates.sort(key=lambda each: not _same_data(claim, each.benchmark))
        each = candidates[0]
        number = _on_scale(claim.number, METRICS[name])
        verdict = _verdict(number, each.scores[name], METRICS[name])
        same = _same_data(claim, each.benchmark)
        found.append(Versus(claim, number, each, METRICS[name], each.scores[name], same, verdict))
    return found


def of_board(board) -> dict[int, list[Versus]]:
    """By submission, what the cards of the entries' models declare in the metrics that the board tells: of each metric one,
    on the board's own data where the card has that. Asks the database nothing."""
    found = {}
    for entry in board.entries:
        claims = statements.declared(entry.model.card or {}) if entry.model else []
        if claims:
            against = versus(claims, [Measured(entry.submission, board.metrics, entry.scores)])
            against.sort(key=lambda each: not each.same_data)
            found[entry.submission.pk] = list({each.metric.name: each for each in reversed(against)}.values())
    return found


def known_as(name: str) -> str:
    """The registry's name of a metric as a card writes it; "" where there is none."""
    plain = _plain(name)
    return _names().get(ALIASES.get(plain, plain), "")


@cache
def _names() -> dict[str, str]:
    names = {}
    for metric in METRICS.values():
        for spelled in (metric.title, metric.symbol, metric.name):
            names[_plain(spelled)] = metric.name
    return names


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _same_data(claim: Declared, benchmark: Benchmark) -> bool:
    source = benchmark.package.manifest.get("source") or {}
    ours = [_plain(str(text)) for text in (benchmark.slug, benchmark.title, source.get("name", "")) if text]
    theirs = [_plain(text) for text in (claim.dataset, claim.dataset_id) if len(_plain(text)) >= 4]
    return any(name in text or text in name for name in theirs for text in ours)


def _on_scale(number: float, metric: Metric) -> float:
    """Per cent as a share, where the metric is one: 91 is 0.91."""
    return number / 100 if metric.range[1] == 1 and 1.5 < number <= 100 else number


def _verdict(number: float, score: ReleasedScore, metric: Metric) -> str:
    if score.low is None or score.high is None:
        return ""
    if score.low <= number <= score.high:
        return "agrees"
    if metric.direction == "target":
        closer = abs(number - metric.best) < abs(score.value - metric.best)
    else:
        closer = (number > score.high) == (metric.direction == "higher")
    return "better" if closer else "worse"
