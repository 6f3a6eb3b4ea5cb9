"""Pages that machines and unlucky people see: health, metrics, errors, accounts."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from evaluators.models import Run
from tests.leaderboard.pages import make_board, make_entry, make_team, read
from zoo import accounts, tokens

pytestmark = pytest.mark.django_db


def test_health_is_ok_without_work_and_degraded_without_a_broker(client):
    answer = client.get("/healthz")
    told = answer.json()
    assert answer.status_code == 200, "a lost broker is made good by a sweep"
    assert set(told["checks"]) == {"database", "storage", "broker", "workers"}
    assert told["checks"]["database"] == told["checks"]["storage"] == told["checks"]["workers"] == "ok"
    assert answer["Cache-Control"].startswith("max-age=0")


def test_health_says_when_nobody_takes_a_waiting_run(client):
    waiting = make_entry(make_board(make_team("house")), status="queued")
    assert client.get("/healthz").json()["checks"]["workers"] == "ok", "it came just now"
    Run.objects.filter(pk=waiting.run_id).update(created=timezone.now() - timezone.timedelta(minutes=5))
    assert client.get("/healthz").json()["checks"]["workers"] == "stale"


def test_health_is_down_where_nothing_can_be_stored(client, settings, tmp_path):
    file = tmp_path / "a-file"
    file.write_text("not a folder")
    settings.STORAGE_URL = (file / "blobs").as_uri()
    answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["checks"]["storage"] == "down"


def test_metrics_are_for_operators_and_in_the_text_format(client):
    make_entry(make_board(make_team("house")))
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics").json()["error"]["hint"]
    operator = accounts.create_user("watcher", operator=True)
    reader = tokens.create(operator, "prometheus", "read")[1]
    assert client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {reader}").status_code == 403, "a lesser token"
    admin = tokens.create(operator, "prometheus", "admin")[1]
    answer = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {admin}")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/plain; version=0.0.4")
    text = answer.content.decode()
    line = re.compile(r'^[a-z_]+(\{[a-z]+="[a-z0-9_]+"(,[a-z]+="[a-z0-9_]+")*\})? [-+.e0-9]+$')
    assert all(row.startswith(("# HELP ", "# TYPE ")) or line.match(row) for row in text.splitlines()), text
    assert 'kensa_runs{status="scored",kind="predictions"} 1' in text


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"])
def test_error_pages_render_with_no_context_at_all(template):
    html = render_to_string(template)
    assert "<h1>" in html and "style=" not in html


def test_a_missing_page_helps_and_names_no_path(client):
    for address in ("/benchmarks/no-such/", "/tasks/no-such/", "/submissions/999999/"):
        answer = client.get(address)
        assert answer.status_code == 404 and "nothing at this address" in read(answer).text


def test_an_old_form_is_answered_with_what_to_do(db):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/accounts/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 403 and "The form is too old" in read(answer).text


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
def test_account_pages_wear_our_frame(address, client):
    answer = client.get(address)
    assert answer.status_code == 200
    page = read(answer)
    assert "How scores are made" in page.text and "Menu:" not in page.text


@pytest.mark.parametrize(
    "address", ["/accounts/password/change/", "/accounts/2fa/", "/accounts/logout/", "/accounts/reauthenticate/"]
)
def test_account_pages_of_a_person_wear_our_frame(address):
    person = make_team("ann").user
    person.set_password("four unrelated words 42")
    person.save()
    client = Client()
    assert client.post("/accounts/login/", {"login": "ann", "password": "four unrelated words 42"}).status_code == 302
    answer = client.get(address)
    assert answer.status_code == 200
    read(answer)


@pytest.mark.parametrize(("mode", "words"), [("invite", "By invitation"), ("closed", "Closed")])
def test_where_sign_up_is_not_open_the_page_says_how_to_get_in(mode, words, client, settings):
    settings.SIGNUP = mode
    assert words in read(client.get("/accounts/signup/")).text
    assert "Sign up" not in read(client.get("/accounts/login/")).text


def test_a_wrong_password_is_said_in_the_form(client):
    make_team("ann")
    answer = client.post("/accounts/login/", {"login": "ann", "password": "wrong"})
    assert answer.status_code == 200 and "password" in read(answer).text


def test_every_page_forbids_what_is_not_its_own(client):
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe-inline" not in policy


def test_the_sign_in_page_offers_to_sign_up_where_that_is_open(client, settings):
    settings.SIGNUP = "open"
    assert "/accounts/signup/" in " ".join(read(client.get("/accounts/login/")).links)
