"""/client/: the command line client, installed from this very server; and its place in a package index of one."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from leaderboard.client import wheels

EXAMPLE = """from kensa import Client

client = Client()  # the server and token of kensa login
print(client.check("BENCHMARK", "answer.csv") or "no fault")
made = client.submit("BENCHMARK", "answer.csv", name="My entry")
print(client.wait(made["id"])["scores"])
"""


@require_safe
def page(request):
    """What the client does and how it is installed."""
    return _page(request)


@require_safe
def wheel(request, name: str):
    """The wheel that pip installs; under another name, the page with the name of today's."""
    if name != wheels.NAME:
        return _page(request, status=404)
    return HttpResponse(wheels.wheel(), content_type="application/zip")


@require_safe
def source(request):
    """The module itself, to be read or copied."""
    return HttpResponse(wheels.SOURCE.read_text(), content_type="text/plain; charset=utf-8")


@require_safe
def index(request, project: str = ""):
    """A simple index (PEP 503): pip install --index-url .../client/simple/ kensa."""
    link = (
        f'<a href="/client/{wheels.NAME}">{wheels.NAME}</a>' if project else '<a href="/client/simple/kensa/">kensa</a>'
    )
    return HttpResponse(f"<!DOCTYPE html><html><head><title>kensa</title></head><body>{link}</body></html>")


def _page(request, status: int = 200):
    address = request.build_absolute_uri("/").rstrip("/")
    told = {"address": address, "wheel": wheels.NAME, "example": EXAMPLE}
    return render(request, "leaderboard/client.html", told, status=status)
