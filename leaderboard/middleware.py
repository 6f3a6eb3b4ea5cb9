"""What holds on every page: its headers, by which nothing is loaded from, or sent to, another origin; and that none is blank."""

from django.shortcuts import render

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def headers(get_response):
    """Add the content security policy unless a view set one of its own."""

    def middleware(request):
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response

    return middleware


def told(get_response):
    """Whoever opens the address of a form in a browser gets a page that says so, in place of an empty one."""

    def middleware(request):
        response = get_response(request)
        if (
            response.status_code != 405
            or request.method != "GET"
            or "text/html" not in request.headers.get("Accept", "")
        ):
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response.headers.get("Allow", "")
        return page

    return middleware
