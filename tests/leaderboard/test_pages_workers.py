"""The page of workers: counts for everyone, each worker and what it runs for operators; limits before one submits."""

import pytest
from django.utils import timezone

from evaluators import workers
from evaluators.models import Run, Worker
from tests.leaderboard.pages import make_board, make_entry, make_team, read
from zoo import accounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry():
    workers.tell("ward-7:42", ["cpu", "gpu"], 2)
    workers.tell("cellar:1", ["cpu"], 1)
    Worker.objects.filter(name="ward-7:42").update(device="A device")
    Worker.objects.filter(name="cellar:1").update(seen=timezone.now() - timezone.timedelta(hours=2))
    made = make_entry(make_board(make_team("house")), status="running", name="A secret entry")
    Run.objects.filter(pk=made.run_id).update(worker="ward-7:42", stage="predicting", progress=35)
    return made


def test_everyone_sees_how_many_and_how_busy_and_nobodys_run(client, entry):
    page = read(client.get("/workers/"))
    assert not page.faults
    assert "A device" in page.text and "Runs at the same time 2" in page.text
    assert "ward-7" not in page.text and "A secret entry" not in page.text


def test_an_operator_sees_each_worker_when_it_was_seen_and_what_it_runs(client, entry):
    client.force_login(accounts.create_user("op", operator=True), backend="django.contrib.auth.backends.ModelBackend")
    page = read(client.get("/workers/"))
    assert not page.faults
    assert "ward-7:42" in page.text and "A secret entry" in page.text and "35 % running the network" in page.text
    assert "cellar:1" in page.text and "gone" in page.text


def test_the_limits_of_a_run_are_said_before_one_submits(client):
    board = make_board(make_team("house"), manifest={"limits": {"seconds": 7200, "memory_bytes": 4_000_000_000}})
    client.force_login(accounts.create_user("ann"), backend="django.contrib.auth.backends.ModelBackend")
    page = read(client.get(f"/benchmarks/{board.slug}/submit/"))
    assert "2 h and 4 GB of memory" in page.text, page.text
    said = client.get(f"/api/v1/benchmarks/{board.slug}").json()
    assert said["run_limits"] == {"seconds": 7200, "memory_bytes": 4_000_000_000}
