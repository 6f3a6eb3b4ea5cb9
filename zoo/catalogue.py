"""Finding models: search, filters, order, groups by task. Starts from what the viewer may see."""

from dataclasses import dataclass
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from zoo import panels, text
from zoo.access import visible_models
from zoo.models import Model

PAGE = 60
FILTERS = ("task", "library", "licence")
ORDERS = {"updated": "-updated", "downloads": "-downloads", "name": "name", "size": "size"}


@dataclass(frozen=True)
class Group:
    """The models of one task on one page; `slug` is "" for models that name none."""

    slug: str
    title: str
    models: list[Model]


def search(viewer, query: str = "", *, owner: str = "", order: str = "updated", **filters: str) -> QuerySet[Model]:
    """Models that have every word of `query` in their name, title, task or library, and match every filter given."""
    models = visible_models(viewer)
    for word in text.clean(query).split()[:10]:
        found = Q()
        for field in ("name", "namespace__name", "title", "task", "library", "licence"):
            found |= Q(**{f"{field}__icontains": word})
        owner_name, slash, name = word.partition("/")
        if slash:
            found |= Q(namespace__name__iexact=owner_name, name__icontains=name)
        models = models.filter(found)
    if owner:
        models = models.filter(namespace__name=text.clean(owner))
    for name in FILTERS:
        if value := filters.get(name):
            models = models.filter(**{name: text.clean(value)})
    return models.order_by(ORDERS.get(order, ORDERS["updated"]), "pk")


def choices(viewer) -> dict[str, list[tuple[str, str, int]]]:
    """For each filter, (value, label, number of models) of what this viewer can see."""
    result = {}
    for name in FILTERS:
        counted = (
            visible_models(viewer).exclude(**{name: ""}).values_list(name).annotate(n=Count("pk")).order_by("-n", name)
        )
        rows = list(counted[:100])
        titles = panels.task_titles([value for value, _ in rows]) if name == "task" else {}
        result[name] = [(value, titles.get(value, value), n) for value, n in rows]
    return result


def page(models: QuerySet[Model], number) -> Page:
    return Paginator(models, PAGE).get_page(number)


def groups(models: list[Model]) -> list[Group]:
    """Groups in the alphabetical order of their titles, those without a task last; the order inside is kept."""
    titles = panels.task_titles([model.task for model in models if model.task])
    ordered = sorted(models, key=lambda model: (not model.task, titles.get(model.task, ""), model.task))
    return [
        Group(slug, titles.get(slug, ""), list(members)) for slug, members in groupby(ordered, key=lambda m: m.task)
    ]
