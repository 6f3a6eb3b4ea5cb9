"""How a page says no: what a verb refuses becomes a page with the reason and what to do next, never a 500."""

import functools

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from zoo.errors import NotFound, Refused


def page(view):
    """Turn Refused into its page: 404 like any other, 401 into signing in and coming back, others with their reason."""

    @functools.wraps(view)
    def answer(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except NotFound as missing:
            raise Http404(missing.message) from missing
        except Refused as refusal:
            if refusal.status == 401:
                return sign_in(request)
            return refused(request, refusal)

    return answer


def sign_in(request):
    return redirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")


def refused(request, refusal: Refused):
    response = render(request, "refused.html", {"refusal": refusal}, status=refusal.status)
    return with_headers(response, refusal)


def with_headers(response, refusal: Refused):
    """What a refusal tells programs, such as Retry-After."""
    for name, value in refusal.headers.items():
        response.headers[name] = value
    return response
