"""Every page: renders with nothing, with one row and with many; escapes what people wrote; loads nothing from elsewhere."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from evaluators.metrics import METRICS
from leaderboard.models import Benchmark
from leaderboard.views import boards
from tests.leaderboard.pages import HOSTILE, make_board, make_claim, make_entry, make_team, read
from zoo import commits
from zoo.models import Model, Namespace

pytestmark = pytest.mark.django_db

EMPTY = ("/", "/tasks/", "/benchmarks/", "/competitions/", "/docs/metrics/", "/search/", "/search/?q=nothing+here")


@pytest.fixture
def owner(db):
    return make_team("house")


@pytest.fixture
def ann(db):
    team = make_team("ann")
    client = Client()
    client.force_login(team.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def pages_of(board):
    return ("/", "/tasks/", board.task.get_absolute_url(), "/benchmarks/", board.get_absolute_url(), "/search/?q=board")


@pytest.mark.parametrize("address", EMPTY)
def test_pages_of_an_empty_service_teach_the_next_step(address, client):
    answer = client.get(address)
    assert answer.status_code == 200
    page = read(answer)
    assert "main" in page.ids and page.text


def test_a_board_without_entries_invites_the_first(owner, client):
    board = make_board(owner)
    for address in pages_of(board):
        page = read(client.get(address))
    page = read(client.get(board.get_absolute_url()))
    assert "Nothing has been measured here yet" in page.text
    assert reverse("submit", args=[board.slug]) in page.links


def test_pages_with_one_row_say_so(owner, client):
    board = make_board(owner)
    make_entry(board, name="The only one")
    for address in pages_of(board):
        read(client.get(address))
    page = read(client.get(board.get_absolute_url()))
    assert "The only one" in page.text and "the only ranked entry" in page.text


def test_a_row_says_rank_interval_value_evidence_n_and_where_it_came_from(owner, client):
    board = make_board(owner, labels="public")
    first = make_entry(board, "one", 0.81, kind="weights", name="Network")
    make_entry(board, "two", 0.62, name="Weak baseline")
    page = read(client.get(board.get_absolute_url()))
    assert "rank 1 , 95 % rank interval 1–1" in page.text
    assert "95 % interval 0.77 – to 0.8" in page.text  # heard as one: value, then interval
    assert f"0.81 , run {first.run_id}" in page.text
    assert "weights inputs public" in page.text
    assert first.get_absolute_url() in page.links
    assert f"/api/v1/submissions/{first.pk}/receipt" in page.links
    assert "significantly better than every other entry" in page.text
    assert "drawn at random in a test" in page.text, "known traps"
    assert "CC0 1.0" in page.text and "500 resamples" in page.text


def test_entries_too_close_to_tell_apart_stand_in_one_tied_group(owner, client):
    board = make_board(owner)
    for name, value in (("one", 0.80), ("two", 0.80), ("three", 0.79)):
        make_entry(board, name, value)
    text = read(client.get(board.get_absolute_url())).text
    assert "Tied for first:" in text and "Below the first" not in text
    assert "entries are tied for first" in text


def test_claims_stand_apart_and_have_no_rank(owner, client):
    board = make_board(owner)
    make_entry(board, "one", 0.8)
    make_claim(board, name="From a paper", doi="10.1001/jama.2017.18152")
    make_claim(board, name="Another metric", metric="sensitivity", value=0.905)
    text = read(client.get(board.get_absolute_url())).text
    assert text.index("Claimed, not measured here") > text.index("Entry of one")
    assert "sensitivity 0.905" in text and "0.936" in text
    without = read(client.get(board.get_absolute_url(), {"e": ["weights", "predictions"]})).text
    assert "From a paper" not in without


def test_one_patient_gives_no_interval_no_rank_and_the_reason(owner, client):
    board = make_board(owner, cases=1, patients=1)
    make_entry(board, "one", 0.8)
    for address in pages_of(board):
        read(client.get(address))
    text = read(client.get(board.get_absolute_url())).text
    assert "Not ranked:" in text and "one patient" in text and "no interval can be given" in text


def test_few_patients_are_said_in_words(owner, client):
    board = make_board(owner, cases=15, patients=15)
    make_entry(board, "one", 0.8)
    answer = client.get(board.get_absolute_url())
    assert "few patients" in read(answer).text and b"ci-few" in answer.content


def test_metric_evidence_and_row_filters_are_plain_addresses(owner, client):
    board = make_board(owner)
    make_entry(board, "one", 0.8, name="Best of one")
    make_entry(board, "one", 0.6, name="First try of one")
    make_entry(board, "two", 0.7, kind="weights", name="Network of two")
    address = board.get_absolute_url()
    best = read(client.get(address))
    assert "First try of one" not in best.text
    assert "First try of one" in read(client.get(address, {"rows": "all"})).text
    weights = read(client.get(address, {"e": "weights"})).text
    assert "Network of two" in weights and "Best of one" not in weights
    other = next(link for link in best.links if "metric=average_precision" in link)
    assert METRICS["average_precision"].title in read(client.get(address + other.partition("#")[0])).text
    assert client.get(address, {"metric": "no_such_metric"}).status_code == 404
    assert client.get(address, {"version": "7"}).status_code == 404
    assert client.get(address, {"version": "x"}).status_code == 404


def test_an_earlier_version_says_that_it_is_one(owner, client):
    old = make_board(owner)
    Benchmark.objects.filter(pk=old.pk).update(current=False)
    make_board(owner, version=2, task="task-chest")
    text = read(client.get(old.get_absolute_url(), {"version": 1})).text
    assert "earlier version" in text
    assert "earlier version" not in read(client.get(old.get_absolute_url())).text


def test_what_people_wrote_is_shown_as_text_and_never_run(owner, client, ann):
    Namespace.objects.filter(pk=owner.pk).update(title=HOSTILE)
    source = {"name": HOSTILE, "licence": HOSTILE, "citation": HOSTILE, "url": "javascript:alert(3)"}
    board = make_board(
        owner, title=HOSTILE, description=HOSTILE, labels="public",
        manifest={"source": source, "traps": [HOSTILE], "classes": [HOSTILE, "b"]},
    )  # fmt: skip
    board.task.title = board.task.question = board.task.specialty = board.task.modality = HOSTILE
    board.task.save()
    entry = make_entry(
        board, "ann", name=HOSTILE, description=HOSTILE, note=HOSTILE, external_data=HOSTILE, filename=HOSTILE
    )
    make_entry(board, "two", 0.6, name=HOSTILE)
    make_claim(board, name=HOSTILE, citation=HOSTILE, cohort=HOSTILE, source=HOSTILE, doi='"><script>')
    addresses = (*pages_of(board), entry.get_absolute_url(), reverse("submit", args=[board.slug]), "/submissions/")
    for address in (*addresses, f"/search/?q={HOSTILE}"):
        answer = ann.get(address)
        assert answer.status_code == 200, address
        assert b"<script>alert" not in answer.content and b"<img src=x" not in answer.content, address
        read(answer)


def test_a_number_without_outside_help_names_its_metric_and_formula(client):
    page = read(client.get("/docs/metrics/"))
    for name, metric in METRICS.items():
        assert name in page.ids, f"{name} has no place on the page of metrics"
        assert " ".join(metric.formula.split()) in page.text


def test_private_boards_are_on_no_page_of_a_stranger(owner, client, ann):
    board = make_board(owner, "hidden-one", private=True, title="Board nobody knows")
    entry = make_entry(board, "house", name="Entry nobody knows")
    for address in ("/", "/tasks/", "/benchmarks/", "/search/?q=nobody"):
        for who in (client, ann):
            assert b"nobody knows" not in who.get(address).content, address
    for address in (board.get_absolute_url(), board.task.get_absolute_url(), entry.get_absolute_url()):
        assert client.get(address).status_code == ann.get(address).status_code == 404


def questions(client, address) -> int:
    """How often a page asks the database, once everything it may keep is kept."""
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
        return len(asked)


def declaring(owner, index) -> dict:
    """A public model whose card declares a result."""
    card = {"model-index": [{"results": [{"metrics": [{"type": "auroc", "value": 0.9}]}]}]}
    model = Model.objects.create(namespace=owner, name=f"net{index}", card=card)
    return {"model": model, "revision": "a" * 40}


def test_a_board_asks_the_database_as_often_for_many_entries_as_for_few(owner, client):
    board = make_board(owner, labels="public")
    for index in range(3):
        make_entry(board, f"team{index}", 0.6 + 0.02 * index, kind="weights", **declaring(owner, index))
    few = questions(client, board.get_absolute_url())
    for index in range(3, 15):
        make_entry(board, f"team{index}", 0.6 + 0.02 * index, **declaring(owner, index))
    assert client.get(board.get_absolute_url()).content.decode().count("measured here") == 15
    assert questions(client, board.get_absolute_url()) <= few <= 24
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        client.get(board.get_absolute_url())
    assert len(asked) <= 24


def test_the_first_page_asks_a_bounded_number_of_questions_for_each_board(owner, client):
    for index in range(2):
        make_entry(make_board(owner, f"board{index}"), "one")
    few = questions(client, "/")
    for index in range(2, 6):
        make_entry(make_board(owner, f"board{index}"), "one")
    assert questions(client, "/") <= few + 4 * 8


def test_a_board_of_many_rows_shows_the_first_and_the_way_to_the_rest(owner, client, monkeypatch):
    monkeypatch.setattr(boards, "ROWS", 5)
    monkeypatch.setattr(boards, "LEADING", 3)
    board = make_board(owner)
    for index in range(8):
        make_entry(board, f"team{index}", 0.9 - 0.02 * index)
    page = read(client.get(board.get_absolute_url()))
    assert "Show 3 more rows" in page.text and "Entry of team7" not in page.text
    rest = next(link for link in page.links if "show=all" in link)
    assert "Entry of team7" in read(client.get(board.get_absolute_url() + rest.partition("#")[0])).text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_is_a_plain_link_that_sets_a_cookie_and_comes_back(theme, client):
    answer = client.get("/settings/theme/", {"to": theme, "next": "/tasks/?x=1"})
    assert answer.status_code == 302 and answer["Location"] == "/tasks/?x=1"
    assert f'data-theme="{theme}"' in client.get("/").content.decode()
    client.get("/settings/theme/", {"to": "system"})
    assert "data-theme=" not in client.get("/").content.decode().partition(">")[2].partition("<body>")[0]


def test_language_is_a_plain_link_that_sets_a_cookie(client):
    answer = client.get("/settings/language/", {"to": "en", "next": "/tasks/"})
    assert answer["Location"] == "/tasks/" and answer.cookies["django_language"].value == "en"
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "ja"}).content.decode()


@pytest.mark.parametrize(
    "wrong", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "/\\elsewhere"]
)
def test_preferences_never_lead_elsewhere(wrong, client):
    assert client.get("/settings/theme/", {"to": "dark", "next": wrong})["Location"] == "/"
    assert client.get("/settings/theme/", {"to": "purple"}).status_code == 400
    assert client.get("/settings/language/", {"to": "tlh"}).status_code == 400


def test_search_finds_what_has_every_word(owner, client):
    make_board(owner, "lung", title="Nodules in lung CT")
    make_board(owner, "breast", title="Masses in breast ultrasound")
    text = read(client.get("/search/", {"q": "lung nodules"})).text
    assert "Nodules in lung CT" in text and "breast ultrasound" not in text
    assert "Nothing found" in read(client.get("/search/", {"q": "lung ultrasound"})).text
    assert client.get("/search/", {"q": "a\x00b" * 500}).status_code == 200


def test_a_models_page_shows_what_was_measured_here(owner, client):
    board, team = make_board(owner), make_team("ann")
    model = commits.create_model(team, "network", author=team.user)
    head = commits.resolve(model, "main").oid
    entry = make_entry(board, team, 0.812, kind="weights", model=model, revision=head)
    page = read(client.get(model.get_absolute_url()))
    assert "Measured here" in page.text and "0.81" in page.text and "0.812" not in page.text
    assert entry.get_absolute_url() in page.links and board.get_absolute_url() in page.links
