"""The frame of the REST API: one shape of error, HEAD wherever GET is, ETags, and the doors (session or bearer token).

Guarantees that no answer is an HTML page, that a session cannot be used from another site (CSRF), and that an upload
too large is refused before its first byte is read.
"""

import hashlib
import logging

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import re_path
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from evaluators.faults import Faults
from leaderboard import intake
from zoo import errors, throttle
from zoo.errors import Refused

log = logging.getLogger(__name__)

FORM_BYTES = 1 << 20  # what the fields beside a file may add
UPLOADS, UPLOAD_WINDOW = 120, 3600  # uploads of one user in so many seconds
PAGE, LARGEST_PAGE = 50, 200
SAFE = ("GET", "HEAD", "OPTIONS")
STATUS_CODES = {400: "bad_request", 401: "sign_in", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many"}  # fmt: skip


class Api(NinjaAPI):
    """NinjaAPI whose every route goes through `_guarded`, and whose unknown addresses answer JSON."""

    def _get_urls(self):
        patterns = super()._get_urls()
        for pattern in patterns:
            pattern.callback = _guarded(pattern.callback)
        return [*patterns, re_path(r"^.*$", _guarded(csrf_exempt(_unknown)))]


def _guarded(view):
    """HEAD as GET without its body; CSRF for sessions; large uploads refused by their announced length."""

    def guarded(request, *args, **kwargs):
        head = request.method == "HEAD"
        if head:
            request.method = "GET"
        refused = _door(request)
        response = refused or view(request, *args, **kwargs)
        if response.status_code == 405 and "json" not in response.headers.get("Content-Type", ""):
            response = _method_not_allowed(request, response)
        if (
            request.method == "GET"
            and response.status_code == 200
            and not response.streaming
            and "ETag" not in response
        ):
            response = with_etag(request, response)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return _without_body(request, response) if head else response

    guarded.csrf_exempt = True
    guarded.__dict__.update({key: value for key, value in vars(view).items() if key != "csrf_exempt"})
    return guarded


def _door(request) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = max(settings.MAX_PREDICTION_BYTES, settings.MAX_FILE_BYTES) + FORM_BYTES
    if not length.isdecimal() or int(length) > limit:
        return answer_refusal(
            Refused("too_large", "This request is too large.", f"At most {limit:,} bytes.", status=413)
        )
    if request.method in SAFE or getattr(request, "token", None) is not None or not request.user.is_authenticated:
        return None
    if check_csrf(request) is None:
        return None
    hint = "Send the X-CSRFToken header with the csrftoken cookie, or a bearer token instead of the session."
    return answer_refusal(Refused("csrf", "This session's request carries no CSRF token.", hint, status=403))


def _without_body(request, response) -> HttpResponse:
    """The headers of what GET would answer."""
    request.method = "HEAD"
    bare = HttpResponse(status=response.status_code)
    bare.headers, bare.cookies = response.headers, response.cookies
    bare._resource_closers = response._resource_closers  # an opened file is closed when the server ends the answer
    if not response.streaming:
        bare.headers.setdefault("Content-Length", str(len(response.content)))
    return bare


def _method_not_allowed(request, response) -> JsonResponse:
    allowed = response.headers.get("Allow", "GET")
    message = f"{request.method} is not possible here."
    made = JsonResponse(errors.body("method_not_allowed", message, f"Use {allowed}."), status=405)
    made["Allow"] = allowed
    return made


def _unknown(request, *args, **kwargs) -> JsonResponse:
    hint = "See /api/v1/openapi.json for every address of this API."
    return JsonResponse(errors.body("not_found", "There is no such address.", hint), status=404)


class SignedIn(HttpBearer):
    """A signed-in person, by bearer token or by session; the token's scope was checked by the middleware."""

    def __call__(self, request):
        return self.authenticate(request, "")

    def authenticate(self, request, token):
        if not request.user.is_authenticated:
            raise Refused(
                "sign_in", "You need to be signed in for this.", "Sign in, or send a bearer token.", status=401
            )
        return request.user


class Uploader(SignedIn):
    """A signed-in person who has not sent too many files lately, nor one too large. Runs before the body is read."""

    def authenticate(self, request, token):
        user = super().authenticate(request, token)
        limit = settings.MAX_PREDICTION_BYTES + FORM_BYTES
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise Refused("too_large", "This file is too large.", f"At most {limit:,} bytes are taken.", status=413)
        if not throttle.hit(f"upload:{user.pk}", UPLOADS, UPLOAD_WINDOW):
            raise too_many("Too many uploads in the last hour.", UPLOAD_WINDOW)
        return user


class Organiser(SignedIn):
    """A signed-in person who has not sent too many packages lately, nor one too large. Runs before the body is read."""

    def authenticate(self, request, token):
        user = super().authenticate(request, token)
        intake.admit(user, int(request.META.get("CONTENT_LENGTH") or 0))
        return user


def too_many(message: str, seconds: int) -> Refused:
    refusal = Refused("too_many", message, f"Try again in {seconds} seconds.", status=429)
    refusal.headers["Retry-After"] = str(seconds)
    return refusal


def answer_refusal(refusal: Refused) -> JsonResponse:
    response = errors.as_json(refusal)
    for name, value in refusal.headers.items():
        response[name] = value
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def answer_faults(faults: Faults) -> JsonResponse:
    """422: every fault (the first 50, and how many there are) with line and column of the participant's own file."""
    shown = [fault.as_dict() for fault in faults.faults]
    count = faults.count
    message = "1 fault was found." if count == 1 else f"{count:,} faults were found."
    first = faults.faults[0] if faults.faults else None
    hint = ". ".join(part.rstrip(".") for part in (first.message, first.hint) if part) + ". " if first else ""
    body = errors.body("faulty", message, f"{hint}Nothing was kept, and no quota was used.")
    return JsonResponse(body | {"faults": shown, "count": count}, status=422)


def handle_errors(api: NinjaAPI) -> NinjaAPI:
    """Give every kind of failure the one shape."""
    handlers = {
        Refused: lambda request, error: answer_refusal(error),
        Faults: lambda request, error: answer_faults(error),
        ValidationError: _invalid,
        HttpError: lambda request, error: _status(error.status_code, str(error)),
        Http404: lambda request, error: _status(404, "There is nothing here, or you may not see it."),
        MultiPartParserError: lambda request, error: _status(400, "The form could not be read."),
        BadRequest: lambda request, error: _status(400, "The request could not be read."),
        RequestDataTooBig: lambda request, error: _status(413, "The fields of this form are too large."),
        SuspiciousOperation: lambda request, error: _status(400, "The request could not be read."),
        Exception: _ours,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)
    return api


def _status(status: int, message: str) -> JsonResponse:
    hint = "See /api/v1/openapi.json for what this address takes."
    return JsonResponse(errors.body(STATUS_CODES.get(status, "refused"), message, hint), status=status)


def _invalid(request, error: ValidationError) -> JsonResponse:
    """Parameters of the wrong type: each by name, without repeating what was sent."""
    faults = [
        {"line": None, "column": None, "message": f"{'.'.join(map(str, item['loc'][1:])) or 'request'}: {item['msg']}"}
        for item in error.errors[:50]
    ]
    body = errors.body(
        "invalid", "The request has parameters that cannot be used.", faults[0]["message"] if faults else ""
    )
    return JsonResponse(body | {"faults": faults, "count": len(error.errors)}, status=422)


def _ours(request, error: Exception) -> JsonResponse:
    """Nothing of the error reaches the reader: it could quote what is hidden."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    message = "Something failed on our side."
    return JsonResponse(errors.body("internal", message, "Try again; if it stays, tell the operator."), status=500)


def with_etag(request, response: HttpResponse) -> HttpResponse:
    """304 where the reader has this very answer. The tag is over what this reader sees, never over what is hidden."""
    digest = hashlib.sha256(response.content).hexdigest()[:32]
    tag = f'"{digest}"'
    wanted = [item.strip().removeprefix("W/") for item in request.headers.get("If-None-Match", "").split(",")]
    if tag in wanted or "*" in wanted:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    response["ETag"] = tag
    return response


def page(request, rows, name: str, show, limit: int = PAGE, offset: int = 0) -> dict:
    """One page of a queryset: `count` of all, the rows under `name`, `next` as an address or None."""
    limit, offset = min(max(limit, 1), LARGEST_PAGE), min(max(offset, 0), 10**9)
    count = rows.count()
    after = offset + limit
    query = request.GET.copy()
    query["limit"], query["offset"] = limit, after
    following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}") if after < count else None
    return {"count": count, name: [show(row) for row in rows[offset:after]], "next": following}


def cut(request, board, limit: int, offset: int) -> str | None:
    """Leave one page of the board's entries in it; the address of the next, or None."""
    limit, offset = min(max(limit or PAGE, 1), LARGEST_PAGE), max(offset, 0)
    after, count = offset + limit, len(board.entries)
    board.entries = board.entries[offset:after]
    query = request.GET.copy()
    query["limit"], query["offset"] = limit, after
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}") if after < count else None


def docs() -> dict:
    """The page to try the API, only where its files are served from here: no page loads anything from elsewhere."""
    served = "ninja" in settings.INSTALLED_APPS
    return {"docs": Swagger(), "docs_url": "/docs"} if served else {"docs_url": None}
