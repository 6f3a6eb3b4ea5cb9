"""Finding models: search, filters, order, groups by task. Starts from what the viewer may see."""

from dataclasses import dataclass
from itertools import groupby

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, When
from django.utils.translation import gettext_lazy

from zoo import panels, text
from zoo.access import visible_models
from zoo.models import Model

PAGE = 60
RANKED = 3000  # models that are asked for their scores
PLACED = 900  # and of the scored ones, those that are put in order: a database takes no longer list
FILTERS = {
    "task": gettext_lazy("Task"),
    "modality": gettext_lazy("Modality"),
    "anatomy": gettext_lazy("Anatomy"),
    "library": gettext_lazy("Library"),
    "licence": gettext_lazy("Licence"),
    "size": gettext_lazy("Size"),
}
FROM_TASK = ("modality", "anatomy")  # where a card does not say, its task does
COLUMNS = ("task", "library", "licence")
SIZES = {
    "10MB": (gettext_lazy("under 10 MB"), 0, 10**7),
    "100MB": (gettext_lazy("10 to 100 MB"), 10**7, 10**8),
    "1GB": (gettext_lazy("100 MB to 1 GB"), 10**8, 10**9),
    "more": (gettext_lazy("over 1 GB"), 10**9, None),
}
ORDERS = {"updated": "-updated", "downloads": "-downloads", "name": "name", "size": "size"}
SCORE = "score"  # an order too, which the floors above know
ORDER_NAMES = {
    "updated": gettext_lazy("last change"),
    SCORE: gettext_lazy("measured score"),
    "downloads": gettext_lazy("downloads"),
    "name": gettext_lazy("name"),
    "size": gettext_lazy("size"),
}


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
        for field in ("name", "namespace__name", "title", "task", "library", "licence", "modality", "anatomy"):
            found |= Q(**{f"{field}__icontains": word})
        owner_name, slash, name = word.partition("/")
        if slash:
            found |= Q(namespace__name__iexact=owner_name, name__icontains=name)
        models = models.filter(found)
    if owner:
        models = models.filter(namespace__name=text.clean(owner))
    facts = panels.task_facts() if any(filters.get(name) for name in FROM_TASK) else {}
    for name in FILTERS:
        if value := text.clean(filters.get(name) or ""):
            models = models.filter(_fits(name, value, facts))
    if order == SCORE:
        return _by_score(viewer, models)
    return models.order_by(ORDERS.get(order, ORDERS["updated"]), "pk")


def _fits(name: str, value: str, facts: dict) -> Q:
    if name in COLUMNS:
        return Q(**{name: value})
    if name == "size":
        _, low, high = SIZES.get(value, (None, 0, 0))
        return Q(size__gte=low) & (Q() if high is None else Q(size__lt=high))
    tasks = [slug for slug, told in facts.items() if told.get(name, "").lower() == value.lower()]
    return Q(**{f"{name}__iexact": value}) | Q(**{name: ""}, task__in=tasks)


def _by_score(viewer, models: QuerySet[Model]) -> QuerySet[Model]:
    """By task and board, the best first; models that nobody measured come last."""
    ids = list(models.order_by("-updated", "pk").values_list("pk", flat=True)[:RANKED])
    scores = panels.scores(viewer, ids)
    ranked = sorted(scores, key=lambda pk: (scores[pk].order, pk))[:PLACED]
    if not ranked:
        return models.order_by(ORDERS["updated"], "pk")
    place = Case(*(When(pk=pk, then=number) for number, pk in enumerate(ranked)), default=len(ranked))
    return models.order_by(place, ORDERS["updated"], "pk")


def choices(viewer) -> dict[str, list[tuple[str, str, int]]]:
    """For each filter, (value, label, number of models) of what this viewer can see."""
    seen, result = visible_models(viewer), {}
    facts = panels.task_facts()
    for name in FILTERS:
        if name == "size":
            rows = [(key, label, seen.filter(_fits(name, key, {})).count()) for key, (label, _, _) in SIZES.items()]
            result[name] = [row for row in rows if row[2]]
        elif name in FROM_TASK:
            result[name] = _stated(seen, name, facts)
        else:
            counted = seen.exclude(**{name: ""}).order_by().values_list(name).annotate(n=Count("pk"))
            rows = list(counted.order_by("-n", name)[:100])
            titles = panels.task_titles([value for value, _ in rows]) if name == "task" else {}
            result[name] = [(value, titles.get(value, value), n) for value, n in rows]
    return result


def _stated(models: QuerySet[Model], name: str, facts: dict) -> list[tuple[str, str, int]]:
    """What cards state, or else their tasks; spelled as it was first met, whatever its case."""
    counts: dict[str, tuple[str, int]] = {}
    for value, task, n in models.order_by().values_list(name, "task").annotate(n=Count("pk")).order_by(name, "task"):
        value = value or facts.get(task, {}).get(name, "")
        if value:
            spelled, before = counts.get(value.lower(), (value, 0))
            counts[value.lower()] = (spelled, before + n)
    rows = sorted(counts.values(), key=lambda row: (-row[1], row[0]))
    return [(value, value, n) for value, n in rows[:100]]


def page(models: QuerySet[Model], number, viewer=None) -> Page:
    """A page of models, each with `measured`: the score that stands for it, or None."""
    found = Paginator(models, PAGE).get_page(number)
    scores = panels.scores(viewer, [model.pk for model in found])
    for model in found:
        model.measured = scores.get(model.pk)
    return found


def groups(models: list[Model]) -> list[Group]:
    """Groups in the alphabetical order of their titles, those without a task last; the order inside is kept."""
    titles = panels.task_titles([model.task for model in models if model.task])
    ordered = sorted(models, key=lambda model: (not model.task, titles.get(model.task, ""), model.task))
    return [
        Group(slug, titles.get(slug, ""), list(members)) for slug, members in groupby(ordered, key=lambda m: m.task)
    ]
