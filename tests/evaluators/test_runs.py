"""The life of a run, on both databases: exactly one winner, nothing lost, nothing done twice."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from evaluators import chains, receipts, runs
from evaluators.models import Package, Run, Score

S = Run.Status


def package(**changes):
    manifest = {"slug": "t", "version": 1, "kind": "classification"}
    values = {
        "digest": "d" * 64,
        "slug": "t",
        "version": 1,
        "manifest": manifest,
        "files": {},
        "cases": 3,
        "patients": 3,
    }
    return Package.objects.create(salt="s" * 32, **values | changes)


def new(row, n=1, **changes):
    made = [
        runs.create(row, "predictions", {"files": {"p.csv": f"{i:064d}"}}, scope="team:1", **changes) for i in range(n)
    ]
    return made[0] if n == 1 else made


def score(**changes):
    values = {"metric": "auroc", "subset": "all", "part": "", "value": 0.8, "low": 0.7, "high": 0.9, "error": 0.05}
    return Score(**values | {"n": 3, "patients": 3, "method": "percentile", "reason": ""} | changes)


def late(run):
    """As if the lease had run out."""
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def run(site):
    return new(package())


def test_of_many_workers_exactly_one_gets_a_run(site):
    waiting = new(package(), n=5)
    won, start = [], threading.Barrier(6)

    def work(name):
        try:
            start.wait()
            for run in waiting:
                if lease := runs.claim(run.pk, name):
                    won.append((run.pk, lease.attempt))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [(run.pk, 1) for run in waiting]


def test_a_finished_run_has_scores_receipt_and_no_lease(run):
    lease = runs.claim(run.pk, "w")
    assert runs.beat(lease, "predicting", 43.9)
    run.refresh_from_db()
    assert (run.status, run.progress, run.stage, run.attempt) == (S.RUNNING, 40, "predicting", 1)

    assert runs.finish(lease, [score(), score(subset="public")], details="e" * 64, provenance={"device": "cpu"})

    run.refresh_from_db()
    assert (run.status, run.progress, run.lease, run.lease_until, run.scores.count()) == (S.SCORED, 100, "", None, 2)
    assert receipts.verify(run.receipt) == []
    assert not runs.finish(lease, [score()]) and not runs.fail(lease, "x") and not runs.beat(lease)
    assert Score.objects.count() == 2


def test_a_worker_that_lost_its_lease_can_write_nothing(run):
    slow = runs.claim(run.pk, "slow")
    late(run)
    assert runs.sweep() == 2  # put back, and rung for
    quick = runs.claim(run.pk, "quick")

    assert quick.attempt == 2
    assert not runs.beat(slow) and not runs.finish(slow, [score()]) and not runs.reject(slow, "x", [])
    assert runs.finish(quick, [score()])
    assert Score.objects.count() == 1


def test_failures_of_ours_are_tried_three_times_then_refunded(run):
    for attempt in (1, 2, 3):
        lease = runs.claim(run.pk, "w")
        assert lease.attempt == attempt
        assert runs.fail(lease, "internal", log="what happened")
    run.refresh_from_db()
    assert (run.status, run.error, run.log) == (S.FAILED, "internal", "what happened")
    assert runs.claim(run.pk, "w") is None
    assert Run.objects.filter(runs.REFUNDED).count() == 1


def test_a_run_that_is_given_back_has_lost_no_attempt(run):
    assert runs.release(runs.claim(run.pk, "w"))
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lease) == (S.QUEUED, 0, "")
    assert runs.claim(run.pk, "w").attempt == 1


def test_a_worker_that_dies_three_times_ends_the_run(run):
    for _ in range(3):
        assert runs.claim(run.pk, "w")
        late(run)
        runs.sweep()
    run.refresh_from_db()
    assert (run.status, run.error) == (S.FAILED, "lost")


def test_a_rejected_run_keeps_the_faults_and_costs_only_after_a_real_case(site):
    first, second = new(package(), n=2)
    for run, opened in ((first, False), (second, True)):
        lease = runs.claim(run.pk, "w")
        assert runs.beat(lease, "predicting", 0, opened_real_case=opened)
        assert runs.beat(lease, "predicting", 10)
        assert runs.reject(lease, "faults", [{"message": str(n)} for n in range(60)], count=70, log="for the organiser")
    first.refresh_from_db()
    assert first.status == S.REJECTED and len(first.faults) == 50
    assert first.faults[-1] == {"message": "and 21 more faults"}
    assert list(Run.objects.filter(runs.REFUNDED)) == [first]


def test_a_cancelled_run_stops_its_worker_and_ended_runs_stay(run):
    lease = runs.claim(run.pk, "w")
    assert runs.cancel(run)
    assert not runs.beat(lease) and not runs.finish(lease, [score()])
    assert not runs.cancel(run)
    run.refresh_from_db()
    assert run.status == S.CANCELLED and run.scores.count() == 0


def test_without_a_broker_ringing_says_so_and_the_sweep_evaluates(run):
    assert not runs.ring(run)
    seen = []
    assert runs.sweep(evaluate=seen.append) == 0  # not long enough in the queue
    Run.objects.update(rung=timezone.now() - timedelta(seconds=60))
    assert runs.sweep(evaluate=seen.append) == 1
    assert seen == [run.pk]
    assert runs.sweep(evaluate=seen.append) == 0


def test_a_run_that_failed_or_was_rung_for_in_vain_is_rung_for_again_and_again(run, monkeypatch):
    monkeypatch.setattr(runs, "RING_AGAIN", timedelta(milliseconds=20))
    assert runs.fail(runs.claim(run.pk, "w"), "internal")
    seen = []
    for _ in range(3):
        time.sleep(0.1)
        assert runs.sweep(evaluate=seen.append) == 1
    assert seen == [run.pk] * 3


def test_sweeps_of_two_workers_ring_once_and_never_flood_the_broker(site):
    broker = site.broker()
    new(package(), n=40)
    Run.objects.update(rung=timezone.now() - timedelta(seconds=60))
    first, second = runs.sweep(), runs.sweep()
    assert first == runs.RINGS and second == 0
    assert runs._waiting("cpu") == runs.RINGS
    site.lose_broker(broker)
    assert runs._waiting("cpu") == 0


def test_an_answer_is_reused_within_its_scope_and_evaluator_only(run, monkeypatch):
    same = {"package": run.package, "kind": "predictions", "answer_digest": run.answer_digest}
    assert runs.reusable(**same, scope="team:1") == run
    assert runs.reusable(**same, scope="team:2") is None
    lease = runs.claim(run.pk, "w")
    runs.finish(lease, [score()])
    assert runs.reusable(**same, scope="team:1") == run
    monkeypatch.setattr("evaluators.__version__", "99")
    assert runs.reusable(**same, scope="team:1") is None
    other = new(package(digest="f" * 64))
    runs.cancel(other)
    assert runs.reusable(other.package, "predictions", other.answer_digest, "team:1") is None


def test_a_receipt_with_a_changed_number_or_another_key_is_found_out(run):
    runs.finish(runs.claim(run.pk, "w"), [score()])
    run.refresh_from_db()
    released = receipts.release(run, *chains.place(run), {"scores": [{"metric": "auroc", "value": 0.8}]})
    assert receipts.verify(released) == []
    assert run.package.digest not in str(released) and "0" * 64 not in str(released)

    released["statement"]["scores"][0]["value"] = 0.9
    assert "changed" in receipts.verify(released)[0]
    assert receipts.verify(run.receipt, public_key="A" * 43 + "=") != []
    assert receipts.verify({}) != [] and receipts.verify({"statement": 3, "signature": "", "public_key": ""}) != []
