"""Options and fixtures of every test. The data folder of the session is made in environment.py, before the settings."""

import pytest

# Scripts that run by themselves: of make speed and make coverage, with libraries the tests do not have, and of old clients.
collect_ignore = ["speed", "zoo/hub/conversation.py", "zoo/hub/libraries.py"]


def pytest_addoption(parser):
    parser.addoption("--soak", action="store_true", help="run the long checks at full size")


def pytest_collection_modifyitems(config, items):
    """Long checks run with --soak only; their short twins are ordinary tests."""
    if not config.getoption("--soak"):
        items[:] = [item for item in items if "soak" not in item.keywords]


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
