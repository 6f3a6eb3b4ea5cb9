"""Posts of three members at once take the team's five submissions and no more; joins and merges at once fill a team exactly."""

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
def test_races_never_exceed_the_limit_nor_the_team_size(database, tmp_path):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgres.server()) if database == "postgres" else ""
        drop = {"DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL"}
        environment = {key: value for key, value in os.environ.items() if key not in drop}
        environment |= {"KENSA_DATA_DIR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
        environment |= {"DATABASE_URL": url} if url else {}
        done = subprocess.run(
            [sys.executable, "-m", "tests.leaderboard.contest_race", str(tmp_path)], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=180,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "posts": {"taken": 5, "too_many": 15}, "submissions": 5, "joins": {"taken": 2, "full": 5}, "size": 3,
        "largest": 3, "people": 11, "teams": 7,
    }  # fmt: skip
