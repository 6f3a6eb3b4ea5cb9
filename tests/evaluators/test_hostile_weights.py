"""Forty-odd hostile revisions: each ends in a clear fault or at its limit, the worker lives, its memory is as before."""

import json
import time
from pathlib import Path

import pytest
from PIL import Image

from evaluators import package as packages
from evaluators import runs
from evaluators.models import Run
from evaluators.sandbox import Limits, Sandbox, _children, _resident
from tests.evaluators import hostile_weights, networks
from tests.evaluators.site import wait_for
from zoo import blobs

BINARY = {"slug": "t", "version": 1, "kind": "classification", "classes": ["benign", "malignant"], "multilabel": False}
SLACK = 64 << 20  # bytes by which a process may have grown


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return networks.timm_network(tmp_path_factory.mktemp("timm") / "resnet")


def test_each_ends_in_a_fault_or_at_its_limit_and_nothing_is_left(trained, tmp_path):
    """Those that are refused in one child that lives through all of them; those that reach a limit in one each."""
    made = hostile_weights.revisions(tmp_path / "answers", trained)
    refused = {folder.name: name for name, (folder, ends) in made.items() if ends == {"rejected"}}
    (tmp_path / "inputs").mkdir()
    Image.new("L", (28, 28), 100).save(tmp_path / "inputs" / "0.png")
    (tmp_path / "out").mkdir()
    box = Sandbox(modules=("evaluators.child", "tests.evaluators.hostile"))
    try:
        box.check()
        before = _resident(box._process.pid)
        entry, request = "tests.evaluators.hostile:open_networks", {"manifest": BINARY, "folders": sorted(refused)}
        given = {"answers": tmp_path / "answers", "inputs": tmp_path / "inputs"}
        limits = Limits(memory=3 << 30, wall=120, cpu=240)
        found = box.run(entry, request, work=tmp_path / "out", given=given, limits=limits)
        assert found.status == "done", found
        ended = {refused[key]: value for key, value in found.value["ended"].items()}
        for name, (folder, ends) in made.items():
            if name in ended:
                continue
            names = sorted(path.name for path in folder.iterdir())
            ask = {"manifest": BINARY, "names": names, "threads": 1, "inputs": ["inputs/0.png"]}
            limits = Limits(memory=1200 << 20, wall=6, cpu=12, disk=1 << 28)
            given = {"answer": folder, "inputs": tmp_path / "inputs"}
            one = box.run("evaluators.child:look", ask, work=tmp_path / "out", given=given, limits=limits)
            assert one.status in ends and one.seconds < 12, f"{name}: {one}"
            ended[name] = [fault["message"] for fault in one.faults] or [one.status]
        assert _children(box._process.pid) == [] or not time.sleep(1) and _children(box._process.pid) == []
        assert _resident(box._process.pid) - before < SLACK
    finally:
        box.close()

    assert len(ended) == len(made) >= 40
    assert not [name for name, faults in ended.items() if faults in (["opened"], [])], ended
    told = json.dumps(ended)
    assert "/in/" not in told and "Traceback" not in told and list((tmp_path / "out").iterdir()) == []
    assert "layer1.2.bn1.bias" in ended["another network"][0] and "missing" in ended["another network"][0]


@pytest.mark.soak
@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_a_real_worker_lives_through_all_of_them_one_after_the_other(site, trained, tmp_path):
    made = hostile_weights.revisions(tmp_path / "answers", trained)
    networks.pictures(tmp_path / "package", n=12, limits={"seconds": 60, "memory_bytes": 1600 << 20})
    with packages.read(tmp_path / "package") as read:
        package = packages.store(read)

    def hand_in(folder: Path, team: str) -> Run:
        files = {path.name: blobs.put_path(path).sha256 for path in folder.iterdir()}
        run = runs.create(package, "weights", {"files": files}, scope=f"team:{team}")
        runs.ring(run)
        return run

    def end(run: Run, seconds: float = 300) -> Run:
        wait_for(lambda: run.refresh_from_db() or run.status not in Run.OPEN, seconds, every=0.2)
        return run

    site.broker()
    worker = site.worker(concurrency=1)
    assert end(hand_in(networks.brightness(tmp_path / "honest"), "0")).status == Run.Status.SCORED, site.log()
    zygote = _children(worker.pid)[0]
    before = _resident(worker.pid), _resident(zygote)
    for name, (folder, ends) in made.items():
        run = end(hand_in(folder, name))
        assert run.status == Run.Status.REJECTED, f"{name}: {run.status} {run.error} {run.log}\n{site.log()}"
        assert (run.error in ends or run.error == "faults") and run.faults[0]["message"] and run.attempt == 1, name
        assert not run.opened_real_case, f"{name}: a first look suffices, and costs nothing"
    honest = end(hand_in(networks.brightness(tmp_path / "honest-again", head="softmax", file="model.onnx"), "1"))
    assert honest.status == Run.Status.SCORED
    assert worker.poll() is None and _children(worker.pid)[0] == zygote
    after = _resident(worker.pid), _resident(zygote)
    assert after[0] - before[0] < SLACK and after[1] - before[1] < SLACK, (before, after)
