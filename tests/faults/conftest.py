"""What the fault tests share: the zygote, and installations with the rulebook published, on both stores."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.faults.stage import Stage, Template, Zygote, staged

_numbers = count(1)
MakeStage = Callable[..., AbstractContextManager[Stage]]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """The process from which roles are forked."""
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """An installation on SQLite."""
    return Template.make(tmp_path_factory.mktemp("faults") / "template", "")


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory, postgres_dsn: str) -> Template:
    """An installation on PostgreSQL."""
    name = f"faults_{os.getpid()}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return Template.make(
        tmp_path_factory.mktemp("faults") / "template", postgres_dsn.replace("/postgres?", f"/{name}?", 1)
    )


@pytest.fixture
def make_stage(request: pytest.FixtureRequest, zygote: Zygote, tmp_path: Path) -> MakeStage:
    """Makes a stage on the store of this name: make_stage("sqlite")."""

    def make(store: str, *, mail: bool = True, **more: str) -> AbstractContextManager[Stage]:
        template: Template = request.getfixturevalue(f"{store}_template")
        number = next(_numbers)
        database = ""
        if store == "postgres":
            dsn: str = request.getfixturevalue("postgres_dsn")
            database = dsn.replace("/postgres?", f"/run_{os.getpid()}_{number}?", 1)
        return staged(zygote, template, tmp_path / f"data-{number}", database, mail=mail, **more)

    return make
