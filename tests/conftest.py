"""What tests of every part may ask for: a PostgreSQL server that the session starts by itself, and databases in it.

Each worker process of a parallel run starts its own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest

from kundenkreis.settings import Settings
from kundenkreis.site.catalogues import compile_catalogues
from kundenkreis.site.django_setup import configure
from tests.postgres_server import NoServerError, running_server

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """URL of a running PostgreSQL server's `postgres` database. Shared by the session: make databases, see below."""
    try:
        with running_server() as dsn:
            yield dsn
    except NoServerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def postgres_database(postgres_dsn: str) -> Iterator[str]:
    """URL of an empty database of the session's server, dropped after the test."""
    with _database(postgres_dsn) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_database_of_module(postgres_dsn: str) -> Iterator[str]:
    """The same for tests that read what one of them has made: dropped after the last test of the module."""
    with _database(postgres_dsn) as url:
        yield url


@contextmanager
def _database(postgres_dsn: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield postgres_dsn.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def site_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Django can be set up for one installation per process: this one."""
    return Settings(data_dir=tmp_path_factory.mktemp("site"), brand="Lindenhof")


@pytest.fixture(scope="session")
def words(site_settings: Settings) -> None:
    """For tests that ask for words without pages: Django as the tests of pages need it, should they come later in this process."""
    configure(site_settings)
    compile_catalogues()
