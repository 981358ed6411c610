"""No table of a freshly made installation escapes the registry of personal data."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pysqlite3 as sqlite3
import pytest

from kundenkreis.privacy.registry import NOT_PERSONAL_BESIDE, RETENTION, known_tables, personal_tables
from kundenkreis.runtime.stores.schema import TABLES

_MAKE = """
import sys
from pathlib import Path
from kundenkreis.settings import Settings
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.web import build_app
settings = Settings(data_dir=Path(sys.argv[1]), database=sys.argv[2])
installation = Installation(settings)
installation.ensure_rulebook()
installation.open_worker().step()
inbox = installation.open_inbox()
inbox.backlog()
build_app(installation)
inbox.close()
installation.close()
"""
"""In a process of its own, because Django is set up once per process."""


def _make(folder: Path, database: str) -> None:
    done = subprocess.run([sys.executable, "-c", _MAKE, folder, database], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.db
def test_no_table_of_the_three_files_escapes(tmp_path: Path) -> None:
    _make(tmp_path, "")
    tables: dict[str, set[str]] = {}
    for path in sorted(tmp_path.glob("*.db")):
        connection = sqlite3.connect(path)
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        tables[path.name] = {row[0] for row in rows}
        connection.close()
    assert sorted(tables) == ["app.db", "inbox.db", "kreis.db"]
    assert tables["kreis.db"] == {table.name for table in TABLES}
    assert tables["inbox.db"] == {"inbox"}
    assert tables["app.db"] == NOT_PERSONAL_BESIDE | {t.name for t in personal_tables() if t.place == "application"}


@pytest.mark.db
def test_no_table_of_the_database_escapes(postgres_database: str, tmp_path: Path) -> None:
    _make(tmp_path, postgres_database)
    with psycopg.connect(postgres_database) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
    assert {row[0] for row in rows} == known_tables()


@pytest.mark.pure
def test_every_table_names_a_column_of_its_own_and_a_known_class() -> None:
    columns = {table.name: set(table.column_names) for table in TABLES}
    wrong = [
        table.name
        for table in personal_tables()
        if table.retention not in RETENTION
        or (table.place == "store" and table.way != "events" and table.erase_by not in columns[table.name])
    ]
    assert wrong == []


@pytest.mark.pure
def test_whatever_goes_by_profile_is_found_by_an_index() -> None:
    """Pruning happens because time passed, so it must never read a whole table."""
    by_profile = {table.name for table in personal_tables() if table.way == "profile"}
    indexed = {
        table.name
        for table in TABLES
        if table.primary_key[0] == "profile_id" or any("(profile_id" in index for index in table.indexes)
    }
    assert by_profile - indexed == {"internal_inbox"}  # nearly empty, and left out by pruning
