"""The real service, started as an operator starts it, in a data folder of its own; and the calls a journey needs."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds: float = 60, every: float = 0.2, what: str = "condition"):
    """The first true value of `condition()`; fails the test when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException, OSError):
            value = condition()
            if value:
                return value
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


class Service:
    """`manage.py serve` on a free port. Use as a context manager; `log` holds what it printed."""

    def __init__(self, folder: Path, *options: str, **env: str):
        self.folder = Path(folder)
        self.data = self.folder / "var"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / "serve.log"
        self.process, self.options = None, options
        drop = {"KENSA_DATA_DIR", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
        self.env = {key: value for key, value in os.environ.items() if key not in drop}
        self.env |= {"KENSA_DATA_DIR": str(self.data), "PYTHONUNBUFFERED": "1"} | env

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port), *self.options],
                cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            wait_for(self.healthy, 90, what="the service answers /healthz")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.log.read_text()[-4000:]}") from None

    def healthy(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}\n{self.log.read_text()[-4000:]}")
        return requests.get(self.url + "/healthz", timeout=5).status_code == 200

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)

    def manage(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *map(str, arguments)], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(
                f"manage.py {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout if check else done.stdout + done.stderr

    def token(self, user: str, scope: str = "write") -> str:
        return self.manage("create_token", user, "--scope", scope).strip().splitlines()[-1]

    def get(self, path: str, token: str | None = None, **options) -> requests.Response:
        return requests.get(self.url + path, headers=_bearer(token), timeout=60, **options)

    def post(self, path: str, token: str | None = None, **options) -> requests.Response:
        return requests.post(self.url + path, headers=_bearer(token), timeout=120, **options)

    def submit(self, slug: str, token: str, file: Path, **fields) -> requests.Response:
        with open(file, "rb") as body:
            return self.post(
                f"/api/v1/benchmarks/{slug}/submissions", token, files={"file": (Path(file).name, body)},
                data={"name": Path(file).stem} | fields,
            )  # fmt: skip

    def finished(self, submission: int, token: str, seconds: float = 90) -> dict:
        """The submission once it is in a final state."""

        def final():
            body = self.get(f"/api/v1/submissions/{submission}", token).json()
            return body if body["status"] not in ("queued", "running") else None

        return wait_for(final, seconds, what=f"submission {submission} ends")


def _bearer(token):
    return {"Authorization": f"Bearer {token}"} if token else {}
