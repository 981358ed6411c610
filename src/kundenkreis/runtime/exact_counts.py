"""Everybody counted for whom a condition holds, in the background: a short snapshot for each stretch of states, and a rest after it.

One snapshot for all would be exact about one instant, but on SQLite the WAL grows as long as it is open, and a million states take a
minute. So somebody who is joined into another person meanwhile may be counted twice, and everybody is asked as they are when it is their turn.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.background import BackgroundRuns, Run
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.readers.definition_names import NamesInForce
from kundenkreis.runtime.readers.questions import BEGIN, CHUNK, Question, Tally, count_states, read_question, refused
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.segments.errors import DefinitionError
from kundenkreis.site.ports.counts import ASKED_SECONDS, Count
from kundenkreis.site.ports.segments import Estimate

_logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""Counts at work in one process; more wait."""


@dataclass
class _Held:
    count: Count
    asked_seconds: float
    """When somebody asked for it last, by the clock that only goes forward."""


class BackgroundCounts:
    """Counts of one installation (site/ports/counts.py: Counts). Results live as long as the process.

    Args:
        chunk: states of one stretch.
        monotonic: seconds of a clock that only goes forward.
        rest: waits so many seconds: as long as the stretch before took, so that half of a processor is left for the live path.
    """

    def __init__(
        self, installation: Installation, *, chunk: int = CHUNK, monotonic: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._installation = installation
        self._names = NamesInForce(installation.rulebooks)
        self._chunk, self._monotonic, self._rest = chunk, monotonic, rest
        self._held: dict[str, _Held] = {}
        self._guard = threading.Lock()
        self._runs = BackgroundRuns(installation.store, name="count", most=MOST_AT_ONCE)

    def begin(self, asker: str, condition: Any) -> Count:
        """See Counts."""
        count = Count(count_id=secrets.token_hex(16), state="at_work", done=0, total=0, result=None)
        with self._guard:
            self._held[asker] = held = _Held(count, self._monotonic())
            self._runs.begin(asker, lambda run: self._run(run, held, condition))
        return count

    def find(self, asker: str, count_id: str) -> Count | None:
        """See Counts."""
        with self._guard:
            held = self._held.get(asker)
            if held is None or held.count.count_id != count_id:
                return None
            if held.count.state == "at_work" and self._is_forgotten(held):
                del self._held[asker]
                self._runs.end(asker)
                return None
            held.asked_seconds = self._monotonic()
            return held.count

    def end(self, asker: str) -> None:
        """See Counts."""
        with self._guard:
            self._held.pop(asker, None)
            self._runs.end(asker)

    def _is_forgotten(self, held: _Held) -> bool:
        return self._monotonic() - held.asked_seconds > ASKED_SECONDS

    def _run(self, run: Run, held: _Held, condition: Any) -> None:
        try:
            result = self._count(run, held, condition)
        except DefinitionError as error:
            result = refused(error)
        except Exception:
            _logger.exception("a condition could not be counted")
            held.count = replace(held.count, state="failed")
            return
        if result is not None:
            held.count = replace(held.count, state="done", done=held.count.total, result=result)

    def _count(self, run: Run, held: _Held, condition: Any) -> Estimate | None:
        """The exact count; None if nobody waits for it any more."""
        question, tally, after, at_us = self._ask_anew(held, condition)
        while not run.is_over and not self._is_forgotten(held):
            began = self._monotonic()
            with self._installation.store.reading() as tx:
                is_current = newest_version(tx) == question.version
                states = question.stretch(tx, after, self._chunk) if is_current else []
            if not is_current:  # what the newer rulebook does not keep has to be read from the log
                question, tally, after, at_us = self._ask_anew(held, condition)
                continue
            if not states:
                return replace(tally.exact(self._names.of(question.version)), as_of_us=at_us)
            tally.take(states)
            after = states[-1].profile_id
            held.count = replace(held.count, done=min(tally.read, held.count.total))
            self._rest(self._monotonic() - began)
        return None

    def _ask_anew(self, held: _Held, condition: Any) -> tuple[Question, Tally, int, Micros]:
        with self._installation.store.reading() as tx:
            question = read_question(tx, self._installation.rulebooks, condition)
            total = count_states(tx)
        at_us = self._installation.clock.now_us()
        held.count = replace(held.count, done=0, total=total)
        return question, Tally(question, at_us=at_us), BEGIN, at_us
