"""The guard against SQLite libraries that can lose commits."""

import subprocess
import sys

import pytest

from kundenkreis.runtime.sqlite_library import SqliteLibraryError, check_version, is_affected

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_affected_versions(version: tuple[int, int, int], affected: bool) -> None:
    assert is_affected(version) is affected


def test_affected_library_is_refused_with_the_remedy() -> None:
    with pytest.raises(SqliteLibraryError) as caught:
        check_version((3, 40, 1))
    assert str(caught.value) == (
        "SQLite 3.40.1 can lose committed data in WAL mode (fixed in 3.51.3). "
        "Install pysqlite3 0.6.1 or newer into this environment, or use PostgreSQL (KREIS_DATABASE)."
    )


def test_django_gets_the_sound_library() -> None:
    program = (
        "from kundenkreis.runtime import sqlite_library; sqlite_library.install()\n"
        "import pysqlite3, sqlite3\n"
        "from sqlite3 import dbapi2\n"
        "from django.db.backends.sqlite3 import base\n"
        "print(sqlite3 is pysqlite3, dbapi2 is pysqlite3.dbapi2, base.Database is pysqlite3.dbapi2)"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed == "True True True\n"
