"""The service under gunicorn, as `manage.py serve` starts its web part, or with the compose file's nginx in front."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import requests
import yaml

from tests.journeys.service import ROOT, Service, free_port, wait_for

MAKE = """
import json
from zoo import accounts, tokens
people = {name: accounts.create_user(name) for name in ("alice", "bob")}
lab = accounts.create_organisation("lab", people["alice"])
made = {name: tokens.create(user, "test", "write")[1] for name, user in people.items()}
print(json.dumps(made | {"read": tokens.create(people["alice"], "test", "read")[1]}))
"""


class Hub(Service):
    """People `alice` (who leads the organisation `lab`) and `bob`; their write tokens, and a `read` one of alice, in `.tokens`."""

    def __init__(self, folder: Path, *, nginx: bool = False, **env: str):
        more = {"KENSA_ACCEL": "1", "KENSA_BEHIND_PROXY": "1"} if nginx else {}
        super().__init__(folder, KENSA_LOG_LEVEL="ERROR", **more, **env)
        self.nginx, self.web, self.running = nginx, free_port() if nginx else self.port, []

    def start(self):
        self.data.mkdir(parents=True, exist_ok=True)
        self.manage("prepare")
        self.tokens = json.loads(self.manage("shell", "--no-imports", "-c", MAKE).splitlines()[-1])
        self._spawn(
            sys.executable, "-m", "gunicorn", "leaderboard.wsgi:application", "--bind", f"127.0.0.1:{self.web}",
            "--worker-class", "gthread", "--threads", "16", "--timeout", "120",
        )  # fmt: skip
        if self.nginx:
            self._spawn(
                shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(self._configuration()), "-p", str(self.folder)
            )
        wait_for(lambda: requests.get(self.url + "/api/agent-harnesses", timeout=5).ok, 60, what="the hub answers")

    def _spawn(self, *command: str):
        with open(self.log, "ab") as log:
            self.running.append(
                subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True)
            )

    def _configuration(self) -> Path:
        compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        server = compose["configs"]["nginx"]["content"].replace("$$", "$").replace("web:8000", f"127.0.0.1:{self.web}")
        server = server.replace("listen 8080", f"listen 127.0.0.1:{self.port}").replace("/data/", f"{self.data}/")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {self.folder}/{kind}; " for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        file = self.folder / "nginx.conf"
        file.write_text(
            f"{user} daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx-error.log; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{server}\n}}\n"
        )
        return file

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
