"""The catalogue of models, and the page of a namespace."""

from django.db.models import Q
from django.shortcuts import render

from zoo import access, catalogue, panels, shelf
from zoo.errors import NotFound
from zoo.models import Namespace


def models(request):
    chosen = {name: request.GET.get(name, "")[:96] for name in catalogue.FILTERS}
    query, order = request.GET.get("q", "")[:200], request.GET.get("sort", "updated")
    found = catalogue.search(request.user, query, order=order, **chosen)
    page = catalogue.page(found, request.GET.get("page"), request.user)
    parameters = request.GET.copy()
    parameters.pop("page", None)
    return render(
        request,
        "zoo/models.html",
        {
            "page": page,
            "groups": catalogue.groups(list(page)),
            "choices": [
                (name, catalogue.FILTERS[name], chosen[name], values)
                for name, values in catalogue.choices(request.user).items()
            ],
            "query": query,
            "order": order,
            "orders": catalogue.ORDER_NAMES,
            "narrowed": bool(query or any(chosen.values())),
            "parameters": parameters.urlencode(),
        },
    )


def zoo(request):
    """Every model on one page after another: what it does, licence, one line to load it."""
    page = catalogue.page(catalogue.search(request.user, order="name"), request.GET.get("page"))
    endpoint = request.build_absolute_uri("/").rstrip("/")
    rows = {row.model.pk: row for row in shelf.rows(page, endpoint)}
    groups = [(group, [rows[model.pk] for model in group.models]) for group in catalogue.groups(list(page))]
    return render(request, "zoo/zoo.html", {"page": page, "groups": groups})


def profile(request, owner: str):
    namespace = Namespace.objects.filter(name=owner).first()
    if namespace is None:
        raise NotFound("no_namespace", f"There is no user or organisation {owner!r}.", "Check the spelling.")
    page = catalogue.page(catalogue.search(request.user, owner=owner), request.GET.get("page"), request.user)
    members = namespace.memberships.select_related("user").order_by("-role", "user__username")
    organisations = Namespace.objects.filter(Q(memberships__user=namespace.user_id)).order_by("name")
    return render(
        request,
        "zoo/profile.html",
        {
            "namespace": namespace,
            "page": page,
            "groups": catalogue.groups(list(page)),
            "panels": panels.of_owner(request, namespace),
            "members": members if namespace.is_organisation else [],
            "organisations": [] if namespace.is_organisation else organisations,
            "may_create": access.can(request.user, "create", namespace),
            "may_manage": namespace.is_organisation and access.can(request.user, "manage namespace", namespace),
            "is_me": request.user.is_authenticated and namespace.user_id == request.user.pk,
        },
    )
