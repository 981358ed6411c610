"""Folds rows through the passes that segments rely on, in the order and with the rounds of the engine."""

from collections import deque

import msgspec

from kundenkreis.customers.core.commerce import apply_commerce
from kundenkreis.customers.core.consent import apply_consent
from kundenkreis.customers.core.profile import apply_profile
from kundenkreis.customers.core.state import CustomerState, decode_state, encode_state
from kundenkreis.customers.core.turn import MembershipChange, OrderEntry, Turn, derived_row
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone, zone
from kundenkreis.segments.core.decisions import CompiledDecisions, compile_decisions, decide, next_us, observe
from kundenkreis.segments.core.definitions import (
    PhasesDefinition,
    ScoreDefinition,
    SegmentDefinition,
    SituationDefinition,
    TraitDefinition,
)

BERLIN = "Europe/Berlin"
TYPES = {
    "segment": SegmentDefinition,
    "score": ScoreDefinition,
    "phases": PhasesDefinition,
    "situation": SituationDefinition,
    "trait": TraitDefinition,
}


def compiled(*documents, zone_name=BERLIN, **more) -> CompiledDecisions:
    """A rulebook from plain documents."""
    typed = [msgspec.convert(one, TYPES[one["kind"]]) for one in documents]
    return compile_decisions(typed, zone=zone(zone_name), **more)


def log_row(plain: dict, number: int, in_zone: Zone) -> LogRow:
    """A row as the log keeps it, from a row as the oracle reads it."""
    return LogRow(
        partition=1,
        number=number,
        event_id=plain["event_id"],
        profile_id=257,
        type=plain["type"],
        name=plain["name"],
        happened_us=plain["happened_us"],
        received_us=plain["at_us"],
        at_us=plain["at_us"],
        day=in_zone.day_number(plain["happened_us"]),
        origin=plain.get("origin", "api"),
        body={"properties": plain["properties"], "traits": plain["traits"]},
    )


def plain_row(number: int, name: str, at_us: int, *, happened_us=None, traits=None, origin="api", **properties) -> dict:
    """A row as the oracle reads it."""
    return {
        "event_id": number.to_bytes(16, "big"),
        "type": "identify" if traits is not None else "track",
        "name": name,
        "at_us": at_us,
        "happened_us": at_us if happened_us is None else happened_us,
        "origin": origin,
        "properties": properties,
        "traits": traits or {},
    }


class Customer:
    """One customer being folded; keeps what was recorded and derived."""

    def __init__(self, decisions: CompiledDecisions, *, created_us: int = 0, bucket_key: str = "somebody") -> None:
        self.decisions = decisions
        self.state = CustomerState(257, bucket_key, created_us, created_us)
        self.records: list = []
        self.derived: list = []
        self.due: list[tuple[int, bool]] = []
        """(instant, whether anything was recorded) of every wake-up."""
        self.orders: dict = {}
        self.number = 0

    def take(self, *rows: dict) -> "Customer":
        """Fold rows, due instants before them."""
        for plain in rows:
            self.wait_until(plain["at_us"])
            self.number += 1
            self._round(log_row(plain, self.number, self.decisions.zone), plain["at_us"])
        return self

    def wait_until(self, until_us: int) -> "Customer":
        """Run everything due up to this instant."""
        while (due_us := next_us(self.decisions, self.state)) <= until_us:
            before = len(self.records), encode_state(self.state)
            self._round(None, due_us)
            assert next_us(self.decisions, self.state) > due_us, "a due instant must not come again"
            self.due.append((due_us, len(self.records) > before[0] or encode_state(self.state) != before[1]))
        return self

    def store_and_load(self) -> "Customer":
        """What happens between two batches."""
        data = encode_state(self.state)
        self.state = decode_state(data)
        assert encode_state(self.state) == data
        return self

    def _round(self, row: LogRow | None, at_us: int) -> None:
        queue = deque([row])
        while queue:
            row = queue.popleft()
            depth = row.depth if row is not None else 0
            turn = Turn(
                self.state,
                at_us,
                row=row,
                zone=self.decisions.zone,
                rulebook_version=1,
                depth=depth,
                orders=self.orders,
            )
            apply_profile(turn)
            apply_consent(turn)
            if row is not None:
                apply_commerce(turn)
            observe(self.decisions, turn)
            decide(self.decisions, turn)
            self.records.extend(record for record in turn.records if not isinstance(record, OrderEntry))
            for event in turn.derived:
                self.derived.append((at_us, event.name, event.properties))
                if event.depth <= 10:
                    queue.append(derived_row(event, turn=turn))

    def changes(self, kind: str) -> list[tuple[int, str, bool]]:
        """(instant, definition, entered) of one kind, without what lasted no time."""
        found: list[tuple[int, str, bool]] = []
        for record in self.records:
            if isinstance(record, MembershipChange) and record.kind == kind:
                change = (record.at_us, record.definition_id, record.entered)
                undone = (record.at_us, record.definition_id, not record.entered)
                if undone in found:
                    found.remove(undone)
                else:
                    found.append(change)
        return sorted(found)
