"""`Authorization: Bearer <token>` on any route: sets `request.user` and `request.token`, without cookie or session.

A token that is unknown is answered 401 everywhere, on public pages too. A token that can only read changes nothing:
its POST, PUT, PATCH and DELETE are refused here already, unless the view is marked `reads_only`. A `Refused` that a view
lets through becomes a page for people and JSON for programs.
"""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import render
from django.views.defaults import page_not_found

from zoo import errors, throttle, tokens
from zoo.access import may_write

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
INVALID = "Invalid credentials in Authorization header"  # the official Hub clients know this very text
FAILURES, WINDOW = 60, 300  # unknown tokens from one address in so many seconds


def reads_only(view):
    """Mark a view whose POST changes nothing, so that a token of scope read may use it."""
    view.reads_only = True
    return view


def bearer_token(get_response):
    def middleware(request):
        request.token = None
        scheme, _, plain = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == "bearer" and not request.path.startswith("/cas/"):  # there tokens are of another kind
            token = tokens.authenticate(plain.strip())
            if token is None:
                return _unknown(request)
            request.user, request.token = token.user, token
            request.user.token_scope = token.scope
            # A browser never sends this header by itself, so there is no forged request to guard against.
            request._dont_enforce_csrf_checks = True
        return get_response(request)

    def process_view(request, view, args, kwargs):
        if request.method in SAFE or may_write(request) or getattr(view, "reads_only", False):
            return None
        message = "This token can only read."
        return _answer(request, errors.Refused("read_only_token", message, "Use a token of scope write.", status=403))

    middleware.process_view = process_view
    middleware.process_exception = refusal_response
    return middleware


def refusal_response(request, exception) -> HttpResponse | None:
    """A page, the sign-in page, or JSON; anything but a `Refused` is not ours to answer."""
    if not isinstance(exception, errors.Refused):
        return None
    if isinstance(exception, errors.Moved):
        return errors.redirect(request, exception)
    if not _wants_page(request, exception):
        response = _answer(request, exception)
    elif exception.status == 401:
        return redirect_to_login(request.get_full_path())
    elif exception.status == 404:
        response = page_not_found(request, exception)
    else:
        response = render(request, "zoo/refused.html", {"refusal": exception}, status=exception.status)
    for name, value in exception.headers.items():
        response[name] = value
    return response


def _wants_page(request, exception: errors.Refused) -> bool:
    """Whether a person reads the answer: what is not there is a page for everyone but programs, which download or use the API."""
    if request.token or request.path.startswith("/api/"):
        return False
    accept, match = request.META.get("HTTP_ACCEPT", ""), request.resolver_match
    page = exception.status == 404 and "json" not in accept and match is not None and match.url_name != "resolve"
    return page or "text/html" in accept


def _answer(request, refusal: errors.Refused) -> HttpResponse:
    return errors.as_hub(request, refusal) if errors.speaks_hub(request) else errors.as_json(refusal)


def _unknown(request) -> HttpResponse:
    if not throttle.hit(f"token:{throttle.client_ip(request)}", FAILURES, WINDOW):
        refusal = errors.Refused(
            "too_many", "Too many unknown tokens from this address.", "Wait five minutes.", status=429
        )
        response = _answer(request, refusal)
        response["Retry-After"] = str(WINDOW)
        return response
    hint = "Make a token on the page /settings/tokens/, or leave the header out to read what is public."
    hint = "" if errors.speaks_hub(request) else hint
    response = _answer(request, errors.Refused("invalid_token", INVALID, hint, status=401))
    response["WWW-Authenticate"] = "Bearer"
    return response
