"""What other places take from a board: citations, Papers with Code's JSON, cards, badges, feeds, frames; and REST's habits."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from django.urls import reverse
from huggingface_hub import parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from leaderboard import badges, exports, standings
from leaderboard.models import Benchmark
from tests.leaderboard.pages import HOSTILE, make_claim, read
from zoo import commits

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def entries(submit, cast, finished, benchmark):
    """Three teams' entries: two that cannot be told apart and one far below. The first has a private model."""
    rng, made = np.random.default_rng(3), []
    noise = rng.normal(0, 0.03, 300)
    for seed, (team, user, name, value) in enumerate(
        [
            ("lab", "ann", "First & 50%_net", 0.81234),
            ("bens", "ben", HOSTILE, 0.80111),
            ("hospital", "member", "Far", 0.55),
        ]
    ):
        row = submit(cast[team], cast[user], seed=seed, name=name)
        finished(
            row.run,
            {
                "auroc": (value, value + noise + rng.normal(0, 0.01, 300)),
                "average_precision": (0.6 + seed / 10, 0.6 + noise),
            },
        )
        made.append(row)
    model = commits.create_model(cast.lab, "hush", author=cast.ann, private=True)
    type(made[0]).objects.filter(pk=made[0].pk).update(
        model=model, revision="a" * 40, code_url="https://example.org/code"
    )
    made[0].refresh_from_db()
    return made


def test_latex_and_markdown_set_the_tied_in_bold_and_of_other_metrics_the_best(entries, benchmark, cast):
    board = standings.table(benchmark, cast.stranger)
    assert [entry.tied for entry in board.entries] == [True, True, False]
    lines = [line for line in exports.write(board, "latex").splitlines() if line.endswith(r"\\")][1:]
    bold = [[cell.strip().startswith(r"\textbf{") for cell in line.rstrip("\\ ").split(" & ")[-2:]] for line in lines]
    assert bold == [[True, False], [True, False], [False, True]]
    rows = [line for line in exports.write(board, "markdown").splitlines() if line.startswith("|")][2:]
    assert [row.count("**") for row in rows] == [2, 2, 2]
    assert "\0" not in "".join(exports.write(board, form) for form in exports.FORMATS)


def test_bibtex_names_board_data_metrics_and_claims_with_their_doi(entries, benchmark, cast):
    make_claim(benchmark, citation="Doe {& Sons} 2017, J % Med", doi="10.1001/jama_2017.18152")
    text = exports.write(standings.table(benchmark, cast.stranger), "bibtex")
    keys = re.findall(r"^@misc\{([a-z0-9-]+),$", text, re.M)
    assert len(keys) == len(set(keys)) and {
        "tumour-or-not-board",
        "tumour-or-not-data",
        "metric-auroc",
        "tumour-or-not-claim-1",
    } <= set(keys)
    assert "doi = {10.1001/jama_2017.18152}" in text and r"Doe \{\& Sons\} 2017, J \% Med" in text
    plain = text.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")


def test_papers_json_has_measured_rows_alone_with_interval_and_evidence(entries, benchmark, cast):
    make_claim(benchmark, name="Never measured")
    (task,) = json.loads(exports.write(standings.table(benchmark, cast.stranger), "papers"))
    sota = task["datasets"][0]["sota"]
    assert task["task"] == "Is there a tumour?" and sota["metrics"][0] == "Area under the ROC curve"
    first = sota["rows"][0]
    assert len(sota["rows"]) == 3 and "Never measured" not in json.dumps(sota)
    assert first["metrics"]["Area under the ROC curve"] == "0.82" and first["evidence"] == "predictions"
    assert first["code_links"][0]["url"] == "https://example.org/code" and first["model_links"] == []
    assert "lab/hush" not in json.dumps(task)
    own = json.loads(exports.write(standings.table(benchmark, cast.ann), "papers"))[0]["datasets"][0]["sota"]["rows"][0]
    assert own["model_links"] == [{"title": "lab/hush", "url": "/lab/hush"}]


def test_model_index_and_eval_results_are_read_by_the_official_library(entries, client, bearer, cast):
    address = f"/api/v1/submissions/{entries[0].pk}"
    index = yaml.safe_load(client.get(address + "/model-index").content)["model-index"]
    name, results = model_index_to_eval_results(index)
    released = {row["metric"]: row["value"] for row in client.get(address).json()["scores"]}
    assert name == "First & 50%_net" and {r.metric_type: r.metric_value for r in results} == released
    assert results[0].source_url.endswith(f"/submissions/{entries[0].pk}/") and results[0].verified is False
    mine = yaml.safe_load(client.get(address + "/model-index", **bearer(cast.ann)).content)["model-index"]
    assert mine[0]["name"] == "lab/hush"
    found = parse_eval_result_entries(yaml.safe_load(client.get(address + "/eval-results").content))
    assert {entry.task_id: entry.value for entry in found} == released
    assert found[0].dataset_id == "hospital/tumour-or-not" and "95 % interval" in found[0].notes
    assert "81234" not in client.get(address + "/eval-results").content.decode()


def test_badges_are_small_valid_pictures_of_released_scores(entries, client):
    for address in (f"/api/v1/submissions/{entries[0].pk}/badge", "/api/v1/benchmarks/tumour-or-not/badge"):
        response = client.get(address)
        picture = ElementTree.fromstring(response.content)
        assert response["Content-Type"].startswith("image/svg+xml") and len(response.content) < 2000
        assert picture.attrib["aria-label"].startswith("Tumour or not") and "AUROC 0." in picture.attrib["aria-label"]
        assert "8123" not in response.content.decode()
        assert client.get(address, HTTP_IF_NONE_MATCH=response["ETag"]).status_code == 304
    drawn = ElementTree.fromstring(badges.draw(HOSTILE, HOSTILE))
    assert not drawn.findall(".//{http://www.w3.org/2000/svg}script") and len(list(drawn)) == 4
    assert client.get(f"/api/v1/submissions/{entries[0].pk}/badge?metric=nothing").status_code == 404


def test_feeds_list_the_latest_scores_of_a_board_and_of_its_task(entries, client, benchmark, cast, submit):
    submit(cast.bens, cast.ben, seed=77, name="Waiting")
    addresses = reverse("benchmark_feed", args=["tumour-or-not"]), reverse("task_feed", args=["tumour"])
    for address in addresses:
        response = client.get(address)
        feed = ElementTree.fromstring(response.content)
        titles = [item.find(f"{ATOM}title").text for item in feed.findall(f"{ATOM}entry")]
        assert response["Content-Type"].startswith("application/atom+xml") and len(titles) == 3
        assert titles[0].startswith("Far: AUROC 0.5") and titles[1].startswith(HOSTILE)
        assert feed.find(f"{ATOM}updated") is not None and "8123" not in response.content.decode()
        assert all(
            item.find(f"{ATOM}id").text.startswith("http://testserver/submissions/")
            for item in feed.findall(f"{ATOM}entry")
        )
    for page in (benchmark.get_absolute_url(), benchmark.task.get_absolute_url()):
        assert b'type="application/atom+xml"' in client.get(page).content
    Benchmark.objects.update(private=True)
    assert client.get(addresses[0]).status_code == 404 and client.get(addresses[1]).status_code == 404


def test_a_board_may_be_framed_by_others_and_shows_nothing_of_who_is_signed_in(entries, client, cast):
    client.force_login(cast.member, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("benchmark_embed", args=["tumour-or-not"])
    response = client.get(address)
    page = read(response)
    assert "X-Frame-Options" not in response and "frame-ancestors *" in response["Content-Security-Policy"]
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "0.8" in page.text and "81234" not in page.text and "member" not in page.text and "Sign" not in page.text
    assert client.get("/benchmarks/tumour-or-not/")["X-Frame-Options"] == "DENY"
    Benchmark.objects.update(private=True)
    assert client.get(address).status_code == 404


def test_rest_pages_a_board_and_tags_every_answer(entries, client):
    address = "/api/v1/benchmarks/tumour-or-not/leaderboard"
    whole = client.get(address).json()["entries"]
    found, following = [], address + "?limit=2"
    while following:
        response = client.get(following)
        found += response.json()["entries"]
        following = response.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert found == whole and len(found) == 3
    task = client.get("/api/v1/tasks/tumour").json()
    assert [row["slug"] for row in task["benchmarks"]] == ["tumour-or-not"]
    assert client.get("/api/v1/tasks/nothing").status_code == 404
    for path in (
        address,
        "/api/v1/tasks",
        "/api/v1/tasks/tumour",
        "/api/v1/benchmarks",
        "/api/v1/benchmarks/tumour-or-not/receipts",
    ):
        first = client.get(path)
        again = client.get(path, HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again.content) == (304, b""), path
    routes = client.get("/api/v1/openapi.json").json()["paths"]
    for path in ("benchmarks/{slug}/plots/{name}", "benchmarks/{slug}/receipts", "benchmarks/{slug}/badge", "submissions/{pk}/model-index",
                 "submissions/{pk}/eval-results", "submissions/{pk}/plots/{name}", "tasks/{slug}"):  # fmt: skip
        assert f"/api/v1/{path}" in routes and routes[f"/api/v1/{path}"]["get"]["description"]
