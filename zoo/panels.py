"""What the floors above add to the zoo's pages, so that imports keep pointing down.

`register` a function of `(request, model)` that gives `{"title", "html"}` for the model page, or None for nothing;
`name_tasks` with a function of slugs that gives `{slug: title}`.
"""

from collections.abc import Callable, Iterable

_panels: list[Callable] = []
_titles: list[Callable] = []


def register(function: Callable) -> Callable:
    if function not in _panels:
        _panels.append(function)
    return function


def name_tasks(function: Callable) -> Callable:
    if function not in _titles:
        _titles.append(function)
    return function


def of(request, model) -> list[dict]:
    """The panels of one model page, in the order they were registered."""
    return [panel for function in _panels if (panel := function(request, model))]


def task_titles(slugs: Iterable[str]) -> dict[str, str]:
    """Titles by slug; a task that nobody named is read off its slug."""
    slugs = list(dict.fromkeys(slugs))
    titles = {slug: slug.replace("-", " ").replace("_", " ").strip().capitalize() for slug in slugs}
    for function in _titles:
        titles |= function(slugs)
    return titles
