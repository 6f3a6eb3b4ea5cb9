"""Theme and language: plain links that set a cookie and come back. Nothing is stored on the server."""

from django.conf import settings
from django.http import HttpResponseBadRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from zoo.context import THEMES

YEAR = 365 * 24 * 3600


def _choose(request, cookie: str, allowed):
    choice = request.GET.get("to", "")
    if choice not in allowed:
        return HttpResponseBadRequest(f"to must be one of {', '.join(allowed)}")
    back = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    response.set_cookie(
        cookie, choice, max_age=YEAR, samesite="Lax", httponly=True, secure=settings.SESSION_COOKIE_SECURE
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
def theme(request):
    return _choose(request, "theme", THEMES)


@require_safe
def language(request):
    return _choose(request, settings.LANGUAGE_COOKIE_NAME, [code for code, _ in settings.LANGUAGES])
