"""Models as repositories: created, deleted, moved, shown or hidden, opened or gated."""

from django.http import JsonResponse

from zoo import access, commits, grants, text
from zoo.errors import NotFound, Refused
from zoo.hub.wire import answers, base, body, closed, is_true, model, ok, text_of
from zoo.models import Model, Namespace


@answers("POST")
def create(request):
    data = _of_models(body(request))
    space = _namespace(request, text_of(data, "organization") or request.user.username)
    access.require(request, "create", space)
    name = text_of(data, "name")
    private = _is_private(data)
    url = f"{base(request)}/{space}/{name}"
    try:
        made = commits.create_model(space, name, author=request.user, private=bool(private))
    except Refused as refusal:
        if refusal.status != 409:
            raise
        # clients that are content with what exists read its address
        there = Model.objects.filter(namespace=space, name__iexact=text.clean(name)).first()
        url = f"{base(request)}/{there or f'{space}/{name}'}"
        return JsonResponse(
            {"error": refusal.message, "url": url},
            status=409,
            headers={"X-Error-Message": "This model exists already."},
        )
    return ok({"url": url, "name": str(made), "id": str(made)})


@answers("DELETE")
def delete(request):
    data = _of_models(body(request))
    owner, name = _halves(data, request.user.username)
    commits.delete_model(model(request, owner, name, "manage"))
    return ok()


@answers("POST")
def move(request):
    data = _of_models(body(request))
    source, target = (text_of(data, key).split("/") for key in ("fromRepo", "toRepo"))
    if len(source) != 2 or len(target) != 2:
        raise Refused("bad_name", "fromRepo and toRepo read owner/name.")
    net = model(request, *source, "manage")
    space = _namespace(request, target[0])
    access.require(request, "create", space)
    commits.move(net, space, target[1])
    return ok({"url": f"{base(request)}/{net}"})


@answers("PUT")
def settings(request, owner: str, name: str):
    net = model(request, owner, name, "manage")
    data = body(request)
    private, gate = _is_private(data), data.get("gated")
    if gate is not None and gate is not False and gate not in ("auto", "manual"):
        raise Refused("bad_gate", "gated is auto, manual or false.")
    if private is not None:
        commits.set_visibility(net, private)
    if gate is not None:
        grants.set_gate(net, gate or "")
    return ok({"private": net.private, "gated": net.gated or False})


@answers("GET")
def check(request, owner: str, name: str, kind: str = "read"):
    """Whether this person may read (the files too), or write."""
    net = model(request, owner, name)
    if kind == "write":
        access.require(request, "write", net)
    elif not access.can(request.user, "download", net):
        raise closed(request, net)
    return ok()


def _of_models(data: dict) -> dict:
    if text_of(data, "type", "model") != "model":
        raise Refused("only_models", "This server holds models only.", "Leave the type out.")
    return data


def _halves(data: dict, default: str) -> tuple[str, str]:
    name = text_of(data, "name")
    owner, slash, rest = name.partition("/")
    return (owner, rest) if slash else (text_of(data, "organization") or default, name)


def _namespace(request, name: str) -> Namespace:
    """The namespace of this name. To a stranger a missing one reads like one in which they may not create."""
    if not request.user.is_authenticated:
        raise Refused("sign_in", "You need to be signed in for this.", "Send a bearer token.", status=401)
    space = Namespace.objects.filter(name=text.clean(name)).first()
    if space is None:
        raise NotFound(
            "no_namespace", "There is no such namespace.", "Use your user name, or an organisation of yours."
        )
    return space


def _is_private(data: dict) -> bool | None:
    """What a body says of visibility, in the words of old clients or new; None where it says nothing."""
    if data.get("visibility") is not None:
        if data["visibility"] not in ("public", "private"):
            raise Refused("bad_visibility", "visibility is public or private.")
        return data["visibility"] == "private"
    return None if data.get("private") is None else is_true(data["private"])
