"""The page "How a benchmark lies": four ways, each with its live board where this site has it, and the check that finds it."""

from dataclasses import dataclass

from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from evaluators.metrics import METRICS
from leaderboard import benchmarks as library
from leaderboard import standings
from leaderboard.models import Benchmark


@dataclass(frozen=True)
class Lesson:
    """One way. `columns`: what its table shows of the board `slug`, as (metric, subset, what the head says of the subset)."""

    slug: str
    title: object
    story: object
    check: object
    columns: tuple[tuple[str, str, object], ...]
    leaks: bool = False  # whether what the check for leaks found belongs to it


LESSONS = (
    Lesson(
        "lies-imbalance",
        _("Imbalance: calling everyone healthy is right nearly always"),
        _("With four cancers among 147 masses, calling every mass benign is right in 97 of 100 and finds no cancer. The table shows one "
          "entry that looks at nothing beside models that do: by accuracy it beats one of them."),
        _("Plain accuracy is refused as the metric that ranks an imbalanced benchmark, and every board shows grey rows of predictors that "
          "look at nothing."),
        (("accuracy", "all", ""), ("balanced_accuracy", "all", ""), ("auroc", "all", "")),
    ),
    Lesson(
        "lies-leakage",
        _("Leakage: a column that knows the outcome"),
        _("In a table of blood tests and survival, one column is the chapter of the cause of death, and so it is empty for the living. A "
          "model that takes it looks prophetic and is useless for a living patient."),
        _("When a package is loaded, each column of its inputs is tried alone, by its value and by whether it is filled in. What tells the "
          "outcome nearly without error is named to the organiser."),
        (("concordance_index", "all", ""),),
        leaks=True,
    ),
    Lesson(
        "lies-public-split",
        _("Overfitting to the public split: asking until it fits"),
        _("Whoever may ask for a score often enough needs no model. One entry added up those of a thousand random answers that scored above "
          "one half on the public cases. On the private ones it is a coin toss."),
        _("In a competition the private cases stay sealed until the reveal; scores before it are rounded, questions are limited and counted, "
          "and the Ladder releases a new score only if it beats the best by more than chance."),
        (("auroc", "public", _("public cases")), ("auroc", "private", _("private cases"))),
    ),
    Lesson(
        "lies-one-pixel",
        _("One pixel: what a clean test set does not show"),
        _("In each chest film one pixel of 784 was set to black or white, chosen against a linear model. A person sees the same film; the "
          "model's order of films suffers. A smoother model, on which the attack was not made, loses less."),
        _("Weights are run on changed copies of the inputs too: noise, blur, brightness, resolution, and one pixel. The mean drop is the "
          "robustness of an entry."),
        (("auroc", "all", ""), ("balanced_accuracy", "all", "")),
    ),
)  # fmt: skip


@require_safe
def lies(request):
    boards = {b.slug: b for b in library.visible(request.user).filter(slug__in=[lesson.slug for lesson in LESSONS])}
    shown = [_shown(lesson, boards.get(lesson.slug), request.user) for lesson in LESSONS]
    return render(request, "leaderboard/lies.html", {"lessons": shown})


def _shown(lesson: Lesson, benchmark: Benchmark | None, viewer) -> dict:
    """A lesson and, where this site has its board, a row for each entry with the score of each column."""
    facts = {"lesson": lesson, "benchmark": benchmark, "rows": [], "leaks": []}
    if benchmark is None or benchmark.status == Benchmark.Status.DRAFT:
        return facts | {"benchmark": None}
    subsets = {subset for _metric, subset, _words in lesson.columns} & set(standings.subsets_of(benchmark, viewer))
    found = {subset: standings.table(benchmark, viewer, subset=subset) for subset in subsets}
    by_entry = {s: {entry.submission.pk: entry.scores for entry in board.entries} for s, board in found.items()}
    columns = [column for column in lesson.columns if column[1] in found]
    first = next(iter(found.values()), None)
    rows = [
        (entry, [by_entry[subset].get(entry.submission.pk, {}).get(metric) for metric, subset, _words in columns])
        for entry in (first.entries if first else ())
    ]
    heads = [(METRICS[metric], words) for metric, _subset, words in columns]
    leaks = benchmark.package.manifest.get("leaks", []) if lesson.leaks else []
    return facts | {"rows": rows, "heads": heads, "leaks": leaks}
