"""The list of benchmarks, and the board page of one: standings, how they were made, the data card, how to submit."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from evaluators.models import Run
from leaderboard import access, costs, forest, robustness, standings, verdicts
from leaderboard import benchmarks as library
from leaderboard.models import Benchmark
from leaderboard.views import boards, overview, refusals, shell

EVIDENCE = tuple(Run.Kind.values)
EXPORTS = (
    ("csv", "CSV"), ("json", "JSON"), ("latex", "LaTeX"), ("markdown", "Markdown"), ("bibtex", "BibTeX"), ("papers", "Papers with Code"),
)  # fmt: skip


@require_safe
@refusals.page
def benchmarks(request):
    listed = list(library.visible(request.user))
    context = {
        "specialties": overview.by_specialty(overview.leaders(request.user, listed)),
        "drafts": library.drafts(request.user),
        "may_organise": access.organisable(request.user).exists(),
        "axis": forest.UNIT,
    }
    return render(request, "leaderboard/benchmarks.html", context)


@require_safe
@refusals.page
def benchmark(request, slug):
    found = library.find(slug, request.user, request.GET.get("version"))
    ticked = request.GET.getlist("e")
    measured = [kind for kind in EVIDENCE if kind in ticked]
    everything = request.GET.get("rows") == "all"
    board = standings.table(
        found,
        request.user,
        metric=request.GET.get("metric") or None,
        subset=request.GET.get("subset") or None,
        evidence=measured or None,
        all_entries=everything,
    )
    robust = robustness.of_board(board, request.user)
    difference_axis, differences = boards.differences(board)
    with_claims = not ticked or "claimed" in ticked
    context = _facts(request, found) | {
        "board": board,
        "layout": boards.layout(board, with_claims, None if request.GET.get("show") == "all" else boards.ROWS),
        "show_all": boards.query(**_kept(request, show="all")),
        "shown": measured or EVIDENCE,
        "claims_shown": with_claims,
        "everything": everything,
        "tabs": [(metric, boards.query(**_kept(request, metric=metric.name))) for metric in board.metrics],
        "stability": boards.stability(board),
        "readers": [row for row in board.quiet if row.kind == "reader" and row.finer],
        "constraints": [verdicts.words(rule) for rule in verdicts.rules(found)],
        "difference_axis": difference_axis,
        "differences": differences,
        "costs": [(entry, cost, robust.get(entry.submission.pk)) for entry, cost in costs.of_board(board)],
        "robust": bool(robust),
    }
    return render(request, "leaderboard/benchmark.html", context)


def _facts(request, benchmark: Benchmark) -> dict:
    """What the page says of the benchmark itself, whatever was measured."""
    manifest = benchmark.package.manifest
    versions = library.versions(benchmark, request.user)
    allowed = access.allowed(request.user, benchmark)
    return {
        "may_publish": "publish" in allowed and benchmark.status == Benchmark.Status.DRAFT,
        "may_close": "close" in allowed and benchmark.status == Benchmark.Status.PUBLISHED,
        "current": next((other for other in versions if other.current), None),
        "baselines": library.baselines(benchmark) if "publish" in allowed else 0,
        "benchmark": benchmark,
        "manifest": manifest,
        "accepts": manifest.get("accepts", []),
        "traps": manifest.get("traps", []),
        "source": manifest.get("source", {}),
        "why": (manifest.get("metrics") or {}).get("why") or {},
        "versions": versions,
        "exports": EXPORTS,
        "commands": shell.commands(request, benchmark),
    }


def _kept(request, **changed) -> dict:
    """The choices in the address that a link keeps."""
    kept = {name: request.GET.get(name) for name in ("version", "metric", "subset", "rows")}
    return kept | {"e": request.GET.getlist("e")} | changed
