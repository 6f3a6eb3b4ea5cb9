"""The order of waiting runs: first looks first, teams and benchmarks in turn, small before large; places that agree with it."""

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from evaluators import queues, runs, workers
from evaluators.models import Run, Worker
from tests.evaluators.test_runs import new, package

pytestmark = pytest.mark.django_db


def made(row, team="a", kind="predictions", **changes):
    run = runs.create(row, kind, {"files": {"p": random.randbytes(8).hex()}}, scope=f"team:{team}")
    Run.objects.filter(pk=run.pk).update(**changes)
    run.refresh_from_db()
    return run


def order(**choice):
    return [waiting.pk for waiting in queues.order("cpu", **choice)]


def test_teams_take_turns_however_many_runs_each_has_waiting():
    row = package()
    many = [made(row, "a") for _ in range(4)]
    few = [made(row, "b"), made(row, "c")]

    assert order() == [many[0].pk, few[0].pk, few[1].pk, many[1].pk, many[2].pk, many[3].pk]


def test_a_team_that_had_its_turns_within_the_hour_waits_for_the_others():
    row, now = package(), timezone.now()
    made(row, "a", status="scored", started=now - timedelta(minutes=5), finished=now)
    made(row, "b", status="scored", started=now - timedelta(hours=2), finished=now)
    first, second = made(row, "a"), made(row, "b")
    assert order() == [second.pk, first.pk]


def test_benchmarks_take_turns_where_teams_are_equal_and_then_the_smaller_and_the_older_go_first():
    one, other = package(), package(digest="e" * 64)
    a, b, c = made(one, "a"), made(one, "b"), made(other, "c")
    assert order() == [a.pk, c.pk, b.pk]
    Run.objects.filter(pk=a.pk).update(priority=7)
    assert order() == [b.pk, c.pk, a.pk]


def test_first_looks_go_before_full_runs_and_repetitions_last():
    row = package()
    repeated = made(row, "d", replaces=made(row, "z", status="scored"))
    looked = made(row, "a", "weights", looked=True)
    file, fresh = made(row, "b"), made(row, "c", "weights")
    assert order() == [fresh.pk, looked.pk, file.pk, repeated.pk]
    assert order(looks=False) == [looked.pk, file.pk, fresh.pk, repeated.pk]


def test_weights_that_passed_their_look_go_on_unless_others_come_first():
    row = package()
    mine = made(row, "a", "weights")
    assert runs.pass_look(runs.claim(mine.pk, "w")), "nobody else waits"

    made(row, "a", status="scored", started=timezone.now())
    other, theirs = made(row, "a", "weights"), made(row, "b")
    assert not runs.pass_look(runs.claim(other.pk, "w"))
    other.refresh_from_db()
    assert (other.status, other.attempt, other.looked) == (Run.Status.QUEUED, 0, True)
    assert order() == [theirs.pk, other.pk]
    assert runs.claim_next(other.pk, "w").run_id == theirs.pk
    assert runs.claim_next(theirs.pk, "w").run_id == other.pk
    assert runs.claim_next(theirs.pk, "w") is None


def test_places_and_waits_follow_the_order_and_the_workers_there_are():
    row, now = package(), timezone.now()
    for seconds in (10, 20, 30):
        started = now - timedelta(hours=3)
        made(row, "z", status="scored", started=started, finished=started + timedelta(seconds=seconds))
    waiting = [made(row, team) for team in "aaab"]
    lines = queues.Lines()
    found = [lines.place(run) for run in waiting]
    assert [place.position for place in found] == [1, 3, 4, 2]
    assert [place.wait for place in found] == [20, 60, 80, 40]

    workers.tell("here:1", ["cpu"], 2)
    assert [queues.place(run).wait for run in waiting] == [20, 40, 40, 20]
    running = made(row, "c", status="running", started=now - timedelta(seconds=15))
    assert queues.place(running) is None and queues.place(waiting[3]).wait == 25  # after it, on the second of two


def test_thousands_of_waiting_runs_are_dealt_fairly_to_the_last():
    rows = [package(), package(digest="e" * 64)]
    draw = random.Random(1)
    Run.objects.bulk_create(
        Run(
            package=draw.choice(rows),
            kind="predictions",
            answer={},
            answer_digest=str(n),
            scope=f"team:{draw.choice('abcde')}",
        )
        for n in range(2000)
    )
    dealt, had = queues.order("cpu"), Counter()
    left = Counter(run.scope for run in dealt)
    for run in dealt:
        had[run.scope] += 1
        left[run.scope] -= 1
        waiting = [had[scope] for scope in had if left[scope]]
        assert not waiting or max(waiting) - min(waiting) <= 1
    assert len(dealt) == 2000


def test_weights_go_to_a_gpu_where_a_living_worker_has_one_and_come_back_when_it_is_gone():
    assert queues.choose("weights", 10) == {"queue": "cpu", "priority": 5}
    workers.tell("gpu:1", ["gpu", "cpu"], 1)
    assert queues.choose("weights", 10)["queue"] == "cpu", "it serves the queue and has no device"
    Worker.objects.update(device="A device")
    assert queues.choose("weights", 1 << 30) == {"queue": "gpu", "priority": 7}
    assert queues.choose("predictions", 10)["queue"] == "cpu"

    run = made(package(), kind="weights", queue="gpu", rung=timezone.now() - timedelta(minutes=5))
    assert queues.rescue() == 0
    Worker.objects.update(seen=timezone.now() - timedelta(minutes=5))
    assert queues.rescue() == 1
    run.refresh_from_db()
    assert run.queue == "cpu"


def test_a_worker_tells_its_device_as_the_driver_names_it_and_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "GPUS", tmp_path)
    assert workers.device() == "" and workers.memory() > 1 << 28
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text("Model: \t\t A100\nIRQ: 1\n")
    workers.tell("here:1", ["cpu"], 2)
    assert Worker.objects.get().device == "2 x A100" and workers.slots("cpu") == 2 and workers.slots("gpu") == 0
    workers.leave("here:1")
    assert not workers.alive()


def test_of_one_team_new_runs_are_taken_in_their_order():
    first, second = new(package(), n=2)
    assert runs.claim_next(second.pk, "w").run_id == first.pk
