"""One data folder for the test session, apart from the developer's own `var/`.

A plugin named in pyproject.toml and not a part of conftest.py: pytest-django reads the settings before any conftest.
"""

import os
import shutil
import tempfile
from pathlib import Path

DATA = Path(tempfile.mkdtemp(prefix="kensa-tests-"))
os.environ["KENSA_DATA_DIR"] = str(DATA)
for _name in ("DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL", "KENSA_SECRET_KEY", "KENSA_SIGNUP"):
    os.environ.pop(_name, None)


def pytest_unconfigure(config):
    shutil.rmtree(DATA, ignore_errors=True)
