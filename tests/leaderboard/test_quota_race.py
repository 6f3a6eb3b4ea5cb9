"""Twenty posts at once at a limit of five: exactly five are taken, on SQLite in a file and on PostgreSQL."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_parallel_posts_never_exceed_the_limit(database, tmp_path):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.server()) if database == "postgres" else ""
        drop = {"DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL"}
        environment = {key: value for key, value in os.environ.items() if key not in drop}
        environment |= {"KENSA_DATA_DIR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
        environment |= {"DATABASE_URL": url} if url else {}
        done = subprocess.run(
            [sys.executable, "-m", "tests.leaderboard.race", str(tmp_path)], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "outcomes": {"429": 15, "taken": 5}, "submissions": 5, "runs": 5, "used": 5, "blobs": 5, "files": 5,
    }  # fmt: skip
