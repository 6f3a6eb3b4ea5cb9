"""Every route answers every member of the cast as `access` says, and never with a 500.

A route that is not in the table below fails the test: whoever adds one says here who may use it.
"""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from leaderboard import access
from tests.world import CAST, SECRET, build
from zoo import access as zoo_access

# What a GET of the route needs: None (anyone), "signed in", or (action, on what). First match wins.
GETS = [
    (r"^accounts/|^i18n/|^invite/", None),
    (r"^api/v1/(openapi\.json|docs)", None),
    (r"^api/v1/models", ("see", "model")),
    (r"^api/v1/benchmarks/<slug>/inputs", ("download_inputs", "board")),
    (r"^(api/v1/)?benchmarks/<slug>/submit/", ("submit", "board")),
    (r"^(api/v1/)?benchmarks/<slug>", ("see", "board")),
    (r"^(api/v1/)?submissions/<pk>", ("see", "submission")),
    (r"^settings/(theme|language)/", None),
    (r"^settings/invitations/", ("invite", "site")),
    (r"^settings/organisations/<name>", ("manage namespace", "lab")),
    (r"^settings/|^models/new/|^submissions/$", "signed in"),
    (r"^metrics$", ("invite", "site")),
    (r"^<owner>/<name>/(settings)", ("manage", "model")),
    (r"^<owner>/<name>/(upload)", ("write", "model")),
    (r"^<owner>/<name>", ("see", "model")),
    (r"", None),
]
VALUES = {
    "owner": "lab", "pk": 1, "rest": "main/README.md", "branch": "main", "code": "no-such-code", "path": "README.md",
    "revision": "main", "rev": "main", "key": "x", "uidb36": "1", "provider": "x",
}  # fmt: skip


def routes():
    """Every (pattern as text with <names>) of the service, sorted."""

    def walk(patterns, prefix=""):
        for pattern in patterns:
            text = prefix + re.sub(r"[\^$]|\\Z|\\z", "", str(pattern.pattern))
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, text)
            else:
                yield re.sub(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", lambda match: f"<{match[1] or match[2]}>", text)

    return sorted(set(walk(get_resolver().url_patterns)))


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock(), transaction.atomic():
        made = build(tmp_path_factory.mktemp("world"))
        made.clients = {}
        for name, person in made.people.items():
            client = made.clients[name] = Client(raise_request_exception=False)
            if name != "anonymous":
                client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        yield made
        transaction.set_rollback(True)


def fill(route: str, world, secret: bool) -> str:
    model = world.secret_model if secret else world.open_model
    board = world.secret_board if secret else world.open_board
    values = VALUES | {
        "name": "lab" if "organisations" in route else model.name,
        "slug": "tumour" if "tasks/" in route else board.slug,
        "pk": (world.waiting if secret else world.entry).pk,
    }
    return "/" + re.sub(r"<(\w+)>", lambda match: str(values.get(match[1], "x")), route)


def allowed(need, name: str, world, secret: bool) -> bool:
    person = world.people[name]
    if need is None:
        return True
    if need == "signed in":
        return name != "anonymous"
    action, thing = need
    if thing == "site":
        return zoo_access.can(person, action, None)
    if thing == "lab":
        return zoo_access.can(person, action, world.lab)
    if thing == "model":
        return zoo_access.can(person, action, world.secret_model if secret else world.open_model)
    if thing == "board":
        board = world.secret_board if secret else world.open_board
        return access.visible_benchmarks(person).filter(pk=board.pk).exists() and access.can(person, action, board)
    found = world.waiting if secret else world.entry
    return access.visible_submissions(person).filter(pk=found.pk).exists()


@pytest.mark.parametrize("secret", [False, True], ids=["open", "secret"])
@pytest.mark.parametrize("route", routes())
def test_a_get_answers_each_of_the_cast_as_access_says(route, secret, world, django_db_blocker):
    need = next(need for pattern, need in GETS if re.search(pattern, route))
    url = fill(route, world, secret)
    with django_db_blocker.unblock():
        for name in CAST:
            may = allowed(need, name, world, secret)
            answer = world.clients[name].get(url)
            body = b"" if answer.streaming else answer.content
            assert answer.status_code < 500, f"{name} GET {url}: {answer.status_code}"
            if may:
                refused = answer.status_code in (401, 403) or (
                    answer.status_code == 302 and "/login" in answer["Location"]
                )
                assert not refused, f"{name} may GET {url}, but got {answer.status_code}"
            else:
                assert answer.status_code in (302, 401, 403, 404, 405), (
                    f"{name} may not GET {url}: {answer.status_code}"
                )
                assert answer.status_code != 302 or "login" in answer["Location"], (
                    f"{name} GET {url}: {answer['Location']}"
                )
            if secret and name in ("stranger", "anonymous"):
                assert SECRET.encode() not in body.replace(url.encode(), b""), f"{name} learns of a secret at {url}"


@pytest.mark.parametrize("route", routes())
def test_an_empty_post_is_refused_but_never_an_error_of_ours(route, world, django_db_blocker):
    with django_db_blocker.unblock():
        for name in ("stranger", "anonymous"):
            for secret in (False, True):
                url = fill(route, world, secret)
                answer = world.clients[name].post(url)
                assert answer.status_code < 500, f"{name} POST {url}: {answer.status_code}"
                assert (
                    answer.status_code != 200
                    or b"error" in answer.content
                    or route.startswith(("accounts", "settings", "i18n", "models"))
                )
