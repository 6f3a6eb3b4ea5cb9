"""What all routes of the hub share: who asks, how bodies are read, how refusals and long lists are answered."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from zoo import access, errors, uploads
from zoo.blobs import Incomplete
from zoo.errors import NotFound, Refused
from zoo.middleware import SAFE
from zoo.models import Model

MAX_JSON = 4 << 20


def answers(*methods: str, reads_only: bool = False) -> Callable:
    """Make a view a route of the hub for these methods. A POST that changes nothing is `reads_only`: any token will do."""

    def decorate(view):
        @csrf_exempt  # no cookie counts: a session is laid aside below
        @wraps(view)
        def answer(request, *args, **kwargs):
            if request.method not in SAFE and request.token is None:
                request.user = AnonymousUser()
            try:
                _require_method(request, methods)
                return view(request, *args, **kwargs)
            except Refused as refusal:
                return errors.as_hub(request, refusal)

        answer.reads_only = reads_only
        return answer

    return decorate


def by_method(**views) -> Callable:
    """One address, another view for each method: `by_method(GET=a, POST=b)`."""

    @csrf_exempt
    def answer(request, *args, **kwargs):
        view = views.get("GET" if request.method == "HEAD" else request.method)
        if view is None:
            return errors.as_hub(request, _no_method(request, tuple(views)))
        return view(request, *args, **kwargs)

    return answer


def _require_method(request, methods: tuple[str, ...]) -> None:
    if request.method not in methods and not (request.method == "HEAD" and "GET" in methods):
        raise _no_method(request, methods)


def _no_method(request, methods: tuple[str, ...]) -> Refused:
    refusal = Refused("method", f"{request.method} is not answered here.", f"Use {' or '.join(methods)}.", status=405)
    refusal.headers["Allow"] = ", ".join(methods)
    return refusal


def model(request, owner: str, name: str, action: str = "see") -> Model:
    """The model, if this person may do `action` to it. Missing and private are refused alike, before all else."""
    found = access.find_model(request.user, owner, name)
    if action != "see":
        access.require(request, action, found)
        if found.disabled and action == "write":
            raise disabled()
    return found


def disabled() -> Refused:
    return Refused("disabled", "Access to this resource is disabled.", status=403)  # clients know this very text


def closed(request, net: Model) -> Refused:
    """Why the files of a model that one sees cannot be downloaded."""
    if net.disabled:
        return disabled()
    status = 403 if request.user.is_authenticated else 401
    hint = f"Ask for it on the page /{net}." if request.user.is_authenticated else "Sign in, and ask for it."
    refusal = Refused("gated", "Access to this model's files needs to be granted.", hint, status=status)
    refusal.headers["X-Error-Code"] = "GatedRepo"
    return refusal


def unknown_model(message: str = "There is no such model, or you may not see it.") -> NotFound:
    refusal = NotFound("model_not_found", message)
    refusal.headers["X-Error-Code"] = "RepoNotFound"
    return refusal


def base(request) -> str:
    """This server's address as the client wrote it, without a slash at the end."""
    return request.build_absolute_uri("/").rstrip("/")


def read(request, limit: int) -> bytes:
    """The whole body. Raises `Refused`: 411 without a length, 413 beyond `limit`, 400 where it was cut off."""
    length = uploads.length(request)
    if length > limit:
        raise Refused(
            "too_large", f"A request here has at most {limit:,} bytes.", "Send fewer things at once.", status=413
        )
    try:
        data = request.read(length)
    except OSError as error:
        raise Incomplete("The request did not arrive whole.") from error
    if len(data) != length:
        raise Incomplete("The request did not arrive whole.")
    return data


def as_data(raw: bytes) -> dict:
    """A JSON object. Raises `Refused` (400)."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused("bad_json", "The request is not JSON.") from error
    if not isinstance(data, dict):
        raise Refused("bad_json", "The request is not a JSON object.")
    return data


def body(request, limit: int = MAX_JSON) -> dict:
    return as_data(read(request, limit))


def text_of(data: dict, key: str, default: str = "") -> str:
    """A text in a body; null and nothing are `default`. Raises `Refused` (400) for another type."""
    value = data.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Refused("bad_value", f"{key} must be a text.")
    return value


def is_true(value) -> bool:
    return str(value).lower() in ("true", "1")


def whole(request, name: str, default: int, most: int) -> int:
    """A number in the query, between 1 and `most`; what is no number is `default`."""
    given = request.GET.get(name, "")
    return min(max(int(given), 1), most) if given.isascii() and given.isdigit() and len(given) < 10 else default


def paged(request, rows: Sequence, show: Callable, size: int, most: int = 1000) -> JsonResponse:
    """One page of a list, with the address of the next in `Link`. `rows` can be sliced; `show` makes JSON of a page."""
    size = whole(request, "limit", size, most)
    given = request.GET.get("cursor", "")
    start = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
    page = list(rows[start : start + size + 1])
    response = JsonResponse(show(page[:size]), safe=False)
    if len(page) > size:
        query = request.GET.copy()
        query["cursor"], query["limit"] = str(start + size), str(size)
        address = f"{request.build_absolute_uri(request.path)}?{urlencode(list(_pairs(query)))}"
        response["Link"] = f'<{address}>; rel="next"'
    return response


def _pairs(query):
    for key, values in query.lists():
        yield from ((key, value.encode("utf-8", "replace")) for value in values)


@answers("GET", "POST", "PUT", "DELETE")
def nothing(request, rest: str = ""):
    """Whatever else a client may ask of /api/, of data sets and of spaces."""
    if request.path.startswith("/api/models/"):
        raise unknown_model()
    refusal = NotFound("only_models", "This server does not answer that; it holds models only.")
    if not request.path.startswith("/api/") or rest.startswith(("datasets/", "spaces/")):
        refusal.headers["X-Error-Code"] = "RepoNotFound"
    raise refusal


def ok(data: dict | None = None) -> HttpResponse:
    return JsonResponse(data or {})


def moment(when) -> str:
    """A time as the clients' parser takes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
