"""The demonstration: packages without faults, held out honestly, cards that read well, nothing made twice."""

import csv
import json
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import yaml
from django.conf import settings
from django.core.management import CommandError, call_command

from evaluators import package as packages
from evaluators import readers, readings
from evaluators.faults import Faults
from leaderboard import benchmarks, literature, submissions
from leaderboard import demo as demos
from leaderboard.demo import _artefacts, _data, _publishing, _writing, cytology, gbsg2
from zoo import cards, statements

DEMOS = demos.load()
PAPERS = {name: demo for name, demo in DEMOS.items() if demo.literature}
MEASURED = sorted(set(DEMOS) - set(PAPERS))
ANYWHERE = {"gbsg2", "cytology", "brain_tissue", "lies_imbalance", "lies_public_split"}
QUICK = [(name, number) for name in sorted(ANYWHERE) for number in range(len(DEMOS[name].entries()))]


@pytest.fixture(params=MEASURED)
def name(request):
    """Every demo with cases; those whose data is not on this machine are skipped with the reason."""
    for need in DEMOS[request.param].needs:
        if _data.present(need) is None:
            pytest.skip(_data.how_to_get(need))
    return request.param


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Writes a demo's package once a session."""

    @cache
    def write(name):
        folder = tmp_path_factory.mktemp(name)
        DEMOS[name].package(folder)
        return folder

    return write


def manifest(folder):
    return yaml.safe_load((folder / "benchmark.yaml").read_text())


def cases(folder):
    with (folder / "cases.csv").open() as file:
        return list(csv.DictReader(file))


def test_these_demos_run_anywhere():
    assert {name for name in MEASURED if not DEMOS[name].needs} == ANYWHERE


def test_slugs_and_models_are_unique():
    slugs = [DEMOS[name].slug for name in MEASURED]
    models = [entry.model for demo in DEMOS.values() for entry in demo.entries() if entry.kind == "weights"]
    assert len(set(slugs)) == len(slugs)
    assert len(set(models)) == len(models)
    assert all(models)


def test_a_package_loads_without_faults(name, written):
    with packages.read(written(name)) as folder:
        assert folder.manifest["slug"] == DEMOS[name].slug
        assert len(folder.cases.ids) == len(cases(written(name)))


def test_a_package_says_where_it_comes_from_and_what_is_wrong_with_it(name, written):
    facts = manifest(written(name))
    assert facts["labels"] == "public"
    assert all(facts["source"][key] for key in ("name", "licence", "citation", "url"))
    assert facts["traps"]
    assert all(facts["task"][key] for key in ("title", "specialty", "modality", "anatomy"))
    sentences = facts["task"]["question"].count(".") + facts["task"]["question"].count("?")
    assert sentences == 2, "a clinical question is two sentences"


def test_what_was_learnt_from_is_never_tested(name):
    train, test = DEMOS[name].held_out()
    assert test
    assert not train & test


def test_a_package_holds_the_held_out_cases_and_no_other(name, written):
    rows, known = cases(written(name)), DEMOS[name].held_out()[1]
    assert len(rows) >= len(known)
    if not isinstance(next(iter(known)), bytes):  # ids of cases or of patients; bytes are the pictures or sequences
        assert known in [{row[column] for row in rows} for column in ("case_id", "patient_id")]


@pytest.mark.parametrize(("name", "number"), QUICK)
def test_an_answer_can_be_made_from_the_requirements_alone(name, number, written, tmp_path):
    entry = DEMOS[name].entries()[number]
    path = entry.make(tmp_path)
    if entry.kind == "predictions":
        with packages.read(written(name)) as folder:
            readers.check(folder.manifest, folder.cases.ids, path, path.name)
    else:
        card = cards.parse((path / "README.md").read_text())
        assert not card.faults
        assert cards.facts(card.front)["task"] == manifest(written(name))["task"]["slug"]
        assert "Research use only" in card.html
        assert not statements.read(card.front).missing
        assert json.loads((path / "config.json").read_text())["framework"] in ("onnx", "linear", "meshnet")


def test_the_graph_gives_what_the_trained_model_gives(tmp_path):
    import onnxruntime
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    cytology.linear(tmp_path)
    x = cytology.table()[0][cytology.split()[1]]
    peer = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(*cytology.training())
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {"measures": x.astype(np.float32)})
    np.testing.assert_allclose(found, peer.predict_proba(x), atol=1e-5)


def test_survival_curves_fall_and_end_between_nought_and_one(tmp_path):
    predictions = [entry for entry in gbsg2.entries() if entry.kind == "predictions"]
    for number, entry in enumerate(predictions):
        (tmp_path / str(number)).mkdir()
        rows = list(csv.DictReader(entry.make(tmp_path / str(number)).open()))
        curves = np.array([[float(row[f"t={time}"]) for time in gbsg2.TIMES] for row in rows])
        assert (np.diff(curves, axis=1) <= 1e-9).all()
        assert curves.min() >= 0
        assert curves.max() <= 1


@pytest.mark.django_db
def test_coefficients_alone_may_be_handed_in_as_weights(written, tmp_path):
    made = benchmarks.load(written("gbsg2"), _publishing.team())
    entry = next(entry for entry in gbsg2.entries() if entry.kind == "weights")
    (tmp_path / "cox").mkdir()
    folder = entry.make(tmp_path / "cox")
    net = _publishing.publish(made, entry, folder)
    assert [path.name for path in sorted(folder.iterdir())] == ["README.md", "config.json"]
    found = submissions.submit(made, _publishing.team(), None, model=net, revision="main", name="x", baseline=True)
    assert found.run.kind == "weights"
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(Faults, match="holds no weights"):
        _publishing.publish(made, entry, folder)
        submissions.submit(made, _publishing.team(), None, model=net, revision="main", name="y", baseline=True)


def test_the_same_arrays_give_the_same_bytes(tmp_path):
    one = _writing.arrays(tmp_path / "one.npz", x=np.arange(5)).read_bytes()
    assert one == _writing.arrays(tmp_path / "two.npz", x=np.arange(5)).read_bytes()


def test_loading_the_demos_imports_no_heavy_library():
    code = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'leaderboard.settings'; from leaderboard import demo; "
        "demo.load(); print([m for m in ('torch', 'timm', 'sklearn', 'lifelines', 'onnx', 'nilearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("paper", sorted(PAPERS))
@pytest.mark.django_db
def test_what_is_known_from_papers_is_cited_and_never_ranked(paper, tmp_path):
    PAPERS[paper].package(tmp_path)
    task = literature.load(tmp_path)
    assert task.question.count(".") + task.question.count("?") == 2, "a clinical question is two sentences"
    assert all((task.specialty, task.modality, task.anatomy))
    claims = list(task.claims.all())
    assert claims
    assert all(claim.citation and claim.source and claim.benchmark_id is None for claim in claims)
    assert all(claim.value is not None or claim.printed for claim in claims)


@pytest.mark.parametrize("study", ["aortic_dissection", "tomosynthesis"])
def test_a_reader_study_is_rows_of_people(study, written):
    demo = DEMOS[study]
    for need in demo.needs:
        if _data.present(need) is None:
            pytest.skip(_data.how_to_get(need))
    with packages.read(written(study)) as folder:
        found = readings.read(folder.manifest, folder.cases, written(study) / "readers.csv")
    assert len(found.readers) == 5
    assert len(found.arms) == 2
    assert not demo.entries()


def test_missing_data_is_named_with_the_way_to_get_it(settings, tmp_path):
    settings.SHARED_DATA = tmp_path
    with pytest.raises(_data.Missing, match="medicaldecathlon.com.*KENSA_SHARED_DATA"):
        _data.find("hippocampus_msd_task04")
    assert "medmnist/breastmnist.npz is not here" in _data.how_to_get("medmnist/breastmnist.npz")


def test_a_build_is_kept_and_not_made_again(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    heard = []
    place = _artefacts.build("cytology", DEMOS["cytology"], heard.append)
    assert [message["step"] for message in heard][0] == "package"
    assert _artefacts.answer(place, 2).name == "answer.csv"
    monkeypatch.setattr(_artefacts, "_run", lambda *_: pytest.fail("built again"))
    assert _artefacts.build("cytology", DEMOS["cytology"], heard.append) == place


def test_a_build_without_its_data_leaves_nothing_behind(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setenv("KENSA_SHARED_DATA", str(tmp_path / "nowhere"))
    settings.SHARED_DATA = tmp_path / "nowhere"
    with pytest.raises(_data.Missing, match="hippocampus"):
        _artefacts.build("hippocampus", DEMOS["hippocampus"], lambda message: None)
    assert not list((tmp_path / "demo").iterdir())


def test_the_command_names_the_demos_it_has(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with pytest.raises(CommandError, match="gbsg2"):
        call_command("demo", only="phrenology")
