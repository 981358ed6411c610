"""The roles of a runtime, each a loop in a process of its own: worker, dispatcher, counter. (The web role is `runtime/web.py`.)"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.customers.core.upgrades import StoreTooNewError
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.runtime.bells import LONGEST_WAIT_SECONDS, Listener
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.freed_memory import return_freed_memory
from kundenkreis.runtime.installation import COUNTER_BELL, DISPATCHER_BELL, WORKER_BELL, Installation
from kundenkreis.runtime.sole_process import SoleProcess, claim_folder, place_of
from kundenkreis.runtime.worker import REST_US, EmbeddedWorker, PartitionWorker

_logger = logging.getLogger(__name__)

STORE_PAUSE_SECONDS = 0.5
"""After the store failed (disk full, database gone): long enough to spare it, short enough to be back at once."""


class StopRequest:
    """SIGTERM and SIGINT as a flag that loops ask between two transactions, and that ends their waiting.

    To be closed before the listener.
    """

    def __init__(self, listener: Listener) -> None:
        self._asked = False  # no Event: a handler must not wait for a lock that the interrupted code holds
        self._listener: Listener | None = listener
        # A handler runs between two instructions of Python: a signal that comes after the last one before the wait's system call would be
        # answered when that ends. The interpreter's own writes at once.
        signal.set_wakeup_fd(listener.wake_descriptor, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def __bool__(self) -> bool:
        return self._asked

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if self._listener is not None:
            self._listener.wake()

    def close(self) -> None:
        """From now on signals set the flag only: the listener's descriptor may become somebody else's."""
        self._listener = None
        signal.set_wakeup_fd(-1)


def run_worker(installation: Installation, name: str) -> None:
    """Resolve and fold until asked to stop.

    Raises:
        AlreadyServedError: another worker is at work in this folder, on SQLite, where there is one.
        StoreTooNewError: a newer program has begun to fold this store.
    """
    lock = claim_folder(installation.settings, "worker.lock")
    listener = installation.listener(WORKER_BELL)
    stop = StopRequest(listener)
    dispatcher = installation.bell(DISPATCHER_BELL)
    worker = installation.open_worker(name)
    collect_rarely()
    dispatcher.ring()  # our forerunner may have died between its commit and its ring
    while not stop:
        try:
            report = worker.step()
            if report.fold.effects:
                dispatcher.ring()
            if report.idle:
                _wait(listener, installation, worker)
        except StoreTooNewError:
            raise
        except Exception as error:
            # What says itself what to do needs no traceback.
            _logger.error(
                "the worker's batch failed; what did not commit has not happened, trying again: %s",
                error,
                exc_info=not isinstance(error, KundenkreisError),
            )
            dispatcher.ring()  # it may have failed after its commit
            _pause(stop)
    if isinstance(worker, PartitionWorker):
        with _noted("partitions stay ours until the lease ends"):
            worker.release()
    stop.close()
    listener.close()
    if lock is not None:
        lock.release()


def _wait(listener: Listener, installation: Installation, worker: EmbeddedWorker | PartitionWorker) -> None:
    seconds = min((worker.next_wake_us() - installation.clock.now_us()) / 1e6, LONGEST_WAIT_SECONDS)
    if isinstance(worker, PartitionWorker):
        # Leases are renewed by step(); a sleeping worker must not lose its partitions.
        seconds = min(seconds, 2.0)
    elif not worker.has_rested:
        seconds = min(seconds, REST_US / 1e6)
    if seconds > 0:
        listener.wait(seconds)


def _pause(stop: StopRequest) -> None:
    if not stop:
        time.sleep(STORE_PAUSE_SECONDS)


@contextmanager
def _noted(consequence: str) -> Iterator[None]:
    try:
        yield
    except Exception:  # the edge of a process that is ending anyway
        _logger.exception(consequence)


def run_counter(installation: Installation) -> None:
    """Count what the pages show of everybody, until ended; after everybody else who wants the processor.

    One figure may take a minute inside one query, and nothing is kept beside what is committed: so a thread counts, and a signal ends the
    process at once, without waiting for it.
    """
    from kundenkreis.runtime.counting.counter import Counter  # noqa: PLC0415  (the other roles count nothing)

    with suppress(OSError):
        os.nice(10)
    signalled, signal_ = os.pipe()
    os.set_blocking(signal_, False)
    signal.set_wakeup_fd(signal_)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)  # the pipe tells
    listener = installation.listener(COUNTER_BELL)
    counter = Counter(installation)

    def count() -> None:
        while True:
            try:
                seconds = (counter.count_due() - installation.clock.now_us()) / 1e6
                if seconds > 0:
                    installation.store.close_here()  # the pages read for one count are not those of the next
                    return_freed_memory()
                    listener.wait(seconds)
            except Exception:
                _logger.exception("the store cannot be read; counting again")
                time.sleep(STORE_PAUSE_SECONDS)

    threading.Thread(target=count, name="counting", daemon=True).start()
    os.read(signalled, 1)
    listener.close()
    os._exit(0)


class Rings:
    """A bell heard once and by several threads, each of which may be at work when it rings.

    Args:
        stopped: when set, nobody waits any more.
    """

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._rang = threading.Condition()
        self._count = 0

    def ring(self) -> None:
        """Wake everybody who waits, and whoever does not before it waits again."""
        with self._rang:
            self._count += 1
            self._rang.notify_all()

    def listen(self) -> Callable[[float], None]:
        """How one thread waits: until the first ring since it last stopped waiting, or so many seconds at most."""
        seen = self._count

        def wait(seconds: float) -> None:
            # What rang while the thread looked for work counts: it may have looked before the ringer's commit.
            nonlocal seen
            with self._rang:
                self._rang.wait_for(
                    lambda: self._count != seen or self._stopped.is_set(), timeout=max(0.0, min(seconds, 3600.0))
                )
                seen = self._count

        return wait


def run_dispatcher(installation: Installation, threads: int) -> None:
    """Hand messages over until asked to stop; each thread keeps its own connections."""
    from kundenkreis.runtime.dispatching import build_world, open_dispatcher  # noqa: PLC0415  (the other roles need no templates)

    stopped = threading.Event()
    listener = installation.listener(DISPATCHER_BELL)
    stop = StopRequest(listener)
    worker = installation.bell(WORKER_BELL)
    world = build_world(installation)
    lock = SoleProcess(installation.data_dir / "dispatcher.lock")
    place = _place(installation, lock)
    if lock.is_held:
        # Nobody else sends from this folder: what a forerunner claimed and did not record need not wait for its lease.
        taken = SqlOutbox(installation.store).take_back(place, now_us=installation.clock.now_us())
        if taken:
            _logger.warning("%d claims of a dispatcher that died are taken back", taken)
    rings = Rings(stopped)

    def waits() -> Callable[[int | None], None]:
        heard = rings.listen()

        def wait(until_us: int | None) -> None:
            worker.ring()  # what was handed over has come back as events
            heard(3600.0 if until_us is None else (until_us - installation.clock.now_us()) / 1e6)

        return wait

    crew = [
        threading.Thread(
            target=open_dispatcher(world, number, place=place).serve,
            args=(stopped, waits()),
            name=f"dispatcher-{number}",
        )
        for number in range(threads)
    ]
    for thread in crew:
        thread.start()
    while not stop:
        if _heard(listener, stop):
            rings.ring()
    stopped.set()
    rings.ring()
    for thread in crew:
        thread.join()
    if world.journal is not None:
        world.journal.close()
    stop.close()
    listener.close()
    lock.release()


def _heard(listener: Listener, stop: StopRequest) -> bool:
    """Whether to look for work: a ring came, or one may have been missed."""
    try:
        return listener.wait(3600.0)
    except Exception:  # the database is away; the dispatchers notice for themselves
        _logger.exception("the bell cannot be heard")
        _pause(stop)
        return True


def _place(installation: Installation, lock: SoleProcess) -> str:
    """What the names of this process's dispatchers begin with: the same after a restart, another one on every machine and folder."""
    place = place_of(installation.data_dir)
    return f"{place}:" if lock.is_held else f"{place}+{os.getpid()}:"
