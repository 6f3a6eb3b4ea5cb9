"""REST of what other places show of a score: badges, and metadata for model cards."""

from django.http import HttpResponse
from ninja import Router

from evaluators.models import Run
from leaderboard import access, badges, benchmarks, cards, rest, standings
from zoo.errors import NotFound

router = Router(tags=["elsewhere"])


@router.get("/benchmarks/{slug}/badge")
def board_badge(request, slug: str, version: str = "", metric: str = ""):
    """The leading score of a board as SVG."""
    found = benchmarks.find(slug, request.user, version)
    board = standings.table(found, request.user, metric=metric or None)
    first = board.ranked[0] if board.ranked else None
    score = first.scores.get(board.metric.name) if first else None
    return _svg(request, badges.draw(found.title, badges.score_text(board.metric, score)))


@router.get("/submissions/{int:pk}/badge")
def badge(request, pk: int, metric: str = ""):
    """One score of a submission as SVG; default the benchmark's primary metric."""
    found = _scored(request, pk)
    wanted = metric or found.benchmark.primary_metric
    card = cards.Card(found, request.user, "")
    metrics = {item.name: item for item in standings.metrics_of(found.benchmark)}
    if wanted not in metrics:
        raise NotFound("unknown_metric", f"This board has no metric {wanted!r}.", f"It has {', '.join(metrics)}.")
    score = next((row.score for row in card.scores if row.metric == wanted), None)
    return _svg(request, badges.draw(found.benchmark.title, badges.score_text(metrics[wanted], score)))


@router.get("/submissions/{int:pk}/model-index")
def model_index(request, pk: int):
    """The released scores as `model-index` YAML, for the front matter of a model card."""
    return _yaml(request, cards.model_index(_card(request, pk)))


@router.get("/submissions/{int:pk}/eval-results")
def eval_results(request, pk: int):
    """The released scores in the format of `.eval_results/*.yaml` on the Hub."""
    return _yaml(request, cards.eval_results(_card(request, pk)))


def _card(request, pk: int) -> cards.Card:
    return cards.Card(_scored(request, pk), request.user, request.build_absolute_uri("/").rstrip("/"))


def _scored(request, pk: int):
    rows = access.visible_submissions(request.user).filter(pk=pk, run__status=Run.Status.SCORED)
    found = rows.select_related(
        "benchmark__package", "benchmark__owner", "benchmark__task", "team", "run", "model__namespace"
    ).first()
    if found is None:
        raise NotFound("submission_not_found", "There is no such scored submission, or you may not see it.", "")
    return found


def _svg(request, text: str) -> HttpResponse:
    return rest.with_etag(request, HttpResponse(text, content_type="image/svg+xml; charset=utf-8"))


def _yaml(request, text: str) -> HttpResponse:
    return rest.with_etag(request, HttpResponse(text, content_type="application/yaml; charset=utf-8"))
