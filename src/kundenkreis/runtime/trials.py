"""Trial runs for the pages: a draft over the recorded past, in a thread beside the pages, with progress. Nothing is written."""

import logging
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kundenkreis.kernel.errors import BugError, CallerError
from kundenkreis.runtime.background import BackgroundRuns, Run
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.simulate import Simulated, simulate
from kundenkreis.site.ports.trials import SeenEvent, Trial, TrialResult

_logger = logging.getLogger(__name__)

MOST_FOLDED = 2_000
"""Customers that one run folds at most; of more, a sample of about so many by stable hash, told with the result."""
MOST_AT_ONCE = 2
"""Runs at work in one process; more wait, so that pages stay quick however many are begun."""
NEWEST_ROWS = 200_000
"""Rows of the log among which events are looked for: what was not seen in so many is as good as missing, and the cost stays the same."""


class _EndedError(BugError):
    """This trial run is over; nobody waits for it."""

    code = "trial_ended"


class BackgroundTrials:
    """Runs drafts of one installation (site/ports/trials.py: Trials). Results live as long as the process."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._trials: dict[str, Trial] = {}
        self._guard = threading.Lock()
        self._runs = BackgroundRuns(installation.store, name="trial", most=MOST_AT_ONCE)

    def start(self, document: Mapping[str, Any], *, from_day: int, to_day: int) -> Trial:
        """See Trials."""
        journey_id = str(document["id"])
        begun = Trial(
            trial_id=secrets.token_hex(16), from_day=from_day, to_day=to_day, done=0, total=0, document=document
        )
        with self._guard:
            self._trials[journey_id] = begun
            self._runs.begin(journey_id, lambda run: self._run(run, journey_id, begun))
        return begun

    def find(self, journey_id: str) -> Trial | None:
        """See Trials."""
        with self._guard:
            return self._trials.get(journey_id)

    def end(self, journey_id: str, trial_id: str) -> bool:
        """See Trials."""
        with self._guard:
            held = self._trials.get(journey_id)
            if held is None or held.trial_id != trial_id:
                return False
            del self._trials[journey_id]
            self._runs.end(journey_id)
            return True

    def first_day(self) -> int:
        """See Trials."""
        with self._installation.store.reading() as tx:
            found = tx.rows("SELECT day FROM log WHERE profile_id <> 0 ORDER BY number LIMIT 1")
        return int(found[0][0]) if found else self._installation.zone.day_number(self._installation.clock.now_us())

    def seen_events(self, names: Sequence[str]) -> tuple[SeenEvent, ...]:
        """See Trials."""
        with self._installation.store.reading() as tx:
            rows = tx.rows(
                "SELECT name, count(*), min(happened_us), max(happened_us) FROM log WHERE number > "
                "(SELECT coalesce(max(number), 0) FROM log) - ? AND (flags & 4) = 0 GROUP BY name",
                (NEWEST_ROWS,),
            )
        found = {row[0]: row for row in rows}
        return tuple(
            SeenEvent(name=name, count=row[1], first_us=row[2], last_us=row[3])
            if (row := found.get(name)) is not None
            else SeenEvent(name=name, count=0, first_us=0, last_us=0)
            for name in names
        )

    def _run(self, run: Run, journey_id: str, begun: Trial) -> None:
        def tell(trial: Trial) -> None:
            with self._guard:
                if not run.is_over:
                    self._trials[journey_id] = trial

        def go_on(done: int, total: int) -> None:
            if run.is_over:
                raise _EndedError
            tell(replace(begun, done=done, total=total))

        try:
            with self._installation.store.reading() as tx:
                customers = int(tx.rows("SELECT count(*) FROM states")[0][0])
            result = simulate(
                self._installation, [begun.document or {}], from_day=begun.from_day, to_day=begun.to_day,
                sample_percent=min(100.0, 100.0 * MOST_FOLDED / max(customers, 1)), progress=go_on,
            )  # fmt: skip
        except _EndedError:
            return
        except CallerError as error:
            tell(replace(begun, problem=str(error)))
        except Exception:
            _logger.exception("the trial run of %s failed", journey_id)
            tell(replace(begun, problem="failed"))
        else:
            tell(replace(begun, done=1, total=1, result=_result(result)))


def _result(simulated: Simulated) -> TrialResult:
    return TrialResult(
        sample_percent=simulated.sample_percent, entries=simulated.entries, control=simulated.holdout,
        messages=simulated.messages, goals=simulated.goals, under_way=simulated.under_way, collisions=simulated.cap_hits,
        displaced=sum(simulated.displaced_real.values()), entries_per_day=simulated.entries_per_day,
        messages_per_day=simulated.messages_per_day, withheld=simulated.not_sent_by_reason, exits=simulated.exits,
        steps=simulated.steps,
    )  # fmt: skip
