"""REST: what is read. Every address of the design, the one shape of errors, ETags, HEAD, pages."""

import json

import numpy as np
import pytest

from leaderboard import rest
from leaderboard.models import Benchmark, Claim
from tests.packages import binary

BASE = "/api/v1"


@pytest.fixture
def entry(submit, finished, cast):
    made = submit(name="An entry", note="a private note")
    draws = 0.81234567 + np.random.default_rng(1).normal(0, 0.03, 300)
    finished(
        made.run,
        {"auroc": (0.81234567, draws)},
        finer=[("auroc", "sex=f", "", 0.7), ("auroc", "all", "malignant", 0.6)],
    )
    return made


def error(response, status):
    assert response.status_code == status, response.content
    body = response.json()
    assert set(body["error"]) == {"code", "message", "hint"} and body["error"]["message"]
    return body["error"]


def test_openapi_names_every_address_of_the_design(client, db):
    paths = client.get(f"{BASE}/openapi.json").json()["paths"]
    wanted = {
        ("get", "/tasks"), ("get", "/benchmarks"), ("get", "/benchmarks/{slug}"),
        ("get", "/benchmarks/{slug}/leaderboard"), ("post", "/benchmarks/{slug}/submissions"),
        ("get", "/benchmarks/{slug}/sample-submission"), ("get", "/benchmarks/{slug}/inputs"),
        ("get", "/submissions/{pk}"), ("get", "/submissions/{pk}/receipt"),
    }  # fmt: skip
    assert wanted <= {(method, path.removeprefix(BASE)) for path, item in paths.items() for method in item}


def test_tasks_and_benchmarks_list_what_one_may_see(client, benchmark, folder, cast, bearer):
    binary(folder, n=30, slug="hidden", task={"slug": "quiet", "title": "Quiet"})
    from leaderboard import benchmarks

    hidden = benchmarks.load(folder, cast.hospital)
    Benchmark.objects.filter(pk=hidden.pk).update(private=True)
    assert [task["slug"] for task in client.get(f"{BASE}/tasks").json()["tasks"]] == ["tumour"]
    assert [row["slug"] for row in client.get(f"{BASE}/benchmarks").json()["benchmarks"]] == ["tumour-or-not"]
    mine = client.get(f"{BASE}/benchmarks", **bearer(cast.member, "read")).json()
    assert mine["count"] == 2
    assert client.get(f"{BASE}/benchmarks?task=quiet").json()["count"] == 0


def test_lists_come_in_pages(client, benchmark, folder, cast):
    from leaderboard import benchmarks

    for number in range(3):
        binary(folder, n=10, slug=f"b{number}", seed=number)
        benchmarks.load(folder, cast.hospital)
    first = client.get(f"{BASE}/benchmarks?limit=3").json()
    second = client.get(first["next"]).json()
    assert [len(first["benchmarks"]), len(second["benchmarks"])] == [3, 1] and second["next"] is None
    assert client.get(f"{BASE}/benchmarks?limit=100000&offset=-5").json()["count"] == 4


def test_a_benchmark_tells_what_a_participant_needs(client, benchmark):
    said = client.get(f"{BASE}/benchmarks/{benchmark.slug}").json()
    assert said["accepts"] == ["predictions"] and said["labels"] == "hidden" and said["cases"] == 60
    assert said["metrics"][0]["name"] == "auroc" and said["metrics"][0]["step"] == benchmark.steps["auroc"]
    assert said["manifest"]["title"] == benchmark.title and said["versions"] == [1]


def test_the_board_is_rounded_for_readers_and_exact_with_an_operators_token(client, benchmark, entry, cast, bearer):
    url = f"{BASE}/benchmarks/{benchmark.slug}/leaderboard"

    def value(**headers):
        return client.get(url, **headers).json()["entries"][0]["scores"][0]["value"]

    step = benchmark.steps["auroc"]
    assert value() == value(**bearer(cast.ann)) == round(round(0.81234567 / step) * step, 6)
    assert value(**bearer(cast.operator, "admin")) == value(**bearer(cast.member)) == 0.81234567
    assert value(**bearer(cast.operator, "read")) == value(), "a lesser token has lesser powers"


@pytest.mark.parametrize("form", ["json", "csv", "latex", "markdown"])
def test_the_board_answers_304_to_its_own_etag_and_head_like_get(client, benchmark, entry, form, bearer, cast):
    url = f"{BASE}/benchmarks/{benchmark.slug}/leaderboard?format={form}"
    whole = client.get(url)
    again = client.get(url, HTTP_IF_NONE_MATCH=whole["ETag"])
    head = client.head(url)
    assert (
        whole.status_code == 200 and again.status_code == 304 and not again.content and again["ETag"] == whole["ETag"]
    )
    assert head.status_code == 200 and head["ETag"] == whole["ETag"] and not head.content
    assert int(head["Content-Length"]) == len(whole.content) and head["Content-Type"] == whole["Content-Type"]
    if form in ("json", "csv"):  # where exact numbers differ from the rounded ones
        assert client.get(url, **bearer(cast.member))["ETag"] != whole["ETag"]
    assert "Authorization" in whole["Vary"] and "private" in whole["Cache-Control"]


def test_an_etag_does_not_tell_of_what_is_hidden(client, benchmark, entry):
    """It stays the same when only the exact value behind a rounded one changes."""
    url = f"{BASE}/benchmarks/{benchmark.slug}/leaderboard"
    before = client.get(url)["ETag"]
    entry.run.scores.filter(metric="auroc").update(value=0.81234000)
    assert client.get(url)["ETag"] == before


def test_a_submission_shows_its_scores_to_all_and_the_rest_to_its_team(client, entry, cast, bearer):
    url = f"{BASE}/submissions/{entry.pk}"
    everyone, team, house = (
        client.get(url, **headers).json() for headers in ({}, bearer(cast.mate), bearer(cast.member))
    )
    assert everyone["status"] == "scored" and "note" not in everyone
    assert [(s["metric"], s["subset"]) for s in everyone["scores"]] == [("auroc", "all")]
    assert {"value", "low", "high", "n"} <= set(everyone["scores"][0])
    assert team["note"] == "a private note" and team["scores"] == everyone["scores"], "finer is the organiser's alone"
    assert [(s["subset"], s.get("part")) for s in house["scores"]] == [
        ("all", None),
        ("all", "malignant"),
        ("sex=f", None),
    ]
    assert house["scores"][0]["value"] == 0.81234567


def test_a_waiting_submission_says_its_place_and_is_nobody_elses(client, submit, cast, bearer):
    made = submit()
    said = client.get(f"{BASE}/submissions/{made.pk}", **bearer(cast.ann)).json()
    assert (said["status"], said["position"], said["progress"], said["scores"], said["faults"]) == (
        "queued",
        1,
        0,
        [],
        [],
    )
    missing = error(client.get(f"{BASE}/submissions/999999"), 404)
    assert error(client.get(f"{BASE}/submissions/{made.pk}"), 404) == missing
    assert error(client.get(f"{BASE}/submissions/{made.pk}", **bearer(cast.ben)), 404) == missing


def test_a_receipt_is_for_whoever_sees_the_entry_with_the_numbers_they_see(client, entry, submit, cast, bearer):
    from evaluators import receipts

    url = f"{BASE}/submissions/{entry.pk}/receipt"
    everyone, house = client.get(url).json(), client.get(url, **bearer(cast.member)).json()
    assert receipts.verify(everyone) == receipts.verify(house) == []
    shown = client.get(f"{BASE}/submissions/{entry.pk}").json()["scores"]
    assert everyone["statement"]["scores"] == shown
    assert house["statement"]["scores"][0]["value"] == 0.81234567
    everyone["statement"]["scores"][0]["value"] = 1.0
    assert receipts.verify(everyone)
    waiting = submit(seed=44)
    error(client.get(f"{BASE}/submissions/{waiting.pk}/receipt", **bearer(cast.ann)), 404)


def test_what_is_missing_and_what_is_hidden_read_the_same(client, benchmark, cast, bearer):
    Benchmark.objects.update(private=True)
    for rest_of in ("", "/leaderboard", "/sample-submission", "/submissions"):
        hidden = error(client.get(f"{BASE}/benchmarks/{benchmark.slug}{rest_of}", **bearer(cast.ben)), 404)
        assert hidden == error(client.get(f"{BASE}/benchmarks/no-such{rest_of}", **bearer(cast.ben)), 404)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", "/nothing", 404), ("get", "/benchmarks/tumour-or-not/leaderboard?format=pdf", 422), ("put", "/benchmarks", 405),
     ("get", "/submissions/x", 404), ("get", "/benchmarks?limit=many", 422), ("get", "/benchmarks/tumour-or-not?version=x", 404),
     ("get", "/benchmarks/tumour-or-not?version=99999999999999999999", 404), ("get", f"/submissions/{2**70}", 404),
     ("get", "/benchmarks/tumour-or-not/leaderboard?metric=dice", 404), ("post", "/submissions/1/withdraw", 401)],
)  # fmt: skip
def test_errors_have_one_shape(client, benchmark, method, path, status):
    error(getattr(client, method)(BASE + path), status)


def test_an_unknown_token_is_401_everywhere(client, benchmark):
    for path in ("/tasks", "/benchmarks/tumour-or-not/leaderboard"):
        error(client.get(BASE + path, HTTP_AUTHORIZATION="Bearer nonsense"), 401)


def test_a_failure_of_ours_quotes_nothing(client, benchmark, monkeypatch, caplog):
    def explode(*args, **kwargs):
        raise RuntimeError("label of case-0001 is malignant")

    monkeypatch.setattr("leaderboard.standings.table", explode)
    client.raise_request_exception = False
    response = client.get(f"{BASE}/benchmarks/{benchmark.slug}/leaderboard")
    error(response, 500)
    assert b"malignant" not in response.content and "malignant" in caplog.text


def test_a_session_needs_its_csrf_token_and_a_bearer_token_does_not(submit, cast, bearer):
    from django.test import Client

    made = submit()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.ann, backend="django.contrib.auth.backends.ModelBackend")
    assert error(strict.post(f"{BASE}/submissions/{made.pk}/cancel"), 403)["code"] == "csrf"
    assert (
        Client(enforce_csrf_checks=True).post(f"{BASE}/submissions/{made.pk}/cancel", **bearer(cast.ann)).status_code
        == 200
    )


def test_claims_stand_beside_the_entries_never_among_them(client, benchmark):
    Claim.objects.create(
        task=benchmark.task, benchmark=benchmark, name="A paper", metric="auroc", value=0.99, citation="J. 1"
    )
    said = client.get(f"{BASE}/benchmarks/{benchmark.slug}/leaderboard").json()
    assert (
        said["entries"] == [] and said["claims"][0]["citation"] == "J. 1" and said["claims"][0]["evidence"] == "claimed"
    )


def test_the_sample_submission_is_valid_and_has_every_case_in_the_order_of_its_id(client, benchmark, cast, bearer):
    from django.core.files.uploadedfile import SimpleUploadedFile

    sample = client.get(f"{BASE}/benchmarks/{benchmark.slug}/sample-submission")
    content = b"".join(sample.streaming_content)
    lines = content.decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["case_id", *(f"case-{index:04d}" for index in range(60))]
    answer = client.post(
        f"{BASE}/benchmarks/{benchmark.slug}/submissions",
        {"name": "sample", "file": SimpleUploadedFile("sample.csv", content)}, **bearer(cast.ann),
    )  # fmt: skip
    assert answer.status_code == 201, answer.content


def test_inputs_are_for_people_who_are_signed_in_where_they_are_released(client, benchmark, cast, bearer):
    url = f"{BASE}/benchmarks/{benchmark.slug}/inputs"
    error(client.get(url), 401)
    assert error(client.get(url, **bearer(cast.ann)), 404)["code"] == "not_released"


def test_a_page_of_errors_lists_no_more_than_fifty(db):
    from evaluators.faults import Fault, Faults

    body = json.loads(rest.answer_faults(Faults([Fault(f"fault {n}", line=n) for n in range(1, 121)])).content)
    assert body["count"] == 120 and len(body["faults"]) == 50 and body["faults"][4]["line"] == 5
