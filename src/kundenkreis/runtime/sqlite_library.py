"""Which SQLite library this process uses.

SQLite 3.7.0 to 3.51.2 can corrupt a database or lose commits in WAL mode when two connections checkpoint and write at the
same moment (the WAL-reset bug; mended in 3.51.3, and in 3.44.6 and 3.50.7). We always have more than one connection, and
the library that Python was built with is often among those: Debian 12 ships 3.40.1. So the library that pysqlite3 brings
takes the place of the standard module, before anybody imports that one.

Source: SQLite's page on write-ahead logging, section "The WAL-reset bug", and its release log, read November 2026.
"""

import sys

import pysqlite3
import pysqlite3.dbapi2

from kundenkreis.kernel.errors import CallerError

_FIRST_AFFECTED, _LAST_AFFECTED = (3, 7, 0), (3, 51, 2)
_MENDED_BRANCHES = ((3, 44, 6), (3, 50, 7))


class SqliteLibraryError(CallerError):
    """This SQLite library can lose data."""

    code = "sqlite_library"


def is_affected(version: tuple[int, int, int]) -> bool:
    """Whether this version of SQLite has the WAL-reset bug. Later patches of a mended branch are sound."""
    mended = any(version[:2] == branch[:2] and version >= branch for branch in _MENDED_BRANCHES)
    return _FIRST_AFFECTED <= version <= _LAST_AFFECTED and not mended


def check_version(version: tuple[int, int, int]) -> None:
    """Refuse a library that can lose data.

    Raises:
        SqliteLibraryError: the version is affected.
    """
    if is_affected(version):
        text = ".".join(map(str, version))
        raise SqliteLibraryError(
            f"SQLite {text} can lose committed data in WAL mode (fixed in 3.51.3). "
            "Install pysqlite3 0.6.1 or newer into this environment, or use PostgreSQL (KREIS_DATABASE).",
            version=text,
        )


def install() -> None:
    """Make `import sqlite3` mean pysqlite3 in this process. Call before Django or a store is imported; again is harmless.

    Raises:
        SqliteLibraryError: even pysqlite3's library is affected.
    """
    check_version(pysqlite3.sqlite_version_info)
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
