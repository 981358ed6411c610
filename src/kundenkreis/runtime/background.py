"""Runs beside the pages: a few at once in threads of the web process, one for each key, the newest taking the place of the one before."""

import logging
import threading
from collections.abc import Callable, Hashable

from kundenkreis.runtime.stores.session import Store

_logger = logging.getLogger(__name__)


class Run:
    """One run, as its work sees it: work looks at `is_over` now and then, and returns when it is so."""

    def __init__(self, work: "Callable[[Run], None]") -> None:
        self.work = work
        self.is_over = False
        """Its result is wanted no longer."""


class BackgroundRuns:
    """Runs at most `most` at once; the others wait in the order in which they came.

    Threads are begun when there is something to do and end after it, their connections to the store with them.
    """

    def __init__(self, store: Store, *, name: str, most: int) -> None:
        self._store = store
        self._name = name
        self._most = most
        self._guard = threading.Lock()
        self._newest: dict[Hashable, Run] = {}
        """Waiting or at work."""
        self._waiting: dict[Hashable, Run] = {}
        self._busy = 0

    def begin(self, key: Hashable, work: Callable[[Run], None]) -> None:
        """Let this run as soon as it is its turn; the one of the same key is over."""
        with self._guard:
            self._end(key)
            self._newest[key] = self._waiting[key] = Run(work)
            if self._busy < self._most:
                self._busy += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def end(self, key: Hashable) -> None:
        """The run of this key is over, if there is one."""
        with self._guard:
            self._end(key)

    def _end(self, key: Hashable) -> None:
        self._waiting.pop(key, None)
        run = self._newest.pop(key, None)
        if run is not None:
            run.is_over = True

    def _work(self) -> None:
        try:
            while (taken := self._take()) is not None:
                key, run = taken
                try:
                    run.work(run)
                except Exception:  # the edge of a thread: one run must not end the others
                    _logger.exception("a run beside the pages failed: %s", self._name)
                with self._guard:
                    if self._newest.get(key) is run:
                        del self._newest[key]
        finally:
            self._store.close_here()

    def _take(self) -> tuple[Hashable, Run] | None:
        """The next one; None where nothing waits, and the thread that asked has ended."""
        with self._guard:
            if not self._waiting:
                self._busy -= 1
                return None
            key = next(iter(self._waiting))
            return key, self._waiting.pop(key)
