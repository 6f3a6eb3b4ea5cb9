"""A throw-away PostgreSQL server in a temporary folder, for tests that must hold on both databases."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "of-this-test-only"


def binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _as_user() -> list[str]:
    """PostgreSQL refuses to run as root: the distribution's own user does."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def server(database: str = "kensa") -> Iterator[str]:
    """A running server with one empty database; gives its DATABASE_URL. Skips the test where none is installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="kensa-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        folder.chmod(0o700)
        data, port = folder / "data", _free_port()
        run = {"check": True, "capture_output": True, "cwd": "/"}
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(secret, "postgres")
        make = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "kensa",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run([*_as_user(), *make], **run)
        # Durability is not what these tests are about.
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F -c full_page_writes=off -c max_connections=100"
        start = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"]
        subprocess.run([*_as_user(), *start], **(run | {"capture_output": False, "stdout": subprocess.DEVNULL}))
        try:
            environment = os.environ | {"PGPASSWORD": PASSWORD}
            create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "kensa", database]
            subprocess.run(create, env=environment, **run)
            yield f"postgres://kensa:{PASSWORD}@127.0.0.1:{port}/{database}"
        finally:
            subprocess.run([*_as_user(), programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
