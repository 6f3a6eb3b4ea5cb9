"""A submission's page in each of its states, and who sees what of it."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evaluators.models import Run, Score
from leaderboard.models import Submission
from tests.leaderboard.pages import make_board, make_entry, make_team, read
from zoo import commits

pytestmark = pytest.mark.django_db


def signed_in(team):
    client = Client()
    client.force_login(team.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def board(db):
    return make_board(make_team("house"))


@pytest.fixture
def ann(board):
    return signed_in(make_team("ann"))


def test_a_queued_submission_shows_its_place_and_offers_to_cancel(board, ann):
    make_entry(board, "ben", status="queued")
    mine = make_entry(board, "ann", status="queued")
    answer = ann.get(mine.get_absolute_url())
    page = read(answer)
    assert "2 . in the queue" in page.text and "no run has been timed yet" in page.text
    assert b'data-live="3"' in answer.content and mine.get_absolute_url() in page.links, (
        "live, and a link without script"
    )
    assert reverse("submission_cancel", args=[mine.pk]) in answer.content.decode()


def test_the_expected_wait_comes_from_past_runs(board, ann):
    done = make_entry(board, "ben")
    now = timezone.now()
    Run.objects.filter(pk=done.run_id).update(started=now - timezone.timedelta(seconds=240), finished=now)
    mine = make_entry(board, "ann", status="queued")
    assert "about 4 min to the score" in read(ann.get(mine.get_absolute_url())).text


def test_a_running_submission_shows_its_progress(board, ann):
    mine = make_entry(board, "ann", status="running")
    Run.objects.filter(pk=mine.run_id).update(progress=60, stage="predicting", attempt=2)
    answer = ann.get(mine.get_absolute_url())
    assert "60 % running the network" in read(answer).text and "attempt 2" in read(answer).text
    assert b'<progress max="100" value="60"' in answer.content


def test_a_scored_submission_shows_scores_receipt_and_no_live_part(board, ann, client):
    mine = make_entry(board, "ann", 0.81234, description="What I did")
    for who in (ann, client):
        answer = who.get(mine.get_absolute_url())
        page = read(answer)
        assert "0.81" in page.text and "0.81234" not in page.text, "rounded"
        assert f"/api/v1/submissions/{mine.pk}/receipt" in page.links and "What I did" in page.text
        assert b"data-live" not in answer.content


def test_finer_scores_are_the_organisers_alone_where_labels_are_hidden(board, ann, client):
    mine = make_entry(board, "ann", 0.81234)
    Score.objects.create(run=mine.run, metric="auroc", subset="sex=f", value=0.5678, n=90, patients=80)
    for who in (ann, client):
        assert "sex: f" not in read(who.get(mine.get_absolute_url())).text
    seen = read(signed_in(make_team("house")).get(mine.get_absolute_url())).text
    assert "sex: f" in seen and "Exact numbers" in seen


def test_a_rejected_submission_lists_its_faults_to_its_team_alone(board, ann, client):
    mine = make_entry(board, "ann", status="rejected", filename="weights.onnx")
    fault = {
        "line": 7,
        "column": 3,
        "message": "no such operator",
        "hint": "Export again.",
        "file": "model.onnx",
        "text": "Foo",
    }
    Run.objects.filter(pk=mine.run_id).update(faults=[fault], error="rejected")
    text = read(ann.get(mine.get_absolute_url())).text
    for words in ("no such operator", "Export again.", "Foo", "model.onnx", "Nothing was taken from your quota"):
        assert words in text
    assert reverse("submit", args=[board.slug]) in read(ann.get(mine.get_absolute_url())).links
    assert client.get(mine.get_absolute_url()).status_code == 404
    assert signed_in(make_team("ben")).get(mine.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("error", ["lost", "internal", "something new", ""])
def test_a_failed_submission_says_what_class_of_error_and_what_to_do(board, ann, error):
    mine = make_entry(board, "ann", status="failed")
    Run.objects.filter(pk=mine.run_id).update(error=error, log="secret path /srv/labels")
    text = read(ann.get(mine.get_absolute_url())).text
    assert "the fault is on our side" in text and "Nothing was taken" in text and "/srv/labels" not in text


def test_the_log_and_the_note_are_seen_by_those_they_are_for(board, ann, client):
    mine = make_entry(board, "ann", note="between us")
    Run.objects.filter(pk=mine.run_id).update(log="what the worker said")
    mine_seen = read(ann.get(mine.get_absolute_url())).text
    assert "between us" in mine_seen and "what the worker said" not in mine_seen
    house = read(signed_in(make_team("house")).get(mine.get_absolute_url())).text
    assert "between us" in house and "what the worker said" in house
    assert "between us" not in read(client.get(mine.get_absolute_url())).text


def test_a_private_model_is_not_named_to_others(board, ann, client):
    team = make_team("ann")
    model = commits.create_model(team, "quiet-model", author=team.user, private=True)
    mine = make_entry(board, team, kind="weights", name="An entry", model=model, revision="a" * 40)
    for address in (mine.get_absolute_url(), board.get_absolute_url()):
        assert "quiet-model" in read(ann.get(address)).text, address
        assert b"quiet-model" not in client.get(address).content, address


def test_cancel_and_withdraw_are_posts_of_its_team(board, ann, client):
    waiting, scored = make_entry(board, "ann", status="queued"), make_entry(board, "ann")
    cancel, withdraw = (
        reverse("submission_cancel", args=[waiting.pk]),
        reverse("submission_withdraw", args=[scored.pk]),
    )
    assert ann.get(cancel).status_code == 405
    page = ann.get(cancel, headers={"Accept": "text/html"})
    assert page.status_code == 405 and page["Allow"] == "POST" and "This address takes a form" in page.content.decode()
    assert signed_in(make_team("ben")).post(withdraw).status_code == 403
    assert client.post(withdraw).status_code in (302, 403)
    assert not Submission.objects.exclude(withdrawn=None).exists()
    assert ann.post(cancel).status_code == 302
    assert "cancelled" in read(ann.get(waiting.get_absolute_url())).text
    assert ann.post(withdraw).status_code == 302
    assert "off the board" in read(ann.get(scored.get_absolute_url())).text
    assert scored.name not in read(client.get(board.get_absolute_url())).text
    assert ann.post(cancel).status_code == 409, "it ended already"


def test_the_list_of_ones_submissions_wants_signing_in(board, ann, client):
    make_entry(board, "ben", name="Not mine")
    make_entry(board, "ann", name="Mine, waiting", status="queued")
    make_entry(board, "ann", name="Mine, scored")
    text = read(ann.get("/submissions/")).text
    assert "Mine, waiting" in text and "Mine, scored" in text and "Not mine" not in text
    answer = client.get("/submissions/")
    assert (
        answer.status_code == 302 and "login" in answer["Location"] and "next=%2Fsubmissions%2F" in answer["Location"]
    )
    assert "Nothing handed in yet" in read(signed_in(make_team("newcomer")).get("/submissions/")).text
