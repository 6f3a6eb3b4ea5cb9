"""Real workers and a real broker, killed at the worst moment, on both databases: every run ends once, with one result."""

import contextlib
import os
import shlex
import signal
import time
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from evaluators import package as packages
from evaluators import runs, tasks
from evaluators.models import Run, Score
from evaluators.sandbox import _children
from tests.evaluators import networks
from tests.evaluators.site import wait_for
from tests.packages import binary, binary_answer
from zoo import blobs


def store(folder: Path):
    with packages.read(folder) as read:
        return packages.store(read)


def answer(row, *paths: Path, kind="predictions"):
    names = {path: path.name if kind == "weights" else "predictions" + path.suffix for path in paths}
    files = {name: blobs.put_path(path).sha256 for path, name in names.items()}
    return runs.create(row, kind, {"files": files}, scope="team:1")


def status(run):
    run.refresh_from_db()
    return run.status


def ended(run, site, seconds=60):
    try:
        wait_for(lambda: status(run) not in Run.OPEN, seconds, every=0.2)
    except AssertionError:
        raise AssertionError(f"{run.status} {run.stage}\n{site.log()}") from None
    assert run.status == Run.Status.SCORED, f"{run.status} {run.error} {run.log}\n{site.log()}"


@pytest.fixture
def small(site, tmp_path):
    """A stored package of predictions, and a function that hands in another answer each time."""
    labels = binary(tmp_path / "package", n=60)
    row = store(tmp_path / "package")

    def hand_in(seed=2):
        score = binary_answer(tmp_path / f"{seed}.csv", labels, seed=seed)
        run = answer(row, tmp_path / f"{seed}.csv")
        run.expected = roc_auc_score(labels, score)
        return run

    return hand_in


def family(pid):
    found = _children(pid)
    return [pid] + [other for child in found for other in family(child)]


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_file_is_scored_by_a_real_worker_as_a_library_scores_it(site, small):
    site.broker()
    site.worker()
    run = small()
    assert runs.ring(run)

    ended(run, site)

    row = run.scores.get(metric="auroc", subset="all", part="")
    assert row.value == pytest.approx(run.expected, abs=1e-12)
    assert row.low < row.value < row.high and row.n == 60 and row.patients == 30
    assert blobs.exists(run.details) and run.receipt and run.provenance["versions"]["numpy"]


def test_a_worker_killed_amid_a_run_of_weights_is_made_good_within_30_seconds(site, tmp_path):
    site.broker()
    networks.pictures(tmp_path / "package", n=300)
    row = store(tmp_path / "package")
    folder = networks.slow(tmp_path / "model")
    run = answer(row, *folder.iterdir(), kind="weights")
    worker = site.worker()
    runs.ring(run)
    wait_for(lambda: status(run) == Run.Status.RUNNING and run.opened_real_case and run.progress >= 5, 90)

    children = family(worker.pid)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    killed = time.monotonic()
    site.worker()
    wait_for(lambda: status(run) == Run.Status.RUNNING and run.attempt == 2, 30)
    assert time.monotonic() - killed < 30

    ended(run, site, 120)
    assert run.attempt == 2 and run.scores.filter(metric="auroc", subset="all", part="").count() == 1


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_child_killed_alone_costs_the_team_nothing(site, tmp_path):
    """The network's own process is killed, as by a machine short of memory: ours to try again, not their fault."""
    networks.pictures(tmp_path / "package", n=300)
    row = store(tmp_path / "package")
    folder = networks.slow(tmp_path / "model")
    run = answer(row, *folder.iterdir(), kind="weights")
    site.broker()
    worker = site.worker()
    runs.ring(run)
    wait_for(lambda: status(run) == Run.Status.RUNNING and run.opened_real_case, 90)

    os.kill(family(worker.pid)[-1], signal.SIGKILL)

    wait_for(lambda: status(run) == Run.Status.QUEUED or run.attempt == 2, 15)
    assert run.faults == [] and run.error == ""


def test_messages_that_come_twice_evaluate_once(site, small):
    site.broker()
    site.worker(concurrency=4)
    made = [small(seed) for seed in range(3)]
    for run in made * 4:
        runs.ring(run)
    for run in made:
        ended(run, site)
    wait_for(lambda: runs._waiting("cpu") == 0)
    assert [run.attempt for run in made] == [1, 1, 1], [run.log for run in made] + [site.log()]
    assert Score.objects.filter(metric="auroc", subset="all", part="").count() == 3


def test_the_broker_killed_and_its_data_lost_the_queued_runs_finish(site, small):
    broker = site.broker()
    site.worker()
    first = small(0)
    runs.ring(first)
    ended(first, site)
    made = [small(seed) for seed in range(1, 4)]
    site.lose_broker(broker)
    for run in made:
        assert not runs.ring(run)
    time.sleep(1)
    site.broker()
    for run in made:
        ended(run, site)
    again = small(9)  # and the worker has found the new broker
    wait_for(lambda: runs._waiting("cpu") == 0)
    runs.ring(again)
    rung = again.rung
    ended(again, site)
    assert again.rung == rung, "found by a sweep, not by its message"


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_queued_runs_finish_even_if_the_broker_never_comes_back(site, small):
    broker = site.broker()
    site.worker()
    first = small(0)
    runs.ring(first)
    ended(first, site)
    site.lose_broker(broker)
    made = [small(1), small(2)]
    for run in made:
        ended(run, site)


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_run_cancelled_while_it_runs_stops_its_child(site, tmp_path):
    networks.pictures(tmp_path / "package", n=300)
    row = store(tmp_path / "package")
    folder = networks.slow(tmp_path / "model", layers=80)
    run = answer(row, *folder.iterdir(), kind="weights")
    site.broker()
    worker = site.worker()
    runs.ring(run)
    wait_for(lambda: status(run) == Run.Status.RUNNING and run.opened_real_case, 90)
    assert len(family(worker.pid)) >= 5

    assert runs.cancel(run)

    wait_for(lambda: len(family(worker.pid)) == 2, 10)  # the worker and its zygote
    assert status(run) == Run.Status.CANCELLED and run.scores.count() == 0


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_worker_asked_to_end_gives_its_run_back_at_once(site, tmp_path):
    networks.pictures(tmp_path / "package", n=300)
    row = store(tmp_path / "package")
    run = answer(row, *networks.slow(tmp_path / "model", layers=80).iterdir(), kind="weights")
    site.broker()
    worker = site.worker()
    runs.ring(run)
    wait_for(lambda: status(run) == Run.Status.RUNNING and run.opened_real_case, 90)

    worker.terminate()

    assert worker.wait(15) == 0, site.log()
    assert status(run) == Run.Status.QUEUED and run.attempt == 0, f"{run.log}\n{site.log()}"


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_worker_without_a_sandbox_refuses_to_run_and_says_why(site):
    lock = "echo 0 > /proc/sys/user/max_user_namespaces && exec " + shlex.join(site.worker_command())
    worker = site.start(["unshare", "--user", "--map-root-user", "sh", "-c", lock], "worker.log")
    assert worker.wait(40) == 3
    assert "does not start" in site.log() and "KENSA_SANDBOX=none" in site.log()


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_an_error_of_ours_gives_the_run_back(site, small):
    run = small()
    (blobs.path(run.package.files["cases.csv"]["sha256"])).unlink()
    tasks.evaluate(run.pk)
    assert status(run) == Run.Status.QUEUED and run.attempt == 1
    assert "cases.csv" in run.log or "No such file" in run.log
