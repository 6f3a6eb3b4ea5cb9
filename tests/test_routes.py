"""Every route answers every member of the cast as `access` says, and never with a 500.

A route that is not in the table below fails the test: whoever adds one says here who may use it.
"""

import re
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from evaluators.models import Run
from leaderboard import access
from leaderboard.models import Audit, Benchmark, Competition, Participant, Submission
from tests.world import CAST, SECRET, build
from zoo import access as zoo_access
from zoo.models import Membership, Model, Namespace, Token

pytestmark = pytest.mark.django_db

# What a GET of the route needs: None (anyone), "signed in", allauth's own rules, or (action, on what). First match wins.
GETS = [
    (r"^accounts/", "allauth decides"),
    (r"^i18n/|^invite/", None),
    (r"^api/v1/(openapi\.json|docs)", None),
    (r"^api/v1/models/<owner>/<name>/pieces", ("write", "model")),
    (r"^api/v1/models/<", ("see", "model")),
    (r"^api/v1/me$", "signed in"),
    (r"^(benchmarks|competitions)/new/", "signed in"),
    (r"^competitions/<slug>/webhooks/", ("change", "contest")),
    (r"^competitions/<slug>/certificate", ("compete", "contest")),
    (r"^notifications/unsubscribe/", None),
    (r"^notifications/", "signed in"),
    (r"^competitions/<slug>/manage/", ("see_audit", "contest")),
    (r"^api/v1/competitions/<slug>/(team|submissions)$", ("see", "contest of who is signed in")),
    (r"^competitions/<slug>/(team|enter)/", ("see", "contest of who is signed in")),
    (r"^(api/v1/)?competitions/<slug>", ("see", "contest")),
    (r"^api/v1/benchmarks/<slug>/case-scores", ("see_finer", "board")),
    (r"^api/v1/benchmarks/<slug>/inputs", ("download_inputs", "board")),
    (r"^(api/v1/)?benchmarks/<slug>/submit/", ("submit", "board")),
    (r"^(api/v1/)?benchmarks/<slug>", ("see", "board")),
    (r"^(api/v1/)?submissions/<pk>", ("see", "submission")),
    (r"^settings/(theme|language)/", None),
    (r"^settings/invitations/", ("invite", "site")),
    (r"^settings/organisations/<name>/$", ("create", "lab")),
    (r"^settings/organisations/<name>/", ("manage namespace", "lab")),
    (r"^settings/|^models/new/|^submissions/$", "signed in"),
    (r"^metrics$", ("invite", "site")),
    (r"^api/repos/|^api/whoami|^settings/access/", "signed in"),
    (r"^api/models/<owner>/<name>/xet-write-token", ("write", "model")),
    (r"^api/models/<owner>/<name>/user-access-request", ("manage", "model")),
    (r"^api/models/<owner>/<name>", ("see", "model")),
    (r"^<owner>/<name>/(settings)", ("manage", "model")),
    (r"^<owner>/<name>/(upload)", ("write", "model")),
    (r"^<owner>/<name>", ("see", "model")),
    (r"", None),
]
VALUES = {
    "owner": "lab", "pk": 1, "rest": "main/README.md", "branch": "main", "code": "no-such-code", "path": "README.md",
    "revision": "main", "rev": "main", "kind": "read", "status": "pending", "key": "x", "uidb36": "1", "provider": "x",
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
    contest = world.secret_contest if secret else world.open_contest
    values = VALUES | {
        "name": "lab" if "organisations" in route else model.name,
        "slug": "tumour" if "tasks/" in route else contest.slug if "competitions/" in route else board.slug,
        "pk": (world.waiting if secret else world.entry).pk,
    }
    return "/" + re.sub(r"<(\w+)>", lambda match: str(values.get(match[1], "x")), route)


def allowed(need, name: str, world, secret: bool) -> bool:
    person = world.people[name]
    if need in (None, "allauth decides"):
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
    if "contest" in thing:
        contest = world.secret_contest if secret else world.open_contest
        if "signed in" in thing and name == "anonymous":
            return False
        return access.visible_competitions(person).filter(pk=contest.pk).exists() and access.can(
            person, action, contest
        )
    found = world.waiting if secret else world.entry
    return access.visible_submissions(person).filter(pk=found.pk).exists()


@pytest.mark.parametrize("secret", [False, True], ids=["open", "secret"])
@pytest.mark.parametrize("route", routes())
def test_a_get_answers_each_of_the_cast_as_access_says(route, secret, world):
    need = next(need for pattern, need in GETS if re.search(pattern, route))
    url = fill(route, world, secret)
    for name in CAST:
        may = allowed(need, name, world, secret)
        answer = world.clients[name].get(url)
        body = b"" if answer.streaming else answer.content
        assert answer.status_code < 500, f"{name} GET {url}: {answer.status_code}"
        if need == "allauth decides":
            continue
        if may:
            refused = answer.status_code in (401, 403) or (answer.status_code == 302 and "/login" in answer["Location"])
            assert not refused, f"{name} may GET {url}, but got {answer.status_code}"
        else:
            told = answer.status_code, answer.headers.get("Location", "")
            only_a_slash = told == (301, url.rstrip("/"))  # the same for what does not exist
            to_sign_in = told[0] == 302 and "login" in told[1]
            assert told[0] in (401, 403, 404, 405) or to_sign_in or only_a_slash, f"{name} may not GET {url}: {told}"
        if secret and name in ("stranger", "anonymous"):
            for own in (url, quote(url, safe=""), quote(url)):  # the address asked for may come back
                body = body.replace(own.encode(), b"")
            assert SECRET.encode() not in body, f"{name} learns of a secret at {url}"


def counted() -> dict:
    tables = (Membership, Model, Namespace, Token, Benchmark, Submission, Run, Competition, Participant, Audit)
    return {table.__name__: table.objects.count() for table in tables}


@pytest.mark.parametrize("route", routes())
def test_an_empty_post_of_a_stranger_is_no_error_of_ours_and_changes_nothing(route, world):
    before = counted()
    for name in ("stranger", "anonymous"):
        for secret in (False, True):
            url = fill(route, world, secret)
            answer = world.clients[name].post(url)
            assert answer.status_code < 500, f"{name} POST {url}: {answer.status_code}"
    changed = {table for table, count in counted().items() if count != before[table]}
    enters = "competitions/<slug>/enter" in route  # which whoever is signed in may, and no more
    assert changed <= ({"Participant"} if enters else set())
    assert Run.objects.get(pk=world.waiting.run_id).status == Run.Status.QUEUED
