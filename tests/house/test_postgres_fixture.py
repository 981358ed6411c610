"""The server that the session starts, because every store test stands on it."""

import psycopg
import pytest

pytestmark = pytest.mark.db


def test_each_database_is_empty_and_its_own(postgres_database: str, postgres_dsn: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        own = connection.execute("SELECT current_database()").fetchone()
    with psycopg.connect(postgres_dsn) as connection:
        shared = connection.execute("SELECT current_database()").fetchone()
    assert tables == []
    assert own is not None
    assert own[0].startswith("test_")
    assert shared == ("postgres",)


def test_server_keeps_what_it_acknowledged(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        durability = {
            name: connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("fsync", "full_page_writes", "synchronous_commit")
        }
    assert durability == {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on",)}
