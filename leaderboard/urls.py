"""The root of all routes: pages and REST first, the zoo's `<owner>/<name>` last."""

from django.urls import include, path

from leaderboard.api import api

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", api.urls),
    path("", include("leaderboard.views.urls")),
    path("", include("zoo.hub.urls")),
    path("", include("zoo.urls")),
]
