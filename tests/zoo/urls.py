"""The zoo's routes with stand-ins for the pages above it, so that these tests need the zoo alone."""

from django.http import HttpResponse
from django.urls import include, path
from ninja import NinjaAPI

from zoo.api import router

api = NinjaAPI(urls_namespace="zoo-tests", docs_url=None)
api.add_router("/models", router)


def stand_in(request, **kwargs):
    return HttpResponse("stand-in")


_ABOVE = "tasks benchmarks competitions metrics_docs healthz metrics search submissions language theme accessibility"
urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("api/v1/", api.urls),
    path("", stand_in, name="home"),
    *[path(f"{name}/", stand_in, name=name) for name in _ABOVE.split()],
    path("tasks/<str:slug>/", stand_in, name="task"),
    path("benchmarks/<str:slug>/", stand_in, name="benchmark"),
    path("benchmarks/<str:slug>/submit/", stand_in, name="submit"),
    path("submissions/<int:pk>/", stand_in, name="submission"),
    path("", include("zoo.urls")),
]
