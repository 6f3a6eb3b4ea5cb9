"""From a posted file to the board, through the sandbox: the number is the library's, the interval the same each time."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from sklearn.metrics import average_precision_score, roc_auc_score

from evaluators import tasks
from leaderboard import benchmarks
from tests.packages import binary_answer

URL = "/api/v1/benchmarks/tumour-or-not"


@pytest.fixture
def post(client, benchmark, tmp_path):
    def send(headers, content, name="An answer"):
        body = {"name": name, "file": SimpleUploadedFile("a.csv", content)}
        made = client.post(f"{URL}/submissions", body, **headers).json()
        tasks.evaluate(made["run"])
        return made

    return send


def test_a_posted_file_is_scored_as_an_independent_library_does(
    client, benchmark, cast, bearer, labels, tmp_path, post
):
    score = binary_answer(tmp_path / "a.csv", labels)
    content = (tmp_path / "a.csv").read_bytes()
    made = post(bearer(cast.ann), content)
    exact = client.get(f"/api/v1/submissions/{made['id']}", **bearer(cast.operator, "admin")).json()
    assert exact["status"] == "scored", exact
    values = {row["metric"]: row for row in exact["scores"] if row["subset"] == "all" and "part" not in row}
    assert values["auroc"]["value"] == pytest.approx(roc_auc_score(labels, score), abs=1e-9)
    assert values["average_precision"]["value"] == pytest.approx(average_precision_score(labels, score), abs=1e-9)
    assert values["auroc"]["low"] < values["auroc"]["value"] < values["auroc"]["high"]

    again = post(bearer(cast.ben), content, "The same by another team")
    assert again["run"] != made["run"]
    other = client.get(f"/api/v1/submissions/{again['id']}", **bearer(cast.operator, "admin")).json()
    assert other["scores"] == exact["scores"], "the resamples belong to the benchmark, not to the submission"

    rounded = client.get(f"{URL}/leaderboard").json()
    step = benchmarks.find(benchmark.slug, cast.ann).steps["auroc"]
    assert [entry["rank"] for entry in rounded["entries"]] == [1, 1]
    shown = next(s for s in rounded["entries"][0]["scores"] if s["metric"] == "auroc")
    assert shown["value"] == pytest.approx(round(values["auroc"]["value"] / step) * step, abs=1e-12)
    assert all(entry["rank_high"] == 2 and entry["tied"] for entry in rounded["entries"])
