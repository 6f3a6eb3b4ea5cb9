"""Fixtures of the evaluators' tests: a site of its own on each database."""

import pytest

from tests import postgres
from tests.evaluators import site as sites


@pytest.fixture(scope="session")
def postgres_url():
    with postgres.server("runs") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def site(request, tmp_path, django_db_setup, django_db_blocker, settings):
    """A database file or server, storage, broker address and data folder of this test alone."""
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    else:
        import psycopg

        server = request.getfixturevalue("postgres_url")
        name = f"site_{abs(hash(request.node.nodeid)) % 10**10}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        database = server.rpartition("/")[0] + f"/{name}"
    with sites.use(tmp_path / "data", database, django_db_blocker, settings) as made:
        yield made
