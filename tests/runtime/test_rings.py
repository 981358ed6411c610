"""A ring is never slept through: not by a thread that was at work when it came, nor for a connection that broke."""

import threading
import time

import psycopg
import pytest

from kundenkreis.runtime.bells import PostgresBell, PostgresListener
from kundenkreis.runtime.roles import Rings
from tests.postgres_server import running_server

LONG = 60.0


@pytest.mark.pure
def test_a_ring_during_work_ends_the_next_wait() -> None:
    rings = Rings(threading.Event())
    wait = rings.listen()
    rings.ring()  # the thread has looked for work and found none, and does not wait yet
    begun = time.monotonic()
    wait(LONG)
    assert time.monotonic() - begun < LONG / 2


@pytest.mark.pure
def test_one_ring_wakes_every_thread_once() -> None:
    stopped = threading.Event()
    rings = Rings(stopped)
    woken: list[int] = []

    def serve(number: int) -> None:
        wait = rings.listen()
        ready.wait()
        while not stopped.is_set():
            wait(LONG)
            woken.append(number)
            done.release()

    ready, done = threading.Barrier(3), threading.Semaphore(0)
    threads = [threading.Thread(target=serve, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    ready.wait()
    rings.ring()
    assert all(done.acquire(timeout=LONG) for _ in threads)
    assert sorted(woken) == [0, 1]
    stopped.set()
    rings.ring()
    for thread in threads:
        thread.join()


@pytest.mark.db
def test_a_bell_rings_over_a_connection_that_broke_unnoticed() -> None:
    with running_server() as dsn:
        listener, bell = PostgresListener(dsn, "worker"), PostgresBell(dsn, "worker")
        assert listener.wait(0)  # it listens from now on
        bell.ring()
        assert listener.wait(LONG)
        with psycopg.connect(dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'NOTIFY kreis_worker'")
        bell.ring()
        assert listener.wait(LONG)
        bell.close()
        listener.close()
