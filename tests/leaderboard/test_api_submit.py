"""REST: what is handed in. Good files, twenty bad ones, limits; a bad file costs nothing and leaves nothing behind."""

import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from evaluators.models import Run
from leaderboard import rest, submissions
from leaderboard.models import Benchmark, Quota, Submission
from zoo import blobs
from zoo.models import Blob

GOOD = "case_id,benign,malignant\n" + "".join(f"case-{index:04d},0.25,0.75\n" for index in range(60))
LINES = GOOD.splitlines()


def changed(line: int, text: str) -> bytes:
    """The good file with line `line` (counted from 1, the header) written anew."""
    rows = list(LINES)
    rows[line - 1] = text
    return ("\n".join(rows) + "\n").encode()


def archive(names: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in names.items():
            made.writestr(name, content)
    return out.getvalue()


# name -> (file name, bytes, line where the first fault must be, or None)
BAD = {
    "an empty file": ("a.csv", b"", None),
    "a header alone": ("a.csv", (LINES[0] + "\n").encode(), None),
    "an unknown case": ("a.csv", changed(5, "case-9999,0.25,0.75"), 5),
    "a missing case": ("a.csv", ("\n".join(LINES[:-1]) + "\n").encode(), None),
    "a doubled case": ("a.csv", changed(7, LINES[5]), 7),
    "a wrong column": ("a.csv", changed(1, "case_id,benign,malicious"), 1),
    "a missing column": ("a.csv", "\n".join(line.rpartition(",")[0].rpartition(",")[0] for line in LINES).encode(), 1),
    "a doubled column": ("a.csv", changed(1, "case_id,malignant,malignant"), 1),
    "NaN": ("a.csv", changed(9, "case-0007,nan,0.75"), 9),
    "infinity": ("a.csv", changed(9, "case-0007,inf,0.75"), 9),
    "a probability over one": ("a.csv", changed(3, "case-0001,0.25,1.75"), 3),
    "a negative probability": ("a.csv", changed(3, "case-0001,-0.25,0.75"), 3),
    "probabilities that do not sum to one": ("a.csv", changed(4, "case-0002,0.9,0.9"), 4),
    "words in place of a number": ("a.csv", changed(4, "case-0002,low,high"), 4),
    "an empty cell": ("a.csv", changed(4, "case-0002,,0.75"), 4),
    "a row too short": ("a.csv", changed(4, "case-0002,0.25"), 4),
    "a row too long": ("a.csv", changed(4, "case-0002,0.25,0.75,0.1"), 4),
    "bytes that are no text": ("a.csv", b"\xff\xfe\x00\x01" * 400, None),
    "a picture with the ending of a table": ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(500), None),
    "an archive where a table belongs": ("a.zip", archive({"../../etc/passwd": b"x", "a.csv": GOOD.encode()}), None),
    "a truncated archive": ("a.zip", archive({"a.csv": GOOD.encode()})[:-30], None),
    "a program": ("a.csv", b"\x7fELF" + bytes(300), None),
    "a pickle": ("a.csv", b"\x80\x04\x95" + bytes(300), None),
}


def post(client, headers, content=GOOD.encode(), filename="a.csv", **fields):
    body = {"name": "An answer", "file": SimpleUploadedFile(filename, content)} | fields
    return client.post("/api/v1/benchmarks/tumour-or-not/submissions", body, **headers)


@pytest.fixture
def headers(benchmark, cast, bearer):
    return bearer(cast.ann)


def test_a_good_file_is_201_and_the_same_file_again_200(client, headers):
    first, second = post(client, headers), post(client, headers)
    assert (first.status_code, second.status_code) == (201, 200), first.content
    assert first.json()["id"] == second.json()["id"] and second.json()["reused"]
    assert first.json()["status"] == "queued" and first.json()["position"] == 1
    assert client.get(first["Location"], **headers).json()["name"] == "An answer"


def test_there_are_twenty_bad_files():
    assert len(BAD) >= 20


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_422_with_its_place_and_leaves_nothing(client, headers, storage, name):
    filename, content, line = BAD[name]
    rows, files = Blob.objects.count(), _files(storage)
    response = post(client, headers, content, filename)
    body = response.json()
    assert response.status_code == 422, body
    assert body["count"] >= 1 and body["faults"] and body["faults"][0]["message"]
    assert set(body["error"]) == {"code", "message", "hint"}
    if line:
        assert body["faults"][0]["line"] == line, body["faults"][0]
    assert (
        not Submission.objects.exists() and not Run.objects.exists() and not Quota.objects.filter(used__gt=0).exists()
    )
    assert Blob.objects.count() == rows and _files(storage) == files
    assert "malignant" not in str([fault["message"] for fault in body["faults"]]) or "column" in str(body["faults"])


def _files(storage):
    return sorted(path.name for path in storage.rglob("*") if path.is_file())


def parquet(**columns) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


CASES = [f"case-{index:04d}" for index in range(60)]


def test_a_good_parquet_file_is_taken(client, headers):
    content = parquet(case_id=CASES, benign=[0.25] * 60, malignant=[0.75] * 60)
    assert post(client, headers, content, "a.parquet").status_code == 201


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"case_id": CASES, "benign": [0.25] * 60, "malignant": [0.75] * 59 + [float("nan")]}, '"line": 60'),
        ({"case_id": [*CASES[:59], "case-0000"], "benign": [0.25] * 60, "malignant": [0.75] * 60}, "case-0000"),
        ({"case_id": CASES, "benign": [0.25] * 60}, "malignant"),
    ],
)
def test_a_bad_parquet_file_is_422_and_leaves_nothing(client, headers, storage, columns, said):
    files = _files(storage)
    response = post(client, headers, parquet(**columns), "a.parquet")
    assert response.status_code == 422 and said in response.content.decode(), response.content
    assert response.json()["faults"][0]["file"] == "a.parquet"
    assert not Submission.objects.exists() and _files(storage) == files


def test_a_damaged_parquet_file_is_422(client, headers):
    whole = parquet(case_id=CASES, benign=[0.25] * 60, malignant=[0.75] * 60)
    for content in (whole[:-40], whole[:8] + bytes(200) + whole[208:], b"PAR1" + bytes(1000) + b"PAR1"):
        response = post(client, headers, content, "a.parquet")
        assert response.status_code == 422, response.content
    assert not Submission.objects.exists()


def test_all_faults_come_at_once_the_first_fifty_and_the_count(client, headers):
    rows = [LINES[0], *(f"{line.split(',')[0]},nan,0.5" for line in LINES[1:])]
    body = post(client, headers, "\n".join(rows).encode()).json()
    assert body["count"] >= 60 and len(body["faults"]) == 50
    assert [fault["line"] for fault in body["faults"][:3]] == [2, 3, 4]
    assert body["faults"][0]["column"] == 2


def test_over_the_daily_limit_is_429_and_says_when(client, headers, benchmark):
    Benchmark.objects.update(daily_limit=1)
    assert post(client, headers).status_code == 201
    over = post(client, headers, changed(2, "case-0000,0.5,0.5"))
    assert over.status_code == 429 and int(over["Retry-After"]) > 0 and over.json()["error"]["code"] == "too_many"
    assert post(client, headers).status_code == 200


def test_uploads_are_throttled_before_their_bytes_are_read(client, headers, monkeypatch):
    cache.clear()
    monkeypatch.setattr(rest, "UPLOADS", 2)
    assert [post(client, headers).status_code for _ in range(3)] == [201, 200, 429]


def test_a_file_over_the_size_limit_is_413_by_its_announced_length(client, headers, settings):
    settings.MAX_PREDICTION_BYTES = 100
    monster = post(client, headers, b"x" * (rest.FORM_BYTES + 200))
    assert monster.status_code == 413 and monster.json()["error"]["code"] == "too_large"
    assert post(client, headers).status_code == 422, "and by its own length where the form is within the limit"


def test_the_benchmarks_own_limit_counts(benchmark, settings):
    benchmark.package.manifest["limits"] = {"max_bytes": 10}
    assert submissions.max_bytes(benchmark) == 10
    settings.MAX_PREDICTION_BYTES = 5
    assert submissions.max_bytes(benchmark) == 5


def test_who_is_not_signed_in_is_401_and_a_reading_token_403(client, benchmark, cast, bearer):
    assert post(client, {}).status_code == 401
    assert post(client, bearer(cast.ann, "read")).status_code == 403
    assert not Submission.objects.exists()


def test_a_team_of_others_is_403(client, headers, cast):
    refused = post(client, headers, team="hospital")
    assert refused.status_code == 403 and "lab" in refused.json()["error"]["hint"]
    assert post(client, headers, team="lab").json()["team"] == "lab"


def test_without_a_file_or_a_name_the_form_is_422(client, headers):
    url = "/api/v1/benchmarks/tumour-or-not/submissions"
    assert client.post(url, {"name": "x"}, **headers).status_code == 422
    assert post(client, headers, name=" ").json()["faults"][0]["message"] == "name is missing"
    assert client.post(url, b"nonsense", content_type="multipart/form-data; boundary=x", **headers).status_code in (
        400,
        422,
    )
    assert client.post(url, b"{", content_type="application/json", **headers).status_code in (400, 422)


def test_cancel_and_withdraw_are_the_teams_and_the_organisers(client, headers, cast, bearer):
    made = post(client, headers).json()["id"]
    url = f"/api/v1/submissions/{made}"
    assert client.post(f"{url}/cancel", **bearer(cast.ben)).status_code == 404
    assert client.post(f"{url}/cancel", **headers).json()["status"] == "cancelled"
    assert client.post(f"{url}/cancel", **headers).status_code == 409
    assert client.post(f"{url}/withdraw", **bearer(cast.member)).json()["withdrawn"] is True


def test_a_hidden_benchmark_takes_nothing_from_strangers(client, headers):
    Benchmark.objects.update(private=True)
    assert post(client, headers).status_code == 404
    assert blobs.root().exists()
