"""What every template knows: theme, the section of the navigation one is in, and where preference links come back to."""

from django.conf import settings
from django.utils.functional import SimpleLazyObject

THEMES = ("system", "light", "dark")
SECTIONS = ("models", "tasks", "benchmarks", "competitions")


def site(request) -> dict:
    """`site.theme` in THEMES, `site.section` in SECTIONS or "", `site.back` (this page's path), `site.signup`.

    Error pages may be rendered before the session middleware ran, so nothing here needs more than the request line.
    """
    theme = request.COOKIES.get("theme", "system")
    first = request.path.split("/", 2)[1] if "/" in request.path else ""
    return {
        "site": {
            "theme": theme if theme in THEMES else "system",
            "themes": THEMES,
            "section": first if first in SECTIONS else "",
            "back": request.get_full_path() if request.method == "GET" else request.path,
            "signup": settings.SIGNUP,
            "url": SimpleLazyObject(lambda: request.build_absolute_uri("/").rstrip("/")),
            "query": request.GET.get("q", "") if first == "search" else "",
        }
    }
