"""One data folder for the whole test session, apart from the developer's own; and the fixed cast."""

import os
import shutil
import tempfile
from pathlib import Path

# Before Django reads its settings: nothing of a test touches the developer's `var/`.
_DATA = Path(tempfile.mkdtemp(prefix="kensa-tests-"))
os.environ["KENSA_DATA_DIR"] = str(_DATA)
for _name in ("DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL", "KENSA_SECRET_KEY", "KENSA_SIGNUP"):
    os.environ.pop(_name, None)

import pytest  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="run the long checks at full size")


def pytest_collection_modifyitems(config, items):
    """Long checks run with --soak only; their short twins are ordinary tests."""
    if not config.getoption("--soak"):
        items[:] = [item for item in items if "soak" not in item.keywords]


def pytest_unconfigure(config):
    shutil.rmtree(_DATA, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real medical data; tests that need it skip where it is absent."""
    from django.conf import settings

    if not settings.SHARED_DATA.is_dir():
        pytest.skip(f"the shared medical data is not at {settings.SHARED_DATA} (set KENSA_SHARED_DATA)")
    return settings.SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def static_files():
    """Pages name static files by their hashed names, as they do when served."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0)
