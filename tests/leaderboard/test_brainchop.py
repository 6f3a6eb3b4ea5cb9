"""Published third-party weights, imported into the zoo as they are, reach the overlap that is known of them."""

import pytest

from evaluators import tasks
from evaluators.models import Run, Score
from leaderboard import benchmarks, submissions
from leaderboard.demo import _data, _publishing, brain_tissue
from zoo import transport

KNOWN = {"grey_matter": 0.82, "white_matter": 0.87}  # Dice against nilearn's tissue maps of the MNI152 template


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.skipif(
    not _data.present(brain_tissue.BRAINCHOP), reason="the published networks are not beside the project"
)
def test_brainchops_network_segments_the_template_as_well_as_is_known_of_it(tmp_path, settings):
    settings.DATA_DIR, settings.STORAGE_URL = tmp_path / "data", (tmp_path / "blobs").as_uri()
    for name in ("package", "weights"):
        (tmp_path / name).mkdir()
    brain_tissue.package(tmp_path / "package")
    made = benchmarks.load(tmp_path / "package", _publishing.team(), publish=False)
    files = brain_tissue.meshnet(tmp_path / "weights")
    taken = transport.take_folder(files, _publishing.TEAM, "meshnet", author=None, private=False, title="Import")

    about = {"name": "MeshNet", "description": "", "external_data": "", "baseline": True}
    entry = submissions.submit(made, _publishing.team(), None, model=taken.model, revision="main", **about)
    tasks.evaluate(entry.run.pk)

    run = Run.objects.get(pk=entry.run.pk)
    assert run.status == "scored", run.log
    dice = {row.part: row.value for row in Score.objects.filter(run=run, metric="dice", subset="all")}
    print(dice, run.provenance["cost"])
    assert {part: dice[part] for part in KNOWN} == pytest.approx(KNOWN, abs=0.02)
