"""What a network costs beside its scores: coarse where a child said it, shown on board and pages, a private model's own hidden."""

import pytest

from evaluators import provenance
from evaluators.models import Run
from evaluators.sandbox import Outcome
from leaderboard import costs, standings
from tests.leaderboard.pages import make_board, make_entry, make_team, read
from zoo import accounts, commits
from zoo.templatetags.kensa import seconds

MEASURED = {
    "file_bytes": 46_837_875, "parameters": 12_000_000, "macs": 1_800_000_000, "latency_median": 0.012, "latency_p95": 0.02,
    "throughput": 95.0, "memory": 610_000_000,
}  # fmt: skip


def test_what_a_child_says_is_kept_to_two_digits_and_only_what_is_known(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1234)
    (tmp_path / "README.md").write_bytes(b"x" * 99)
    told = {
        "parameters": 11_689_512,
        "latency_median": 0.0123456,
        "macs": None,
        "throughput": float("nan"),
        "secret": 7,
    }
    told |= {"latency_p95": -1.0, "device_memory": True}
    found = provenance.cost(Outcome("done", {"cost": told}, memory=123_456_789), tmp_path)
    assert found == {"file_bytes": 1234, "parameters": 12_000_000, "latency_median": 0.012, "memory": 120_000_000}
    assert provenance.cost(Outcome("done", {"cost": ["?"]}, memory=0), tmp_path) == {"file_bytes": 1234, "memory": 0}


@pytest.mark.django_db
def test_board_submission_and_model_show_what_a_network_costs(client):
    house, ann = make_team("house"), accounts.create_user("ann")
    board = make_board(house)
    net = commits.create_model(ann.namespace, "net", author=ann)
    shown = make_entry(board, ann.namespace, kind="weights", model=net, revision="0" * 40, name="Open")
    hidden = make_entry(board, "ben", 0.7, kind="weights", name="Closed")
    make_entry(board, "cat", 0.6, name="File")
    Run.objects.filter(kind="weights").update(provenance={"cost": MEASURED, "device": "cpu", "precision": "float32"})

    found = costs.of_board(standings.table(board, ann))
    assert [entry.name for entry, _ in found] == ["Open", "Closed"]
    assert found[0][1].parameters == 12_000_000 and found[1][1].parameters is None, "the model of the other is not seen"
    assert found[1][1].latency_median == 0.012

    page = read(client.get(board.get_absolute_url()))
    assert not page.faults and "12 M" in page.text and "1.8 G" in page.text and "12 ms" in page.text
    page = read(client.get(shown.get_absolute_url()))
    assert not page.faults and "12 ms (95 %: 20 ms)" in page.text and "46.8 MB" in page.text
    assert "46.8 MB" not in read(client.get(hidden.get_absolute_url())).text
    assert "12 ms a case on cpu" in read(client.get("/ann/net")).text
    assert client.get(f"/api/v1/submissions/{shown.pk}").json()["cost"]["macs"] == 1_800_000_000


@pytest.mark.parametrize(
    ("value", "words"), [(1.44, "1.4 s"), (0.523, "520 ms"), (0.0123, "12 ms"), (3.7e-5, "37 µs"), (240, "240 s")]
)
def test_times_have_two_digits_and_no_powers_of_ten(value, words):
    assert seconds(value) == words
