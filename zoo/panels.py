"""What the floors above add to the zoo's pages, so that imports keep pointing down.

`register` a function of `(request, model)` that gives `{"title", "html"}` for the model page, or None for nothing (and
may name in "declared" the declared results that it shows itself); `register_owner` one of `(request, namespace)` for the page
of a person or an organisation; `measure` with a function of `(viewer, model ids)` that
gives `{id: Score}`; `name_tasks` with a function of slugs that gives `{slug: title}`; `describe_tasks` with a function
that gives `{slug: {"modality", "anatomy"}}`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

_panels: list[Callable] = []
_owners: list[Callable] = []
_measures: list[Callable] = []
_titles: list[Callable] = []
_facts: list[Callable] = []


@dataclass(frozen=True)
class Score:
    """What was measured of a model, for a list; `order` sorts the better one first."""

    order: tuple
    symbol: str
    text: str
    low_text: str
    high_text: str
    board: str
    url: str


def register(function: Callable) -> Callable:
    return _add(_panels, function)


def register_owner(function: Callable) -> Callable:
    return _add(_owners, function)


def measure(function: Callable) -> Callable:
    return _add(_measures, function)


def name_tasks(function: Callable) -> Callable:
    return _add(_titles, function)


def describe_tasks(function: Callable) -> Callable:
    return _add(_facts, function)


def _add(functions: list[Callable], function: Callable) -> Callable:
    if function not in functions:
        functions.append(function)
    return function


def of(request, model) -> list[dict]:
    """The panels of one model page, in the order they were registered."""
    return [panel for function in _panels if (panel := function(request, model))]


def of_owner(request, namespace) -> list[dict]:
    """The panels of the page of a person or an organisation."""
    return [panel for function in _owners if (panel := function(request, namespace))]


def scores(viewer, models: Iterable[int]) -> dict[int, Score]:
    """What was measured of these models (primary keys), as far as the viewer may see it."""
    models, found = list(models), {}
    for function in _measures:
        found |= function(viewer, models)
    return found


def task_titles(slugs: Iterable[str]) -> dict[str, str]:
    """Titles by slug; a task that nobody named is read off its slug."""
    slugs = list(dict.fromkeys(slugs))
    titles = {slug: slug.replace("-", " ").replace("_", " ").strip().capitalize() for slug in slugs}
    for function in _titles:
        titles |= function(slugs)
    return titles


def task_facts() -> dict[str, dict[str, str]]:
    """{slug: {"modality", "anatomy"}} of the tasks that somebody described."""
    found: dict[str, dict[str, str]] = {}
    for function in _facts:
        found |= function()
    return found
