"""Backing up and restoring the database of a stage, as its owner would: the data folder beside it stays as it is."""

import shutil
import time
from contextlib import closing, suppress

import psycopg
import pysqlite3 as sqlite3

from tests.faults.stage import SETTLE_SECONDS, Stage, database_names, story

STORE = "kreis.db"


def back_up(stage: Stage) -> None:
    """Keep the database as it is now. On PostgreSQL nobody else may be connected."""
    if stage.database:
        _on_server(stage, "CREATE DATABASE {backup} TEMPLATE {name}")
        return
    with closing(sqlite3.connect(stage.data_dir / STORE, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(stage.data_dir / "backup"),))


def restore(stage: Stage) -> None:
    """Put the kept database in the place of the one that is there. No role may run."""
    stage.installation.store.close()
    if stage.database:
        _on_server(stage, "DROP DATABASE {name} WITH (FORCE)", "CREATE DATABASE {name} TEMPLATE {backup}")
        return
    for tail in ("-wal", "-shm"):
        (stage.data_dir / f"{STORE}{tail}").unlink(missing_ok=True)
    shutil.copyfile(stage.data_dir / "backup", stage.data_dir / STORE)


def forget_backup(stage: Stage) -> None:
    """Leave nothing on the server."""
    if stage.database:
        _on_server(stage, "DROP DATABASE IF EXISTS {backup} WITH (FORCE)")


def _on_server(stage: Stage, *statements: str) -> None:
    server, name, _ = database_names(stage.database, stage.database)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        for statement in statements:
            connection.execute(statement.format(name=name, backup=f"{name}_backup").encode())
    with suppress(psycopg.Error):
        stage.waiting()  # our own connection was cut off as well


def send_after_backup(stage: Stage) -> None:
    """Decide the whole story, make a backup, send everything."""
    stage.start("worker")
    stage.append(story())
    stage.settle(idle=("outbox",))
    stage.stop()
    back_up(stage)
    stage.start("worker")
    stage.start("dispatcher")
    stage.settle()
    stage.stop()


def await_compared(stage: Stage) -> None:
    """Until a sender has held its journal against the database."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not _is_compared(stage):
        assert time.monotonic() < deadline, stage.log_of("dispatcher")
        stage.revive()
        time.sleep(0.02)


def _is_compared(stage: Stage) -> bool:
    """The status is told (`outbox.stopped`) right after the comparison; what it says there goes with the backup."""
    with stage.installation.store.reading() as tx:
        return bool(tx.rows("SELECT 1 FROM outbox WHERE state = 'accepted'") or tx.rows("SELECT 1 FROM sent_before"))
