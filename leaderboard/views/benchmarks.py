"""The list of benchmarks, and the board page of one: standings, how they were made, the data card, how to submit."""

from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from leaderboard import access, forest, privacy, standings, verdicts
from leaderboard import benchmarks as library
from leaderboard.models import Benchmark
from leaderboard.views import overview, refusals, shell
from leaderboard.views import standings as parts

READING = (
    ("public", _("everyone")), ("unlisted", _("whoever knows the address; no list names it")),
    ("private", _("members of its organiser")),
)  # fmt: skip
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
    wanted = parts.choice(request)
    found = library.find(slug, request.user, wanted.version)
    board = standings.head(found, request.user, metric=wanted.metric, subset=wanted.subset)
    facts = _facts(request, found) | {"constraints": [verdicts.words(rule) for rule in verdicts.rules(found)]}
    context = facts | {"board": board} | parts.part(request, board, wanted, facts)
    return render(request, "leaderboard/benchmark.html", context)


def _facts(request, benchmark: Benchmark) -> dict:
    """What the page says of the benchmark itself, whatever was measured."""
    manifest = benchmark.package.manifest
    versions = library.versions(benchmark, request.user)
    allowed = access.allowed(request.user, benchmark)
    return {
        "may_publish": "publish" in allowed and benchmark.status == Benchmark.Status.DRAFT,
        "may_choose_readers": "choose_readers" in allowed,
        "reading_choices": READING,
        "may_close": "close" in allowed and benchmark.status == Benchmark.Status.PUBLISHED,
        "current": next((other for other in versions if other.current), None),
        "baselines": library.baselines(benchmark) if "publish" in allowed else 0,
        "identities": _identities(benchmark) if "publish" in allowed else [],
        "benchmark": benchmark,
        "manifest": manifest,
        "accepts": manifest.get("accepts", []),
        "traps": manifest.get("traps", []),
        "leaks": manifest.get("leaks", []) if access.sees_finer(request.user, benchmark) else [],
        "source": manifest.get("source", {}),
        "why": (manifest.get("metrics") or {}).get("why") or {},
        "versions": versions,
        "exports": EXPORTS,
        "commands": shell.commands(request, benchmark),
    }


def _identities(benchmark: Benchmark) -> list[str]:
    """What looks like somebody's identity in a draft, until it was confirmed that it is none."""
    waits = benchmark.status == Benchmark.Status.DRAFT and not benchmark.identities_confirmed
    return privacy.identities(benchmark.package) if waits else []
