"""Publishing for the shells: the rulebook in force, the impact of a new one on everybody in the store, and putting it in force."""

from collections.abc import Collection, Iterator, Sequence

import msgspec

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.definitions.canonical import canonical_json, definitions_from_json
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.impact import Impact, count_impact
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.journeys.core.runs import BROADCAST_STARTED, JOURNEY_STOPPED
from kundenkreis.kernel.ids import PARTITIONS
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime import log
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.rulebooks import compile_installed, documents_of
from kundenkreis.runtime.stores.session import Session

MOST_ASKED = 5_000
"""Customers of whom the impact is asked one by one; of more, a sample of about so many."""


class StorePublisher:
    """Publishes into one installation (definitions/publisher.py: Publisher)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._bytes: tuple[int, bytes] = (0, b"[]")
        self._definitions: tuple[int, Definitions] = (0, definitions_from_json(b"[]"))

    def in_force(self) -> bytes:
        """Canonical JSON of the newest rulebook; b"[]" while there is none."""
        version = self.version_in_force()
        if version != self._bytes[0]:
            documents = msgspec.json.encode(self._installation.rulebooks.documents(version))
            self._bytes = (version, canonical_json(definitions_from_json(documents)))
        return self._bytes[1]

    def definitions(self) -> Definitions:
        """The same, read; shared between callers, who only look at it."""
        version = self.version_in_force()
        if version != self._definitions[0]:
            self._definitions = (version, definitions_from_json(self.in_force()))
        return self._definitions[1]

    def version_in_force(self) -> int:
        """Number of the newest rulebook; 0 while there is none."""
        return self._installation.rulebooks.newest_version()

    def impact(self, definitions: bytes, *, include_existing: Collection[str] = ()) -> Impact:
        """What publishing would do to everybody, or to a sample of a large store; nothing is written."""
        rulebooks, at_us = self._installation.rulebooks, self._installation.clock.now_us()
        newest = rulebooks.newest_version()
        past = [rulebooks.documents(version) for version in range(1, newest + 1)]
        zone = self._installation.zone
        before = rulebooks(newest) if newest else compile_installed([[]], zone=zone)
        after = compile_installed(
            [*past, documents_of(definitions)], zone=zone, include_existing=sorted(include_existing)
        )
        with self._installation.store.reading() as tx:
            partitions = _asked(tx)
            people = _people(tx, partitions, before, after)
            impact = count_impact(people, before=before, after=after, at_us=at_us)
        return msgspec.structs.replace(impact, sample_percent=100 * len(partitions) / PARTITIONS)

    def publish(
        self, definitions: bytes, *, actor: str, include_existing: Collection[str] = (), after: int | None = None
    ) -> tuple[int, int]:
        """(version, log position)."""
        return self._installation.publish(
            definitions, actor=actor, include_existing=sorted(include_existing), after=after
        )

    def start_broadcast(self, journey_id: str, *, actor: str) -> int:
        """Log position of the last control row. Wakes the worker."""
        return self._installation.append_control(BROADCAST_STARTED, {"journey": journey_id}, actor=actor)

    def end_runs(self, journey_id: str, *, actor: str) -> int:
        """Log position of the last control row. Wakes the worker."""
        return self._installation.append_control(JOURNEY_STOPPED, {"journey": journey_id}, actor=actor)


def _asked(tx: Session) -> range:
    """Partitions to ask: all up to MOST_ASKED customers, else as many as hold about so many. A partition is a hash of the customer."""
    customers = int(tx.rows("SELECT count(*) FROM states")[0][0])
    return range(PARTITIONS if customers <= MOST_ASKED else max(PARTITIONS * MOST_ASKED // customers, 1))


def _people(
    tx: Session, partitions: range, before: Rulebook, after: Rulebook
) -> Iterator[tuple[CustomerState, Sequence[LogRow]]]:
    """A private copy of every state, with the log rows from which missing facts are folded."""
    lacks = bool(after.decisions.lacking(before.decisions))
    for partition in partitions:
        for (data,) in tx.rows("SELECT state FROM states WHERE partition = ? ORDER BY profile_id", (partition,)):
            state = decode_state(bytes(data))
            owners = [state.profile_id, *state.absorbed]
            yield state, log.folded_so_far(tx, owners, folded_to=state.folded_to) if lacks else ()
