"""REST of plots: which there are for you, and each as JSON for plotly or as the table behind it."""

from typing import Literal

from django.http import HttpResponse, JsonResponse
from ninja import Router

from leaderboard import access, benchmarks, plots, rest, standings
from zoo.errors import NotFound

router = Router(tags=["plots"])


@router.get("/benchmarks/{slug}/plots")
def board_plots(request, slug: str, version: str = ""):
    """The plots of a board that you may see; some may have nothing to show yet."""
    found = benchmarks.find(slug, request.user, version)
    return {"plots": [_told(plot) for plot in plots.open_to(request.user, found, "board")]}


@router.get("/benchmarks/{slug}/plots/{name}")
def board_plot(
    request, slug: str, name: str, version: str = "", metric: str = "", format: Literal["json", "csv"] = "json"
):
    """One plot of a board. json: `data` and `layout` for plotly (colours are names of variables), `lead`, `note`, `alt`;
    csv: the table behind it."""
    found = benchmarks.find(slug, request.user, version)
    made = plots.draw(
        name, "board", found, request.user, lambda: standings.table(found, request.user, metric=metric or None)
    )
    return _answer(request, made, f"{found.slug}-{name}", format)


@router.get("/submissions/{int:pk}/plots")
def entry_plots(request, pk: int):
    """The plots of one entry that you may see; some may have nothing to show."""
    found = _submission(request, pk)
    return {"plots": [_told(plot) for plot in plots.open_to(request.user, found.benchmark, "entry")]}


@router.get("/submissions/{int:pk}/plots/{name}")
def entry_plot(request, pk: int, name: str, format: Literal["json", "csv"] = "json"):
    """One plot of one entry, as for boards."""
    found = _submission(request, pk)
    made = plots.draw(name, "entry", found.benchmark, request.user, lambda: plots.material.of(found, request.user))
    return _answer(request, made, f"submission-{found.pk}-{name}", format)


def _submission(request, pk: int):
    rows = access.visible_submissions(request.user).select_related("benchmark__package", "benchmark__owner", "run")
    found = rows.filter(pk=pk).first()
    if found is None:
        hint = "Only its team and the organiser see a submission before it is scored."
        raise NotFound("submission_not_found", "There is no such submission, or you may not see it.", hint)
    return found


def _told(plot) -> dict:
    return {"name": plot.name, "title": str(plot.title), "made_of": plot.made_of}


def _answer(request, figure, filename: str, form: str):
    if form == "json":
        return rest.with_etag(request, JsonResponse(figure.as_dict()))
    response = HttpResponse(plots.as_csv(figure), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}.csv"'
    return rest.with_etag(request, response)
