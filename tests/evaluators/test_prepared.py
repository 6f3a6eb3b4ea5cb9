"""Prepared inputs: a second run decodes nothing and gives the same bits; nobody's weights can change what another run reads."""

import json

import numpy as np
import pytest
from PIL import Image

from evaluators import inference, predictions, preparation, prepared, sandbox
from evaluators.runners import inputs as declared
from evaluators.sandbox import Limits, Sandbox
from tests.evaluators import networks
from tests.evaluators.predicting import CLASSES

CASES = 70  # more than a part, and more than a batch
LIMITS = Limits(memory=3 << 30, wall=60, disk=1 << 30)


@pytest.fixture(scope="module")
def shared():
    """The worker's own sandbox, with the hostile entries of these tests beside its children."""
    before, sandbox._shared = sandbox._shared, Sandbox(modules=("evaluators.child", "tests.evaluators.hostile"))
    yield sandbox._shared
    sandbox._shared.close()
    sandbox._shared = before


@pytest.fixture
def package(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    settings.PREPARED_BYTES = 1 << 30
    folder = tmp_path / "package"
    (folder / "inputs").mkdir(parents=True)
    draw = np.random.default_rng(0)
    for number in range(CASES):
        shape = (20, 24) if number < 60 else (24, 20, 3)
        Image.fromarray(draw.integers(0, 255, shape).astype(np.uint8)).save(folder / "inputs" / f"{number:02d}.png")
    return folder


@pytest.fixture
def run(shared, package, tmp_path):
    """One run, as a worker makes it: its outcome, its predictions, and its preparation."""
    model = networks.brightness(tmp_path / "model", inputs={"channels": 1, "size": [16, 16]})
    count = iter(range(100))
    files = {f"inputs/{path.name}": {"sha256": path.name} for path in sorted((package / "inputs").iterdir())}

    def once(entry="evaluators.child:predict", limits=LIMITS, files=files):
        folder = tmp_path / f"run{next(count)}"
        (folder / "out").mkdir(parents=True)
        request = {"manifest": CLASSES, "names": ["config.json", "model.onnx"], "threads": 1, "inputs": list(files)}
        with preparation.Preparation(files, package, folder / "ready", list(files), limits) as ready:
            given = {"answer": model, "inputs": package / "inputs", "ready": ready.folder}
            outcome = shared.run(entry, request, work=folder / "out", given=given, limits=limits,
                                 heard=lambda message: ready.hear(message), beat_seconds=0.5)  # fmt: skip
        return outcome, folder / "out", ready

    return once


def values(folder) -> bytes:
    return predictions.load(folder, "classification", CASES).tobytes()


def test_a_second_run_opens_no_input_and_gives_the_same_bits(run, package):
    first, one, cold = run()
    for path in (package / "inputs").iterdir():
        path.write_bytes(b"none of these is opened again")
    second, two, warm = run()

    assert (first.status, second.status) == ("done", "done"), (first, second)
    assert (cold.found, warm.found, warm.outcome) == (False, True, None)
    assert values(one) == values(two)


def test_inputs_prepared_elsewhere_are_those_that_are_prepared_here(run, package, tmp_path):
    _, one, _ = run()
    alone = tmp_path / "alone"
    alone.mkdir()
    inference.run(
        tmp_path / "model", ["config.json", "model.onnx"], CLASSES, sorted((package / "inputs").iterdir()), alone
    )
    assert values(one) == values(alone)


def test_another_declaration_or_other_inputs_are_prepared_anew(run, package, tmp_path):
    assert run()[2].found is False
    networks.write_config(tmp_path / "model", {"framework": "onnx", "inputs": {"channels": 1, "size": [18, 16]}})
    assert run()[2].found is False
    networks.write_config(tmp_path / "model", {"framework": "onnx", "inputs": {"size": [18, 16], "channels": 1}})
    assert run()[2].found is True
    files = {f"inputs/{path.name}": {"sha256": path.name} for path in sorted((package / "inputs").iterdir())}
    assert run(files=files | {"inputs/00.png": {"sha256": "other bytes"}})[2].found is False


def test_a_network_cannot_write_what_it_or_another_run_reads(run, package):
    found, _, _ = run("tests.evaluators.hostile:poison")
    assert found.value["refused"] == ["create", "overwrite", "rename", "remove", "chmod"], found
    assert run()[2].found is True  # and what the trusted child left is whole


def test_a_declaration_that_does_not_suit_is_the_answers_fault(run, tmp_path):
    networks.write_config(tmp_path / "model", {"framework": "onnx", "inputs": {"kind": "table", "mean": [1, 2]}})
    found, _, ready = run()
    assert found.status in ("stopped", "error") and ready.failed
    assert ready.outcome.status == "rejected" and "2 values" in ready.outcome.faults[0]["message"]


def test_an_input_that_cannot_be_read_is_our_fault(run, package):
    (package / "inputs" / "66.png").write_bytes(b"damaged")
    _, _, ready = run()
    assert ready.failed and ready.outcome.status == "error" and "66.png" in ready.outcome.log
    assert not [path for path in preparation._home().iterdir() if not path.name.startswith(".")]


def test_what_is_too_large_to_be_kept_is_prepared_where_it_is_used(run, settings):
    settings.PREPARED_BYTES = 8000
    found, one, ready = run()
    assert found.status == "done" and ready.outcome.value == {"room": False}
    settings.PREPARED_BYTES = 1 << 30
    assert values(one) == values(run()[1])


def test_a_part_that_is_seen_can_be_read(tmp_path, monkeypatch):
    """Kept inputs are linked while a reader waits: of each part the array, by which it is seen, comes after its facts."""
    source, target = tmp_path / "kept", tmp_path / "ready"
    source.mkdir(), target.mkdir()
    for number in range(40):
        for kind in ("npy", "json"):
            (source / f"{number:05d}.{kind}").write_text("")
    (source / prepared.END).write_text("{}")
    seen, link = [], preparation.os.link
    monkeypatch.setattr(
        preparation.os, "link", lambda one, two, **more: (seen.append(two.name), link(one, two, **more))
    )
    preparation._link(source, target)
    place = {name: number for number, name in enumerate(seen)}
    assert len(seen) == 81 and seen[-1] == prepared.END
    assert all(place[f"{number:05d}.json"] < place[f"{number:05d}.npy"] for number in range(40))


def test_what_was_used_longest_ago_is_forgotten_first(tmp_path, settings):
    import os

    settings.DATA_DIR = tmp_path
    for age, name in enumerate(["new", "old", "oldest"]):
        folder = preparation._home() / name
        folder.mkdir()
        (folder / "00000.npy").write_bytes(bytes(1000))
        os.utime(folder, (1e9 - age, 1e9 - age))
    preparation.forget(2000)
    assert sorted(path.name for path in preparation._home().iterdir()) == ["new", "old"]


def test_volumes_keep_their_way_back_through_the_files(tmp_path):
    import nibabel

    volume = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    nibabel.Nifti1Image(volume, np.diag([-1, 1, 2, 1])).to_filename(tmp_path / "a.nii.gz")
    steps = [{"step": "reorient", "to": "PSR"}, {"step": "resample", "spacing": [1]}, {"step": "multiple", "of": [4]}]
    inputs = declared.check({"steps": steps})
    (tmp_path / "ready").mkdir()
    assert prepared.write([tmp_path / "a.nii.gz"], inputs, tmp_path / "ready", most_bytes=1 << 20)
    (read,) = prepared.read(tmp_path / "ready", [tmp_path / "a.nii.gz"], inputs)
    (made,) = prepared.prepare([tmp_path / "a.nii.gz"], inputs)
    assert read.array.tobytes() == made.array.tobytes()
    assert (read.shape, json.dumps(read.undo)) == (made.shape, json.dumps(made.undo))
