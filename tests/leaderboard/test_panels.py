"""What the leaderboard adds to a model's page: measured scores, for those who see the boards they stand on."""

import pytest
from django.test import RequestFactory

from leaderboard import panels
from leaderboard.models import Benchmark
from zoo import commits
from zoo import panels as places


@pytest.fixture
def measured(submit, finished, cast):
    """A model with one scored submission, as its page shows it: measured(user) -> panels."""
    model = commits.create_model(cast.lab, "net", author=cast.ann)
    made = submit()
    made.model, made.revision = model, commits.resolve(model, "main").oid
    made.save()
    finished(made.run, {"auroc": (0.81234567, [0.7, 0.8, 0.9])})

    def shown(user):
        request = RequestFactory().get("/lab/net")
        request.user = user
        return [panel for panel in places.of(request, model) if panel["title"] == "Measured here"]

    return shown


def test_a_model_page_shows_the_rounded_score_with_its_board_and_run(measured, benchmark, cast):
    (panel,) = measured(cast.anonymous)
    assert benchmark.get_absolute_url() in panel["html"] and "AUROC" in panel["html"]
    assert "0.81234" not in panel["html"] and "/submissions/" in panel["html"]


def test_scores_of_a_board_one_may_not_see_are_not_shown(measured, cast):
    Benchmark.objects.update(private=True)
    assert measured(cast.stranger) == [] and measured(cast.member)


def test_a_model_without_scores_has_no_panel(cast, benchmark):
    request = RequestFactory().get("/")
    request.user = cast.ann
    assert panels.measured_here(request, commits.create_model(cast.lab, "bare", author=cast.ann)) is None


def test_tasks_have_their_titles_on_the_zoos_pages(benchmark):
    assert places.task_titles(["tumour", "other-thing"]) == {
        "tumour": "Is there a tumour?",
        "other-thing": "Other thing",
    }


def test_the_page_itself_has_the_panel(measured, client):
    assert b"Measured here" in client.get("/lab/net").content
