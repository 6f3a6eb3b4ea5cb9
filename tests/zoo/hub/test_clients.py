"""The official clients against a real server: all that people do with them, under gunicorn and behind nginx."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.service import ROOT
from tests.zoo.hub.server import Hub

HERE = Path(__file__).parent
CHECK = ROOT.parent / "shared" / "hub" / "conformance.py"
OLD = "huggingface_hub==0.36.2"
needs_nginx = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")


@pytest.fixture(scope="module", params=["gunicorn", pytest.param("nginx", marks=needs_nginx)])
def hub(request, tmp_path_factory):
    with Hub(tmp_path_factory.mktemp("hub"), nginx=request.param == "nginx") as running:
        yield running


@pytest.fixture(scope="module")
def old_client(tmp_path_factory):
    """A folder with the last client before 1.0."""
    folder = tmp_path_factory.mktemp("old")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), OLD]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{OLD} cannot be installed: {done.stderr[-200:]}")
    return folder


def run(hub, folder, script, *arguments, path=None, more=None) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "PYTHONPATH"))}
    environment |= {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder),
        "ALICE": hub.tokens["alice"],
        "BOB": hub.tokens["bob"],
    }
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"} | (more or {})
    environment |= {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [sys.executable, str(script), *arguments], env=environment, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_people_do_all_they_do_with_the_newest_client(hub, tmp_path):
    assert "ok the_end" in run(hub, tmp_path, HERE / "conversation.py")


@pytest.mark.soak
def test_people_do_all_they_do_with_the_last_client_before_1_0(hub, tmp_path, old_client):
    assert "ok the_end" in run(hub, tmp_path, HERE / "conversation.py", path=old_client)


def test_transformers_and_monai_load_what_they_pushed_bit_for_bit(hub, tmp_path):
    if hub.nginx:
        pytest.skip("tried without nginx; timm's networks go both ways behind it")
    for library in ("transformers", "monai"):
        if not importlib.util.find_spec(library):
            pytest.skip(f"{library} is not installed (requirements-dev.txt)")
    said = run(hub, tmp_path, HERE / "libraries.py")
    assert "ok transformers" in said and "ok monai" in said


@pytest.mark.soak
def test_monai_loads_its_own_pickled_bundles_where_they_are_allowed(tmp_path):
    pytest.importorskip("monai", reason="MONAI is an optional extra")
    with Hub(tmp_path / "hub", KENSA_ALLOW_PICKLES="1") as hub:
        assert "ok monai_pickles" in run(hub, tmp_path, HERE / "libraries.py", more={"PICKLES": "1"})


def check(hub, folder, *more, path=None) -> str:
    if not CHECK.is_file():
        pytest.skip(f"the conformance check is not at {CHECK}")
    tokens = (
        "--token",
        hub.tokens["alice"],
        "--token-reader",
        hub.tokens["bob"],
        "--token-readonly",
        hub.tokens["read"],
    )
    return run(hub, folder, CHECK, "--endpoint", hub.url, "--namespace", "lab", *tokens, *more, path=path)


def test_the_wire_conforms(hub, tmp_path):
    if not hub.nginx:
        pytest.skip("behind nginx it is tried already, with all that gunicorn does; make soak tries both")
    assert ", 0 failed" in check(hub, tmp_path, "--size-mb", "20")


@pytest.mark.soak
@pytest.mark.parametrize("version", ["newest", "old"])
def test_the_wire_conforms_with_either_client(hub, tmp_path, version, old_client):
    assert ", 0 failed" in check(hub, tmp_path, path=old_client if version == "old" else None)
