"""What every template knows: theme, the section of the navigation one is in, and where preference links come back to."""

from django.conf import settings
from django.utils.functional import SimpleLazyObject

THEMES = ("system", "light", "dark")
SECTIONS = ("models", "tasks", "benchmarks", "competitions")


def site(request) -> dict:
    """`kensa.theme` in THEMES, `.section` in SECTIONS or "", `.back` (this page's path), `.signup`, `.mail`, `.url`, `.query`.

    Not named "site": allauth's views give that name to something else.
    Error pages may be rendered before the session middleware ran, so nothing here needs more than the request line.
    """
    theme = request.COOKIES.get("theme", "system")
    first = request.path.split("/", 2)[1] if "/" in request.path else ""
    return {
        "kensa": {
            "theme": theme if theme in THEMES else "system",
            "themes": THEMES,
            "section": first if first in SECTIONS else "",
            "back": request.get_full_path() if request.method == "GET" else request.path,
            "signup": settings.SIGNUP,
            "mail": settings.MAIL,
            "url": SimpleLazyObject(lambda: request.build_absolute_uri("/").rstrip("/")),
            "query": request.GET.get("q", "") if first == "search" else "",
        }
    }
