"""Nothing that wakes is slept through: no ring by a thread that was at work when it came, nor for a connection that broke, and no signal."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from kundenkreis.runtime.bells import PostgresBell, PostgresListener, SocketBell, SocketListener
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


SIGNALLED = """
import signal, sys, threading, time
from pathlib import Path

def signal_elsewhere():
    while signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        time.sleep(0.01)
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=signal_elsewhere).start()
"""
WAITING = """
from kundenkreis.runtime.bells import SocketListener
from kundenkreis.runtime.roles import StopRequest

listener = SocketListener(Path(sys.argv[1]), "worker")
stop = StopRequest(listener)
while not stop:
    listener.wait(3600)
stop.close()
listener.close()
"""
SUPERVISING = """
from kundenkreis.runtime.serve import Supervisor

sleeping = [sys.executable, "-c", "import time; time.sleep(3600)"]
sys.exit(Supervisor([("worker", sleeping)], data_dir=Path(sys.argv[1]), say=print).run())
"""


@pytest.mark.e2e
@pytest.mark.parametrize("program", [WAITING, SUPERVISING], ids=["a wait", "the supervisor"])
def test_a_signal_ends_what_it_does_not_interrupt(tmp_path: Path, program: str) -> None:
    """The other thread's signal stands for one that comes between the last instruction before the wait and its system call."""
    ended = subprocess.run([sys.executable, "-c", SIGNALLED + program, str(tmp_path)], timeout=LONG, check=False)
    assert ended.returncode == 0


@pytest.mark.pure
def test_a_listener_that_ends_late_leaves_the_bell_to_its_successor(tmp_path: Path) -> None:
    old = SocketListener(tmp_path, "worker")
    new = SocketListener(tmp_path, "worker")
    old.close()
    bell = SocketBell(tmp_path, "worker")
    bell.ring()
    assert new.wait(LONG)
    bell.close()
    new.close()
    assert list(tmp_path.iterdir()) == []
