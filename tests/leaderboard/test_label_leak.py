"""Held-out labels reach nobody below the organiser: by no address, error, receipt, export or download.

The labels here are numbers that occur nowhere else, so that any one of them in any answer is a leak; so are patients,
groups and split. Every GET route is walked by a participant who has an entry and by a stranger.
"""

import csv
import re

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver

from leaderboard import benchmarks, submissions
from tests.packages import write_manifest
from zoo import blobs

N = 24


@pytest.fixture
def secrets(tmp_path, cast):
    """A published regression benchmark whose every hidden text is unmistakable; gives (benchmark, hidden texts)."""
    folder = tmp_path / "hush"
    rng = np.random.default_rng(5)
    labels = [f"{value:.5f}" for value in rng.uniform(300, 900, N)]
    write_manifest(
        folder, slug="hush", kind="regression", classes=None, metrics={"primary": "mae", "also": ["rmse"]},
        task={"slug": "hush", "title": "A measurement"}, groups=["site"], split={"column": "split"},
    )  # fmt: skip
    manifest = (folder / "benchmark.yaml").read_text().replace("classes: null\n", "")
    (folder / "benchmark.yaml").write_text(manifest)
    with open(folder / "cases.csv", "w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["case_id", "patient_id", "split", "site", "label"])
        for index, label in enumerate(labels):
            table.writerow(
                [
                    f"c{index:03d}",
                    f"pt-zq{index // 2:03d}",
                    ["public", "private"][index // 2 % 2],
                    f"site-zq{index % 3}",
                    label,
                ]
            )
    made = benchmarks.load(folder, cast.hospital)
    package = made.package
    hidden = [*labels, "pt-zq", "site-zq", package.digest, package.salt, package.files["cases.csv"]["sha256"]]
    return made, hidden


def leaks(response, hidden) -> list[str]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    text = (body + str(dict(response.headers)).encode()).decode("utf-8", "replace")
    return [secret for secret in hidden if secret in text]


def answer(values) -> bytes:
    return ("case_id,value\n" + "".join(f"c{i:03d},{value}\n" for i, value in enumerate(values))).encode()


@pytest.fixture
def entry(secrets, cast, finished, tmp_path):
    """A scored entry of ann's, with finer scores and details behind it."""
    made, _ = secrets
    path = tmp_path / "answer.csv"
    path.write_bytes(answer([500] * N))
    submission = submissions.submit(made, cast.lab, cast.ann, file=path, name="Five hundred")
    finished(
        submission.run, {"mae": (151.23456789, 151.2 + np.arange(200) / 9), "rmse": (171.23456789, 171.2 + np.arange(200) / 9)},
        n=N, patients=N // 2, finer=[("mae", "site=site-zq1", "", 99.87654321), ("mae", "public", "", 88.87654321)],
    )  # fmt: skip
    submission.run.log = "label of c000 is 1"
    submission.run.save()
    return submission


QUERIES = [
    "",
    "?subset=public",
    "?subset=site=site-zq1",
    "?format=csv",
    "?format=latex",
    "?all_entries=true",
    "?rows=all",
]
FINER = ["99.87654", "88.87654", "151.2345", "171.2345"]


def routes():
    def walk(patterns, prefix=""):
        for pattern in patterns:
            text = prefix + re.sub(r"[\^$]|\\Z", "", str(pattern.pattern))
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, text)
            else:
                yield re.sub(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)", lambda match: f"<{match[1] or match[2]}>", text)

    return sorted(set(walk(get_resolver().url_patterns)))


@pytest.mark.parametrize("who", ["ann", "ben", None])
def test_no_address_tells_a_label(who, client, secrets, entry, cast):
    made, hidden = secrets
    if who:
        client.force_login(cast[who], backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    values = {
        "slug": "hush",
        "pk": entry.pk,
        "owner": "hospital",
        "name": "hush",
        "rev": "main",
        "rest": "cases.csv",
        "path": "cases.csv",
    }
    walked = 0
    for route in routes():
        address = "/" + re.sub(r"<(\w+)>", lambda match: str(values.get(match[1], "x")), route)
        for query in QUERIES if "benchmarks" in route else [""]:
            response = client.get(address + query)
            walked += 1
            found = leaks(response, [*hidden, *FINER, "label of c000"])
            # What one asked for by name may come back in a message.
            assert not [secret for secret in found if secret not in query], f"{who or 'anonymous'} GET {address}{query}"
    assert walked > 100


@pytest.mark.parametrize(
    "content",
    [answer(["nan"] * N), answer([500] * (N - 1)), answer([500] * (N + 1)), answer(["1e999"] * N), b"", b"case_id,label\nc000,1\n",
     b"case_id,patient_id,value\nc000,pt,1\n", answer([500] * N).replace(b"c000", b"c001")],
)  # fmt: skip
def test_no_fault_of_a_file_tells_a_label(content, client, secrets, cast, bearer):
    _, hidden = secrets
    url = "/api/v1/benchmarks/hush/submissions"
    response = client.post(url, {"name": "x", "file": SimpleUploadedFile("a.csv", content)}, **bearer(cast.ben))
    assert response.status_code == 422 and not leaks(response, hidden)


def test_the_sample_submission_says_the_same_of_every_case(client, secrets):
    made, hidden = secrets
    response = client.get("/api/v1/benchmarks/hush/sample-submission")
    rows = b"".join(response.streaming_content).decode().splitlines()[1:]
    assert len(rows) == N and len({row.partition(",")[2] for row in rows}) == 1
    assert not [secret for secret in hidden if any(secret in row for row in rows)]


def test_what_is_kept_under_a_hash_cannot_be_fetched_by_it(client, secrets, entry, cast):
    made, hidden = secrets
    client.force_login(cast.ann, backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    for sha256 in (made.package.files["cases.csv"]["sha256"], entry.run.details):
        assert blobs.exists(sha256)
        for address in (
            f"/blobs/{sha256}",
            f"/_blobs/{blobs.relative(sha256)}",
            f"/media/{sha256}",
            f"/hospital/hush/resolve/main/{sha256}",
        ):
            assert client.get(address).status_code in (404, 302, 401), address


def test_receipts_commit_to_hidden_content_by_a_secret_and_change_with_it(client, secrets, entry):
    made, hidden = secrets
    statement = client.get(f"/api/v1/submissions/{entry.pk}/receipt").json()["statement"]
    commitments = statement["commitments"]
    assert set(commitments) >= {"package", "answer", "scores"}
    assert not set(commitments.values()) & {made.package.digest, entry.run.answer_digest, entry.run.details}
    assert [(s["metric"], s["subset"]) for s in statement["scores"]] == [("mae", "all"), ("rmse", "all")]


def test_the_organiser_sees_what_is_hidden_from_the_rest(client, secrets, entry, cast, bearer):
    """The other side of the walk: if nobody saw it, the walk would prove nothing."""
    response = client.get(f"/api/v1/submissions/{entry.pk}", **bearer(cast.member))
    assert {"99.87654", "151.2345", "site-zq"} <= set(leaks(response, [*FINER, "site-zq"]))
