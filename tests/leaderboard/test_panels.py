"""What the leaderboard adds to a model's page: measured scores, for those who see the boards they stand on."""

import re

import pytest
from django.test import RequestFactory

from evaluators.metrics import METRICS
from leaderboard import measured as measuring
from leaderboard import panels, standings
from leaderboard.models import Benchmark, Competition, Submission, Team
from tests.leaderboard.pages import read
from zoo import blobs, commits, statements
from zoo import panels as places
from zoo.models import Model


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


def test_what_the_card_declares_stands_beside_what_was_measured(measured, benchmark, cast, client):
    model = Model.objects.get(name="net")
    name = benchmark.package.manifest["source"]["name"] if benchmark.package.manifest.get("source") else benchmark.title
    card = f"""---
model-index:
- results:
  - dataset: {{name: "{name}", type: tumour}}
    metrics: [{{type: ROC AUC, value: 91}}, {{type: roc_auc, value: 0.85}}, {{type: dice, value: 0.5}}]
  - metrics: [{{type: auc, value: 0.2}}]
---
"""
    commits.commit_files(model, cast.ann, add={"README.md": blobs.put(card.encode())}, title="Declare")
    page = " ".join(re.sub(r"<[^>]+>", " ", client.get("/lab/net").content.decode()).split())
    (found,) = measuring.of(cast.anonymous, [model.pk])
    against = measuring.versus(statements.declared(Model.objects.get(pk=model.pk).card), [found])
    assert [(each.number, each.verdict, each.same_data) for each in against] == [
        (0.91, "better", True), (0.85, "agrees", True), (0.2, "worse", False),
    ]  # fmt: skip
    score = against[0].score
    assert f"declared 0.91, measured here {score.text} [{score.low_text}, {score.high_text}]" in page
    assert "declared better than measured" in page and "agrees: inside the interval" in page
    assert "the card names no data" in page
    assert "Declared by the author, not measured here dice : declared 0.5" in page.replace("dice:", "dice :")


CARD = """---
modality: [CT, X-ray]
model-index:
- results:
  - dataset: {name: somewhere else}
    metrics: [{type: auc, value: 0.99}]
  - dataset: {name: DATA}
    metrics: [{type: ROC AUC, value: 91.23456}, {type: pr_auc, value: 0.7}]
---
"""


def test_what_the_card_declares_stands_on_the_board_too_and_changes_no_rank(measured, benchmark, cast, client):
    model, address = Model.objects.get(name="net"), benchmark.get_absolute_url()
    words = lambda: " ".join(re.sub(r"<[^>]+>", " ", client.get(address).content.decode()).split())  # noqa: E731
    before = client.get(f"/api/v1/benchmarks/{benchmark.slug}/leaderboard").json()["entries"][0]
    assert "measured here" not in words() and before["declared"] == []
    add = {"README.md": blobs.put(CARD.replace("DATA", f"'{benchmark.title}'").encode())}
    commits.commit_files(model, cast.ann, add=add, title="Declare")
    entry = client.get(f"/api/v1/benchmarks/{benchmark.slug}/leaderboard").json()["entries"][0]
    declared = {
        "metric": "auroc",
        "value": pytest.approx(0.9123456),
        "dataset": benchmark.title,
        "split": "",
        "same_data": True,
        "verdict": "better",
    }
    assert entry["declared"] == [declared]  # average precision was not measured
    assert {key: entry[key] for key in ("rank", "scores")} == {key: before[key] for key in ("rank", "scores")}
    score = standings.table(benchmark, cast.anonymous).entries[0].score
    here = f"declared 0.91, measured here {score.text} [{score.low_text}, {score.high_text}]: declared better than measured"
    assert here in words() and "0.9123" not in words() and "0.99" not in words()
    Model.objects.filter(pk=model.pk).update(private=True)
    assert "measured here" not in words() and "lab/net" not in words()


def test_a_metric_is_known_by_the_names_that_cards_give_it():
    for written, name in (("AUC", "auroc"), ("Area under the ROC curve", "auroc"), ("C-index", "concordance_index"),
                          ("Dice score", "dice"), ("qwk", "quadratic_weighted_kappa"), ("nonsense", "")):  # fmt: skip
        assert measuring.known_as(written) == name
    assert all(name in METRICS for name in measuring.ALIASES.values())


def test_lists_of_models_show_and_sort_by_what_the_viewer_may_see(measured, client, cast, benchmark):
    commits.create_model(cast.lab, "unmeasured", author=cast.ann)
    page = client.get("/models/?sort=score").content.decode()
    assert page.index("/lab/net") < page.index("/lab/unmeasured") and "AUROC" in page
    assert "0.81234" not in page
    Benchmark.objects.update(private=True)
    assert "AUROC" not in client.get("/models/?sort=score").content.decode()


def test_the_page_itself_has_the_panel(measured, client):
    assert b"Measured here" in client.get("/lab/net").content


def test_the_page_of_a_team_shows_its_best_entries_and_what_it_organises_to_those_who_see_the_boards(
    submit, finished, benchmark, cast, client
):
    for seed, value in ((1, 0.61234567), (2, 0.81234567)):
        finished(submit(seed=seed, name=f"answer {seed}").run, {"auroc": (value, [value - 0.1, value, value + 0.1])})
    page = read(client.get("/lab/"))
    assert "answer 2" in page.text and "answer 1" not in page.text and "the best of 2 entries" in page.text
    assert "0.8123" not in page.text and benchmark.get_absolute_url() in page.links
    assert f"Organises: {benchmark.title}" in read(client.get("/hospital/")).text
    contest = Competition.objects.create(benchmark=benchmark, slug="c", title="C")
    team = Team.objects.create(competition=contest, name="Somebody")
    Submission.objects.filter(name="answer 2").update(contest_team=team)
    page = read(client.get("/lab/"))
    assert "answer 1" in page.text and "answer 2" not in page.text, "who is in which team is the organisers' to know"
    Benchmark.objects.update(private=True)
    assert benchmark.title not in client.get("/lab/").content.decode() + client.get("/hospital/").content.decode()
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    assert "answer 1" in read(client.get("/lab/")).text
