"""Who sees what of robustness: one rounded mean drop for everyone, each corruption for the organiser and on public labels."""

import pytest

from evaluators.models import Run
from leaderboard import robustness
from leaderboard.models import Benchmark
from tests.leaderboard.pages import make_board, make_entry, make_team, read

pytestmark = pytest.mark.django_db
FACTS = {
    "n": 40, "metric": "auroc", "clean": 0.8213, "mean_drop": 0.12345, "attack": {"cases": 16, "version": 1, "flips": 0.4375},
    "corruptions": [{"name": "noise", "version": 1, "scores": [0.81, 0.6789], "drops": [0.0137, 0.1734], "flips": [0.05, 0.225]}],
}  # fmt: skip


@pytest.fixture
def entry():
    made = make_entry(make_board(make_team("house")), "ann", kind="weights")
    Run.objects.filter(pk=made.run_id).update(robustness=FACTS, provenance={"cost": {"memory": 1, "file_bytes": 1}})
    made.refresh_from_db()
    return made


def test_all_but_the_organiser_see_one_rounded_number(client, entry):
    house = entry.benchmark.owner.user
    assert robustness.of(entry, house).mean_drop == 0.12345
    for viewer in (entry.team.user, make_team("ben").user):
        seen = robustness.of(entry, viewer)
        assert (seen.mean_drop, seen.step, seen.facts, seen.rows) == (0.12, 0.02, {}, []), "0.01 of 0.82, upwards"
    for url in (entry.get_absolute_url(), entry.benchmark.get_absolute_url()):
        page = read(client.get(url))
        assert not page.faults and "12 %" in page.text and "0.679" not in page.text and "0.225" not in page.text
    told = client.get(f"/api/v1/submissions/{entry.pk}").json()["robustness"]
    assert told == {"mean_drop": 0.12, "step": 0.02}

    client.force_login(house, backend="django.contrib.auth.backends.ModelBackend")
    page = read(client.get(entry.get_absolute_url()))
    assert not page.faults and "0.679" in page.text and "0.44" in page.text


def test_where_labels_are_public_everyone_sees_each_corruption(client, entry):
    Benchmark.objects.update(labels="public")
    assert "0.679" in read(client.get(entry.get_absolute_url())).text


def test_what_could_not_be_measured_is_not_shown(client, entry):
    Run.objects.update(robustness={"error": "time"})
    entry.refresh_from_db()
    assert robustness.of(entry, entry.benchmark.owner.user) is None
    assert "corrupted" not in read(client.get(entry.get_absolute_url())).text
