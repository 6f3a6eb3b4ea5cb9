"""Reproducibility: the same revision on the same benchmark gives the same numbers, whole provenance, and reruns that replace."""

import io

import pytest
from django.core.management import call_command

from evaluators import provenance, runs, tasks
from evaluators.models import Run
from leaderboard import answers, benchmarks, submissions
from tests.evaluators import networks
from zoo import accounts, blobs, commits

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings, tmp_path):
    settings.STORAGE_URL, settings.DATA_DIR = (tmp_path / "blobs").as_uri(), tmp_path
    monkeypatch.setattr(runs, "ring", lambda run: True)


@pytest.fixture
def handed_in(tmp_path):
    """A revision of ann's, submitted to a benchmark with robustness and evaluated once, by a worker's own code."""
    networks.pictures(tmp_path / "package", n=24, robustness=["brightness"])
    owner, ann = accounts.create_user("owner"), accounts.create_user("ann")
    board = benchmarks.load(tmp_path / "package", owner.namespace)
    model = commits.create_model(ann.namespace, "net", author=ann)
    files = {path.name: blobs.put_path(path) for path in networks.brightness(tmp_path / "model").iterdir()}
    commits.commit_files(model, ann, add=files, title="Add weights")
    made = submissions.submit(board, ann.namespace, ann, model=model, revision="main", name="Mean brightness")
    tasks.evaluate(made.run_id)
    made.run.refresh_from_db()
    assert made.run.status == Run.Status.SCORED, (made.run.error, made.run.faults, made.run.log)
    return made


def numbers(run) -> dict:
    return {(s.metric, s.subset, s.part): (s.value, s.low, s.high, s.error) for s in run.scores.all()}


def test_a_run_says_all_that_a_repetition_needs_which_gives_the_same_numbers_and_takes_its_place(handed_in):
    run = handed_in.run
    told = run.provenance
    assert told["evaluator"] == run.evaluator and told["lock"] == provenance.lock_digest() and len(told["lock"]) == 64
    assert told["package"] == run.package.digest and told["files"] == run.answer["files"]
    assert (told["device"], told["precision"], told["driver"]) == ("cpu", "float32", provenance.driver())
    assert told["seed"]["network"] == 0 and told["seed"]["resamples"] > 0
    assert told["cost"]["parameters"] == 4 and told["cost"]["macs"] == 2 and told["cost"]["latency_median"] > 0
    assert run.looked and run.opened_real_case
    assert run.robustness["n"] == 24 and run.robustness["corruptions"][0]["name"] == "brightness"

    failed = submissions.rerun(handed_in, handed_in.benchmark.owner.user)
    assert runs.reject(runs.claim(failed.pk, "w"), "faults", [])
    handed_in.refresh_from_db()
    assert handed_in.run == run and handed_in.run.superseded_by is None, (
        "a repetition that fails leaves the old run in place"
    )

    first, owner = handed_in.run, handed_in.benchmark.owner.user
    kept, used = numbers(first), submissions.remaining(handed_in.benchmark, handed_in.team)
    again = submissions.rerun(handed_in, owner)
    assert submissions.rerun(handed_in, owner) == again, "one at a time"
    handed_in.refresh_from_db()
    assert handed_in.run == first, "it stands until the other is scored"

    tasks.evaluate(again.pk)

    handed_in.refresh_from_db()
    first.refresh_from_db()
    assert handed_in.run == again and first.superseded_by == again and first.status == Run.Status.SCORED
    assert numbers(handed_in.run) == kept == numbers(first), "to the last digit, cold and cached"
    assert submissions.remaining(handed_in.benchmark, handed_in.team) == used, "a repetition costs the team nothing"
    (old,) = submissions.earlier(handed_in)
    assert [row.score for row in answers.scores(handed_in, owner, old)] == [
        row.score for row in answers.scores(handed_in, owner)
    ]


def test_the_command_repeats_what_an_older_evaluator_scored_and_compares(handed_in, client):
    first = handed_in.run
    out = io.StringIO()
    call_command("rerun", "--benchmark", "bright-or-not", stdout=out)
    assert "0 runs queued" in out.getvalue(), "this very evaluator made it"

    Run.objects.update(evaluator="0.0.1", provenance=first.provenance | {"code": "another"})
    call_command("rerun", "--all", stdout=out)
    (again,) = first.repetitions.all()
    tasks.evaluate(again.pk)
    call_command("rerun", str(first.pk), "--compare", stdout=out)
    said = out.getvalue()
    assert "1 runs queued" in said and f"{first.pk}  {again.pk}  auroc" in said and ", 0 are not." in said
    page = client.get(f"/submissions/{handed_in.pk}/").content.decode()
    assert "Earlier evaluations" in page and "evaluator 0.0.1" in page
