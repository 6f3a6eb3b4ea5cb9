"""The command line client as a participant meets it: installed by pip from the running service, then used for real."""

import csv
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.journeys.service import Service
from tests.packages import binary, binary_answer


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    labels = binary(folder / "package", n=60)
    with Service(folder) as service:
        service.manage("load_benchmark", str(folder / "package"))
        token = service.token("ann")
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        page = service.get("/client/")
        assert page.status_code == 200
        wheel = re.search(r"pip install (http\S+\.whl)", page.text)[1]
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "--no-index", wheel], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        yield service, folder, token, labels


@pytest.fixture
def kensa(site):
    service, folder, token, _ = site
    home = {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    # the check needs numpy, which a participant has: here that of the tests
    numpy = {"PYTHONPATH": str(Path(np.__file__).parents[1])}

    def run(*arguments, code=0):
        command = [folder / "venv" / "bin" / "kensa", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | home | numpy, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


def test_a_participant_signs_in_checks_submits_and_reads_the_board(site, kensa):
    service, folder, token, labels = site
    assert "error" in kensa("board", "tumour-or-not", code=2)  # no server is known yet
    assert "as ann" in kensa("login", "--server", service.url, "--token", token)
    assert (folder / "config" / "kensa.json").stat().st_mode & 0o077 == 0
    assert "error" in kensa("login", "--server", service.url, "--token", "kensa_wrong", code=2)

    binary_answer(folder / "answer.csv", labels)
    assert "No fault" in kensa("check", "tumour-or-not", "answer.csv")
    rows = list(csv.reader((folder / "answer.csv").open()))
    rows[4][1] = "nan"
    with (folder / "bad.csv").open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    here = kensa("check", "tumour-or-not", "bad.csv", code=1)
    there = service.submit("tumour-or-not", token, folder / "bad.csv").json()["faults"]
    assert f"bad.csv:5:{there[0]['column']}: {there[0]['message']}" in here  # the very words of the server
    assert there[0]["message"] in kensa("submit", "tumour-or-not", "bad.csv", code=2)

    said = kensa("submit", "tumour-or-not", "answer.csv", "--name", "From a shell", "--wait")
    assert "scored" in said and "auroc on all: 0." in said and "n = 60" in said
    board = kensa("board", "tumour-or-not")
    assert "From a shell" in board and "predictions" in board
    assert json.loads(kensa("board", "tumour-or-not", "--json"))["entries"][0]["name"] == "From a shell"


def test_a_model_is_downloaded_whole_and_goes_on_where_it_was_cut(site, kensa):
    service, folder, token, _ = site
    kensa("login", "--server", service.url, "--token", token)
    made = service.post("/api/v1/models", token, json={"name": "net"})
    assert made.status_code == 201, made.text
    content = os.urandom(3 << 20)
    put = {"headers": {"Authorization": f"Bearer {token}"}, "data": content, "timeout": 60}
    assert requests.put(service.url + "/api/v1/models/ann/net/files/weights.dat", **put).status_code == 201
    (folder / "got").mkdir()
    (folder / "got" / "weights.dat.part").write_bytes(content[: 1 << 20])
    kensa("download", "ann/net", "-o", "got")
    assert (folder / "got" / "weights.dat").read_bytes() == content
    (folder / "got" / "weights.dat").unlink()
    (folder / "got" / "weights.dat.part").write_bytes(b"x" * 100)
    assert "did not arrive whole" in kensa("download", "ann/net", "-o", "got", code=2)


def test_the_starter_kit_works_as_it_comes(site, kensa):
    service, folder, token, _ = site
    kensa("login", "--server", service.url, "--token", token)
    kensa("download", "tumour-or-not", "-o", "kit.zip")
    with zipfile.ZipFile(folder / "kit.zip") as archive:
        names = archive.namelist()
        archive.extractall(folder / "kit")
    sample = next(name for name in names if name.endswith(".csv"))
    done = subprocess.run(
        [sys.executable, "-I", "kensa_check.py", sample], cwd=folder / "kit", capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "No fault."), done.stderr
    env = os.environ | {"KENSA_SERVER": service.url, "KENSA_TOKEN": token, "HOME": str(folder)}
    env["PYTHONPATH"] = str(next((folder / "venv" / "lib").glob("python*/site-packages")))
    done = subprocess.run([sys.executable, "example.py"], cwd=folder / "kit", env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "auroc 0.5" in done.stdout, done.stdout + done.stderr
    told = (folder / "kit" / "kensa_check.py").read_text().partition("MODULES = ")[0]
    assert "case-0000" in told and "patient" not in told and "reference/" not in told
