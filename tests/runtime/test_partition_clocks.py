"""Whoever appends and whoever folds move the clocks of the same partitions without ever waiting for each other in a circle."""

import random
import threading
from collections.abc import Callable

import pytest

from kundenkreis.kernel.ids import PARTITIONS
from kundenkreis.runtime.partition_clocks import move_clocks, read_clocks, write_clocks
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.session import migrate

pytestmark = pytest.mark.db
ROUNDS = 150
EVERYBODY = list(range(PARTITIONS))


def test_appenders_and_folders_do_not_lock_each_other_out(postgres_database: str) -> None:
    dsn = postgres_database
    store = PostgresStore(dsn)
    migrate(store)
    with store.transaction() as tx:
        # As after a while of work: the rows lie in any order.
        for partition in random.Random(1).sample(EVERYBODY, PARTITIONS):
            tx.run("UPDATE clocks SET clock_us = 1 WHERE partition = ?", (partition,))
    failures: list[BaseException] = []

    def repeat(work: Callable[[int], None]) -> None:
        own = PostgresStore(dsn)
        stores[threading.current_thread().name] = own
        try:
            for number in range(2, ROUNDS):
                work(number)
        except BaseException as error:
            failures.append(error)
        finally:
            own.close()

    def append(number: int) -> None:
        with stores[threading.current_thread().name].transaction() as tx:
            clocks = read_clocks(tx, EVERYBODY)
            write_clocks(tx, {partition: max(at, number) for partition, at in clocks.items()})

    def fold(number: int) -> None:
        with stores[threading.current_thread().name].transaction() as tx:
            move_clocks(tx, EVERYBODY, number)

    stores: dict[str, PostgresStore] = {}
    threads = [threading.Thread(target=repeat, args=(work,)) for work in (append, append, fold, fold)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.reading() as tx:
        assert tx.rows("SELECT DISTINCT clock_us FROM clocks") == [(ROUNDS - 1,)]
    store.close()
