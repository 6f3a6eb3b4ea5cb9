"""Who may read a benchmark: everyone, whoever knows the address, or members; its organisers choose."""

import pytest
from django.urls import reverse

from leaderboard import benchmarks
from tests.leaderboard.pages import make_board, make_entry, read
from zoo.errors import Refused

pytestmark = pytest.mark.django_db
LISTS = ["/", "/benchmarks/", "/tasks/", "/search/?q=Board", "/api/v1/benchmarks", "/api/v1/tasks"]


@pytest.fixture
def board(cast):
    made = make_board(cast.hospital, "quiet", title="Board of the quiet", labels="public")
    make_entry(made, "team0", 0.9)
    return made


def named(client) -> list[str]:
    return [page for page in LISTS if b"quiet" in client.get(page).content]


def test_an_unlisted_benchmark_is_read_by_address_and_named_by_no_list(board, client, cast):
    assert named(client) == LISTS
    benchmarks.choose_readers(board, "unlisted", cast.member)
    assert named(client) == [] or named(client) == ["/search/?q=Board"], named(client)
    for address in (
        "/benchmarks/quiet/",
        "/api/v1/benchmarks/quiet/leaderboard",
        "/benchmarks/quiet/feed/",
        "/api/v1/benchmarks/quiet/receipts",
    ):
        assert client.get(address).status_code == 200
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    assert "/benchmarks/" in named(client)


def test_a_private_benchmark_is_read_by_members_alone_and_opens_again(board, client, cast):
    benchmarks.choose_readers(board, "private", cast.owner)
    assert client.get("/benchmarks/quiet/").status_code == 404 and named(client) == []
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    page = read(client.get("/benchmarks/quiet/"))
    assert "Who may read it" in page.text
    answer = client.post(reverse("benchmark_reading", args=["quiet"]), {"reading": "public"})
    assert answer.status_code == 302
    client.logout()
    assert client.get("/benchmarks/quiet/").status_code == 200


def test_only_organisers_choose_by_page_and_by_rest(board, client, cast, bearer):
    for person in (cast.stranger, cast.ann):
        with pytest.raises(Refused):
            benchmarks.choose_readers(board, "private", person)
    assert client.post("/api/v1/benchmarks/quiet/reading", {"reading": "private"}).status_code == 401
    assert (
        client.post("/api/v1/benchmarks/quiet/reading", {"reading": "private"}, **bearer(cast.ann)).status_code == 403
    )
    said = client.post("/api/v1/benchmarks/quiet/reading", {"reading": "unlisted"}, **bearer(cast.member))
    assert (said.status_code, said.json()["reading"]) == (200, "unlisted")
    assert client.post("/api/v1/benchmarks/quiet/reading", {"reading": "all"}, **bearer(cast.member)).status_code == 422
    assert "Who may read it" not in read(client.get("/benchmarks/quiet/")).text
