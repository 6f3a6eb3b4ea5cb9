"""submissions.submit: what is taken, what is refused, what it costs, and what it leaves behind."""

import pytest
from django.utils import timezone

from evaluators import queues, runs
from evaluators.faults import Faults
from evaluators.models import Run
from leaderboard import benchmarks, submissions
from leaderboard.models import Benchmark, Quota, Submission
from tests.packages import binary
from zoo import blobs, commits
from zoo.errors import NotFound, Refused
from zoo.models import Blob


def test_a_good_file_becomes_a_submission_a_run_and_a_blob_and_the_bell_rings(
    submit, cast, benchmark, bell, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        submission = submit(name=" Best so far ", note="ours", paper_url="https://example.org/paper")
    run = submission.run
    assert (submission.name, submission.note, submission.team, submission.author) == (
        "Best so far",
        "ours",
        cast.lab,
        cast.ann,
    )
    assert run.status == Run.Status.QUEUED and bell == [run.pk] and not submission.reused
    (sha256,) = run.answer["files"].values()
    assert blobs.exists(sha256) and submission.size == Blob.objects.get(pk=sha256).size
    assert submissions.remaining(benchmark, cast.lab) == benchmark.daily_limit - 1


@pytest.mark.parametrize("wait", [True, False])
def test_the_same_file_again_is_answered_from_the_first_run_for_free(submit, cast, benchmark, finished, wait):
    first = submit()
    if wait:
        finished(first.run, {"auroc": (0.8, [0.7, 0.8, 0.9])})
    second, third = submit(), submit(user=cast.mate, name="Under another name")
    assert second == first and second.reused
    assert third != first and third.run == first.run and third.reused
    assert submissions.remaining(benchmark, cast.lab) == benchmark.daily_limit - 1
    assert Run.objects.count() == 1


def test_the_same_bytes_under_another_file_name_are_the_same_answer(benchmark, cast, answer):
    first = submissions.submit(benchmark, cast.lab, cast.ann, file=answer(name="one.csv"), name="a")
    second = submissions.submit(benchmark, cast.lab, cast.ann, file=answer(name="two.CSV"), name="a")
    assert second.run == first.run


def test_another_team_with_the_same_file_is_evaluated_again(submit, cast):
    first, second = submit(), submit(team=cast.bens, user=cast.ben)
    assert second.run != first.run and not second.reused
    assert Blob.objects.count() == len({*first.run.answer["files"].values()}) + _package_blobs(first)


def _package_blobs(submission):
    return len({file["sha256"] for file in submission.benchmark.package.files.values()})


def test_over_the_limit_is_429_with_the_time_to_wait_and_keeps_nothing(submit, benchmark, cast):
    Benchmark.objects.update(daily_limit=2)
    benchmark.refresh_from_db()
    first = submit(seed=1)
    submit(seed=2)
    known = Blob.objects.count()
    with pytest.raises(Refused) as refused:
        submit(seed=3)
    assert refused.value.status == 429 and 0 < refused.value.retry_after <= 86400
    assert Submission.objects.count() == 2 and Blob.objects.count() == known
    assert submit(seed=1) == first, "what was answered is answered again, limit or not"
    assert submit(team=cast.bens, user=cast.ben, seed=3).run.status == Run.Status.QUEUED


def _end(run, how, opened):
    lease = runs.claim(run.pk, "test")
    if opened:
        runs.beat(lease, "running", 10, opened_real_case=True)
    if how == "failed":
        Run.objects.filter(pk=run.pk).update(attempt=runs.ATTEMPTS)
        runs.fail(lease, "internal")
    elif how == "rejected":
        runs.reject(lease, "memory", [])
    else:
        runs.cancel(run)
    run.refresh_from_db()
    assert run.status == how


@pytest.mark.parametrize(
    ("how", "opened", "cost"),
    [("failed", False, 0), ("failed", True, 0), ("rejected", False, 0), ("rejected", True, 1), ("cancelled", False, 0), ("cancelled", True, 1)],
)  # fmt: skip
def test_what_an_ended_run_costs(submit, benchmark, cast, how, opened, cost):
    submission = submit()
    _end(submission.run, how, opened)
    assert benchmark.daily_limit - submissions.remaining(benchmark, cast.lab) == cost


def test_quota_starts_again_with_the_day(submit, benchmark, cast, monkeypatch):
    submit()
    Run.objects.update(created=timezone.now() - timezone.timedelta(days=1))
    assert submissions.remaining(benchmark, cast.lab) == benchmark.daily_limit


def test_baselines_cost_nothing_and_only_the_house_hands_them_in(submit, benchmark, cast):
    submit(team=cast.hospital, user=cast.member, baseline=True)
    assert submissions.remaining(benchmark, cast.hospital) == benchmark.daily_limit
    with pytest.raises(Refused, match="baselines"):
        submit(baseline=True, seed=9)


@pytest.mark.parametrize("team", ["hospital", "bens"])
def test_nobody_submits_for_a_team_they_are_not_in(submit, cast, team):
    with pytest.raises(Refused) as refused:
        submit(team=cast[team], user=cast.ann)
    assert refused.value.status == 403 and not Submission.objects.exists() and not Quota.objects.exists()


def test_anonymous_is_asked_to_sign_in(submit, cast):
    with pytest.raises(Refused) as refused:
        submit(user=cast.anonymous)
    assert refused.value.status == 401


def test_a_draft_takes_the_houses_submissions_alone(submit, benchmark, cast):
    Benchmark.objects.update(status=Benchmark.Status.DRAFT)
    benchmark.refresh_from_db()
    assert submit(team=cast.hospital, user=cast.member, baseline=True).pk
    with pytest.raises(Refused):
        submit()


def test_a_closed_benchmark_takes_nothing(submit, benchmark):
    benchmarks.close(benchmark)
    benchmark.refresh_from_db()
    with pytest.raises(Refused, match="no more"):
        submit()


def test_faults_of_the_fields_come_all_at_once(submit):
    with pytest.raises(Faults) as faults:
        submit(name="", paper_url="javascript:alert(1)", external_data="x" * 501)
    assert {fault.message.split()[0] for fault in faults.value.faults} == {"name", "paper_url", "external_data"}
    assert not Submission.objects.exists()


def test_file_and_model_together_or_neither_is_a_fault(benchmark, cast, answer):
    for given in ({}, {"file": answer(), "model": "lab/net"}):
        with pytest.raises(Faults, match="one of file and model"):
            submissions.submit(benchmark, cast.lab, cast.ann, name="a", **given)


def test_a_kind_that_is_not_accepted_is_refused(benchmark, cast):
    with pytest.raises(Refused, match="weights"):
        submissions.submit(benchmark, cast.lab, cast.ann, model="lab/net", name="a")


@pytest.fixture
def for_weights(cast, tmp_path):
    binary(tmp_path / "weights", n=20, slug="weights", accepts=["predictions", "weights"])
    folder = tmp_path / "weights" / "inputs"
    folder.mkdir()
    rows = (tmp_path / "weights" / "cases.csv").read_text().splitlines()
    (tmp_path / "weights" / "cases.csv").write_text(
        "\n".join([rows[0] + ",input", *(f"{row},all.npz#{number}" for number, row in enumerate(rows[1:]))]) + "\n"
    )
    import numpy as np

    np.savez(folder / "all.npz", x=np.zeros((20, 4), np.float32))
    return benchmarks.load(tmp_path / "weights", cast.hospital)


@pytest.fixture
def net(cast):
    model = commits.create_model(cast.lab, "net", author=cast.ann, private=True)
    files = {"config.json": b"{}", "model.onnx": b"onnx", "README.md": b"# Net\n"}
    commits.commit_files(model, cast.ann, add={path: blobs.put(data) for path, data in files.items()}, title="Add")
    return model


def test_a_model_revision_is_pinned_to_its_commit_and_only_what_runs_is_sent(for_weights, net, cast):
    submission = submissions.submit(for_weights, cast.lab, cast.mate, model="lab/net@main", name="net")
    head = commits.resolve(net, "main")
    assert submission.revision == head.oid and submission.model == net
    assert set(submission.run.answer["files"]) == {"config.json", "model.onnx"}
    commits.commit_files(net, cast.ann, add={"README.md": blobs.put(b"# Better words\n")}, title="Reword")
    again = submissions.submit(for_weights, cast.lab, cast.mate, model=net, name="net")
    assert again.run == submission.run, "another card is the same network"


def test_a_private_model_of_others_does_not_exist(for_weights, net, cast):
    with pytest.raises(NotFound):
        submissions.submit(for_weights, cast.bens, cast.ben, model="lab/net", name="mine")


def test_a_revision_without_weights_is_a_fault(for_weights, cast):
    commits.create_model(cast.lab, "empty", author=cast.ann)
    with pytest.raises(Faults, match="no weights"):
        submissions.submit(for_weights, cast.lab, cast.ann, model="lab/empty", name="a")
    with pytest.raises(Faults, match="names no model"):
        submissions.submit(for_weights, cast.lab, cast.ann, model="net", name="a")


def test_the_place_in_the_queue_and_the_wait_from_past_runs(submit, cast, finished):
    first, second = submit(seed=1), submit(seed=2)
    assert queues.place(first.run) == queues.Place(1, None)
    assert queues.place(second.run).position == 2
    finished(first.run, {"auroc": (0.8, [0.7, 0.8, 0.9])})
    Run.objects.filter(pk=first.run_id).update(
        started=timezone.now() - timezone.timedelta(seconds=30), finished=timezone.now()
    )
    place = queues.place(second.run)
    assert place.position == 1 and 30 <= place.wait <= 31
    assert queues.place(first.run) is None
