"""The first page: what is new, and the leading entry of each task."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard import forest
from leaderboard.views import overview


@require_safe
def home(request):
    leaders = overview.state_of_the_art(request.user)
    context = {
        "specialties": overview.by_specialty(leaders),
        "axis": forest.UNIT,
        "recent": overview.recent(request.user),
        "facts": overview.facts(request.user),
    }
    return render(request, "leaderboard/home.html", context)
