"""The counter: counts what pages show of everybody, beside the live path, and keeps each result with the instant it was counted at.

A page that counted a million people while somebody waits would be slow; counts kept in the fold's transaction would make every
customer wait for every other, and could not be exact about distinct people in a period. So each figure is counted anew from the
stored rows, in one snapshot, and kept in the table `figures`. It may take at most a twentieth of the time: a figure that takes
a second is twenty seconds old at most, one that takes a minute twenty minutes. The page says "as of".
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE, SECOND, Zone
from kundenkreis.runtime.counting.choices import FIGURE as CHOICES
from kundenkreis.runtime.counting.choices import count_choices
from kundenkreis.runtime.counting.circle import count_circle, phase_names, phases_of
from kundenkreis.runtime.counting.contents import FIGURE as CONTENTS
from kundenkreis.runtime.counting.contents import count_contents
from kundenkreis.runtime.counting.events import FIGURE, count_events
from kundenkreis.runtime.counting.journey_effects import FIGURE as EFFECTS
from kundenkreis.runtime.counting.journey_effects import count_effects
from kundenkreis.runtime.counting.journeys import FIGURE as JOURNEY
from kundenkreis.runtime.counting.journeys import count_journey, journeys_with_paths
from kundenkreis.runtime.counting.kept import is_large
from kundenkreis.runtime.counting.orders import count_revenue, count_second_orders
from kundenkreis.runtime.counting.outbox import FIGURE as OUTBOX
from kundenkreis.runtime.counting.outbox import count_outbox
from kundenkreis.runtime.counting.reach import count_reach
from kundenkreis.runtime.counting.segments import FIGURE as SEGMENTS
from kundenkreis.runtime.counting.segments import count_segments
from kundenkreis.runtime.counting.sending import count_sending
from kundenkreis.runtime.counting.today import count_today
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.schema import FIGURES
from kundenkreis.runtime.stores.session import Session

_logger = logging.getLogger(__name__)

SHORTEST_PAUSE: Micros = 10 * SECOND
PAUSES_PER_COUNT = 20
"""How many times as long as its counting a figure rests."""
STANDSTILL: Micros = 10 * MINUTE
"""How long a figure may rest when nothing was added to the log: days begin, limits of time pass."""

_encode = msgspec.json.Encoder().encode


class Look(msgspec.Struct, frozen=True):
    """What a count works with: one snapshot of the store at one instant."""

    tx: Session
    at_us: Micros
    zone: Zone
    documents: Sequence[Mapping[str, Any]]
    """Definitions of the newest rulebook."""
    rulebook: Rulebook


def _circle(look: Look) -> Any:
    return count_circle(
        look.tx, phases=phases_of(look.documents), names=phase_names(look.documents), zone=look.zone, at_us=look.at_us
    )


def _reach(look: Look) -> Any:
    return count_reach(
        look.tx, policy=look.rulebook.policy, phases=phases_of(look.documents), zone=look.zone, at_us=look.at_us
    )


FIGURES_COUNTED: Mapping[str, Callable[[Look], Any]] = {
    "circle": _circle,
    "today": lambda look: count_today(look.tx, at_us=look.at_us),
    "sending": lambda look: count_sending(look.tx, at_us=look.at_us),
    "revenue": lambda look: count_revenue(look.tx, zone=look.zone, at_us=look.at_us),
    "second_orders": lambda look: count_second_orders(look.tx, zone=look.zone, at_us=look.at_us),
    "reach": _reach,
    FIGURE: lambda look: count_events(look.tx, at_us=look.at_us),
}
"""Name -> how it is counted: a new figure is one line."""


COUNTED_WHEN_LARGE: Mapping[str, Callable[[Look], Any]] = {
    SEGMENTS: lambda look: count_segments(look.tx, zone=look.zone, at_us=look.at_us),
    CHOICES: lambda look: count_choices(look.tx, at_us=look.at_us),
    OUTBOX: lambda look: count_outbox(look.tx, at_us=look.at_us),
    CONTENTS: lambda look: count_contents(look.tx, at_us=look.at_us),
}
"""What pages of a large installation do not count themselves (runtime/counting/kept.py); journeys besides, one figure each."""


def personas_of(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Segments that contents speak to."""
    return sorted(
        {one for document in documents if document["kind"] == "content" for one in document.get("personas") or ()}
    )


class _Done(msgspec.Struct):
    at_us: Micros
    took_us: Micros
    log_next: int


class Counter:
    """Counts the figures of one installation when they are due."""

    def __init__(
        self, installation: Installation, figures: Mapping[str, Callable[[Look], Any]] = FIGURES_COUNTED
    ) -> None:
        self._installation = installation
        self._always = figures
        self._done: dict[str, _Done] = {}
        self._documents: tuple[int, Sequence[Mapping[str, Any]]] = (0, ())
        self._days: tuple[int, dict[str, int]] = (0, {})
        """(version of the rulebook, days for the goal of each journey asked so far)."""

    def count_all(self) -> None:
        """Count every figure now."""
        for name, count in self._figures().items():
            self._count(name, count)

    def count_due(self) -> Micros:
        """Count what is due. Returns the instant at which to look again, later than now however little was added."""
        now_us, log_next = self._installation.clock.now_us(), self._log_next()
        figures = self._figures()
        for name, count in figures.items():
            if self._due_us(name, log_next) <= now_us:
                try:
                    self._count(name, count)
                except Exception:  # the edge: one figure that cannot be counted must not stop the others
                    _logger.exception("the figure %s could not be counted", name)
                    self._done[name] = _Done(now_us, SECOND, log_next)
        earliest_us = min(self._due_us(name, -1) for name in figures)
        return max(earliest_us, self._installation.clock.now_us() + SHORTEST_PAUSE)

    def _due_us(self, name: str, log_next: int) -> Micros:
        done = self._done.get(name)
        if done is None:
            return 0
        pause_us = max(SHORTEST_PAUSE, PAUSES_PER_COUNT * done.took_us)
        return done.at_us + (pause_us if log_next != done.log_next else max(pause_us, STANDSTILL))

    def _log_next(self) -> int:
        with self._installation.store.reading() as tx:
            return int(tx.rows("SELECT next FROM numbers WHERE name = 'log'")[0][0])

    def _figures(self) -> Mapping[str, Callable[[Look], Any]]:
        """Those of every installation, and of a large one what its pages would count."""
        with self._installation.store.reading() as tx:
            journeys, is_one_large = journeys_with_paths(tx), is_large(tx)
        effects = {EFFECTS + name: self._effects(name) for name in journeys}
        if not is_one_large:
            return {**self._always, **effects}
        # What pages wait for comes first; what a journey brought about takes longest.
        return {
            **COUNTED_WHEN_LARGE, **{JOURNEY + name: self._journey(name) for name in journeys}, **self._always, **effects
        }  # fmt: skip

    def _journey(self, name: str) -> Callable[[Look], Any]:
        """How the lines of this journey's paths are counted."""
        days = self._goal_days(name)
        return lambda look: count_journey(look.tx, name, goal_days=days, zone=look.zone, at_us=look.at_us)

    def _effects(self, name: str) -> Callable[[Look], Any]:
        """How what this journey brought about is counted."""
        days = self._goal_days(name)
        return lambda look: count_effects(
            look.tx, name, goal_days=days, personas=personas_of(look.documents), at_us=look.at_us
        )

    def _goal_days(self, name: str) -> int:
        """Days for the goal, as its newest form gives them; 0: without end."""
        rulebooks = self._installation.rulebooks
        newest = rulebooks.newest_version()
        if newest != self._days[0]:
            self._days = (newest, {})
        days = self._days[1]
        if name not in days:
            forms = (
                document
                for version in range(newest, 0, -1)
                for document in rulebooks.documents(version)
                if (document["kind"], document.get("id")) == ("journey", name)
            )
            days[name] = int(((next(forms, None) or {}).get("goal") or {}).get("within_days") or 0)
        return days[name]

    def _count(self, name: str, count: Callable[[Look], Any]) -> None:
        installation = self._installation
        begun_us = installation.clock.monotonic_us()
        documents = self._newest_documents()
        rulebook = installation.rulebooks(self._documents[0])
        with installation.store.reading() as tx:
            log_next = int(tx.rows("SELECT next FROM numbers WHERE name = 'log'")[0][0])
            at_us = installation.clock.now_us()
            counted = count(Look(tx, at_us, installation.zone, documents, rulebook))
        took_us = installation.clock.monotonic_us() - begun_us
        with installation.store.transaction("figures") as tx:
            tx.insert(FIGURES, [(name, at_us, took_us, _encode(counted))], conflict="replace")
        self._done[name] = _Done(at_us, took_us, log_next)

    def _newest_documents(self) -> Sequence[Mapping[str, Any]]:
        version = self._installation.rulebooks.newest_version()
        if version != self._documents[0]:
            self._documents = (version, self._installation.rulebooks.documents(version))
        return self._documents[1]
