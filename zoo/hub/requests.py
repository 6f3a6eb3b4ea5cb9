"""Requests for the files of gated models, as their owners list and decide them."""

from django.http import JsonResponse

from zoo import grants, text
from zoo.errors import NotFound, Refused
from zoo.hub.wire import answers, body, model, moment, ok, paged, text_of
from zoo.models import AccessRequest, User


@answers("GET")
def listing(request, owner: str, name: str, status: str):
    net = model(request, owner, name, "manage")
    return paged(request, grants.of(net, status), lambda page: [_shown(each) for each in page], 100)


def _shown(asked: AccessRequest) -> dict:
    user = asked.user
    return {
        "requestId": str(asked.pk),
        "user": {"user": user.username, "fullname": user.get_full_name() or user.username, "email": user.email},
        "status": asked.status,
        "timestamp": moment(asked.created),
        "fields": {"reason": asked.reason} if asked.reason else None,
    }


@answers("POST")
def handle(request, owner: str, name: str):
    net = model(request, owner, name, "manage")
    data = body(request)
    pk = text_of(data, "requestId")
    if pk:
        known = pk.isascii() and pk.isdigit() and len(pk) < 18
        asked = net.access_requests.filter(pk=pk).select_related("user").first() if known else None
        user = asked.user if asked else None
    else:
        user = _user(data)
    grants.decide(net, user, text_of(data, "status"), request.user)
    return ok()


@answers("POST")
def grant(request, owner: str, name: str):
    net = model(request, owner, name, "manage")
    return JsonResponse({"status": grants.grant(net, _user(body(request)), request.user).status})


def _user(data: dict) -> User:
    name = text_of(data, "user")
    if not name:
        raise Refused("no_user", "Say whom it is about: user.")
    user = User.objects.filter(username=text.clean(name), is_active=True).first()
    if user is None:
        raise NotFound("no_user", "There is no user of this name.")
    return user
