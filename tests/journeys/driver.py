"""A customer's fold in small: what stands before and behind the journeys pass, real enough to walk journeys in tests.

Conditions are real objects behind the protocol of segments/core/protocol.py: few kinds, exact flips. The contact policy is a rule of one
line per test. Every input goes through the state's codec, so nothing lives between two inputs but bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kundenkreis.customers.core.state import Attribute, CustomerState, Planned, decode_state, encode_state
from kundenkreis.customers.core.turn import Record, RunEntry, Turn, derived_row
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys
from kundenkreis.journeys.core.definitions import JourneyDefinition
from kundenkreis.journeys.core.graph import Surroundings, compile_journey
from kundenkreis.journeys.core.runs import adopt, next_us, run_journeys
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.hashing import event_id_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LATE, LogRow
from kundenkreis.kernel.zones import DAY, Zone, from_datetime, zone
from kundenkreis.segments.core.protocol import FactSpec, PropertyFilter, Reason

BERLIN = zone("Europe/Berlin")
DEEPEST = 10


def us(text: str, where: Zone | None = BERLIN) -> Micros:
    """An instant from local text "2026-11-21 10:00" (seconds optional), or UTC with where=None."""
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    seconds = from_datetime(moment)
    if where is None:
        return seconds
    day, rest = divmod(seconds, DAY)
    return where.instant_us(day, rest // 1_000_000) + rest % 1_000_000


BORN = us("2026-01-01 00:00")


class BadCondition(CallerError):
    """The tests know no such condition."""

    code = "bad_condition"


@dataclass(frozen=True)
class Leaf:
    """One condition: reads some dirty keys, answers by a function of (state, at) -> (holds, flips)."""

    kind: str
    config: Any
    reads: frozenset[str]
    ask: Callable[[CustomerState, Micros], tuple[bool, Micros]]
    facts: tuple[FactSpec, ...] = ()

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        return self.ask(state, at_us)

    def explain(self, state: CustomerState, at_us: Micros) -> Reason:
        holds, flips = self.ask(state, at_us)
        return Reason(self.kind, holds, {"is": self.config}, {}, [], flips)


def compile_condition(data: Any) -> Leaf:  # noqa: PLR0911 - one return per kind
    """orders: exactly so many; silent_days: as many 24 h since the last order; between: two instants; segment; attribute; all; not."""
    if not isinstance(data, dict) or len(data) != 1:
        raise BadCondition(path=[])
    ((kind, config),) = data.items()
    if kind == "orders":
        return Leaf(kind, config, frozenset({"orders"}), lambda s, _: (s.commerce.order_count == config, NEVER))
    if kind == "silent_days":
        return Leaf(kind, config, frozenset({"orders"}), lambda s, at: _silent(s, at, config))
    if kind == "between":
        low, high = config
        flips = lambda at: low if at < low else high if at < high else NEVER  # noqa: E731
        return Leaf(kind, config, frozenset(), lambda _, at: (low <= at < high, flips(at)))
    if kind == "segment":
        reads = frozenset({f"segment:{config}"})
        return Leaf(kind, config, reads, lambda s, _: (config in s.decisions.inside, NEVER))
    if kind == "attribute":
        name, value = config["name"], config["value"]
        reads = frozenset({f"attribute:{name}"})
        return Leaf(kind, config, reads, lambda s, _: (_attribute(s, name) == value, NEVER))
    if kind == "all":
        parts = [compile_condition(part) for part in config]
        reads = frozenset(key for part in parts for key in part.reads)
        return Leaf(kind, config, reads, lambda s, at: _all([p.answer(s, at) for p in parts]))
    if kind == "not":
        part = compile_condition(config)
        return Leaf(kind, config, part.reads, lambda s, at: (not part.answer(s, at)[0], part.answer(s, at)[1]))
    raise BadCondition(path=[kind])


def _silent(state: CustomerState, at_us: Micros, days: int) -> tuple[bool, Micros]:
    last = state.commerce.last_order_us
    if last < 0:
        return False, NEVER
    due = last + days * DAY
    return (True, NEVER) if at_us >= due else (False, due)


def _attribute(state: CustomerState, name: str) -> Any:
    held = state.profile.attributes.get(name)
    return held.value if held is not None else None


def _all(answers: list[tuple[bool, Micros]]) -> tuple[bool, Micros]:
    """Early is allowed: the first flip of any part."""
    return all(holds for holds, _ in answers), min((flips for _, flips in answers), default=NEVER)


def compile_matches(where: Iterable[PropertyFilter]) -> Callable[[dict[str, Any], int], bool]:
    """Only `equals`."""
    filters = list(where)
    for index, one in enumerate(filters):
        if one.op != "equals":
            raise BadCondition(path=["where", index, "op"])
    return lambda properties, _day: all(properties.get(one.property) == one.value for one in filters)


AROUND = Surroundings(compile_condition=compile_condition, compile_matches=compile_matches)


def journey(data: str | Mapping[str, Any], version: int = 1, around: Surroundings = AROUND) -> CompiledJourney:
    """A compiled journey from YAML text or plain data."""
    plain = yaml.safe_load(data) if isinstance(data, str) else dict(data)
    return compile_journey(msgspec.convert(plain, JourneyDefinition), version=version, around=around)


def journeys(*compiled: CompiledJourney, where: Zone = BERLIN, **more: Any) -> CompiledJourneys:
    """Several compiled journeys as a rulebook's."""
    return CompiledJourneys(compiled, zone=where, **more)


def simple(**parts: Any) -> dict[str, Any]:
    """A small journey: enters by the event Go, one message, unless said otherwise."""
    return {
        "id": "simple",
        "entry": {"event": {"name": "Go"}},
        "steps": [{"id": "hello", "message": {"content": "hello", "purpose": "newsletter"}}],
        **parts,
    }


Verdict = Callable[[Planned, Micros], str | Micros]
"""What the contact policy of a test says: "release", "withhold", "expire", "keep" (planned, no date), or the instant of a later release."""


@dataclass
class Fold:
    """One customer and the journeys; feeds rows and time."""

    rulebook: CompiledJourneys
    policy: Verdict = lambda planned, at_us: "release"
    segments: dict[str, Any] = field(default_factory=dict)
    bucket_key: str = "bucket-1"
    born_us: Micros = BORN
    records: list[Record] = field(default_factory=list)
    sent: list[Planned] = field(default_factory=list)
    cancelled: list[tuple[bytes, str]] = field(default_factory=list)
    events: list[tuple[Micros, str, dict[str, Any]]] = field(default_factory=list)
    number: int = 0
    wakes: list[Micros] = field(default_factory=list)
    loops: int = 0

    def __post_init__(self) -> None:
        self.compiled_segments = {name: compile_condition(data) for name, data in self.segments.items()}
        self.state = CustomerState(1, self.bucket_key, self.born_us, self.born_us)
        self.advance(self.born_us, None, adopting=True)

    # Inputs

    def row(self, name: str, at_us: Micros, properties: Mapping[str, Any] | None = None, **more: Any) -> LogRow:
        """A log row that arrives now."""
        self.number += 1
        happened, kind = more.pop("happened_us", at_us), more.pop("type", "track")
        return LogRow(
            partition=1, number=self.number, event_id=event_id_of("test", f"{self.number}"), profile_id=1,
            type=kind, name=name, happened_us=happened, received_us=at_us, at_us=at_us,
            day=BERLIN.day_number(happened), origin=more.pop("origin", "api"),
            flags=LATE if more.pop("late", False) else 0,
            body={"traits" if kind == "identify" else "properties": dict(properties or {})},
        )  # fmt: skip

    def tell(self, name: str, when: str | Micros, properties: Mapping[str, Any] | None = None, **more: Any) -> "Fold":
        """An event happens; timers due until then run first."""
        at_us = us(when) if isinstance(when, str) else when
        return self.feed(self.row(name, at_us, properties, **more))

    def feed(self, row: LogRow) -> "Fold":
        """Fold one row, timers due until then first."""
        self.until(row.at_us)
        self.advance(row.at_us, row)
        return self

    def until(self, when: str | Micros) -> "Fold":
        """Let time pass, each timer at its own instant."""
        end = us(when) if isinstance(when, str) else when
        for _ in range(10_000):
            due = self.wake_us()
            if due > end:
                return self
            self.wakes.append(due)
            self.advance(due, None)
        raise AssertionError("does not come to rest")

    def publish(self, rulebook: CompiledJourneys, when: str | Micros) -> "Fold":
        """A new set of journeys is adopted."""
        at_us = us(when) if isinstance(when, str) else when
        self.until(at_us)
        self.rulebook = rulebook
        self.advance(at_us, self.row("Rulebook Published", at_us, type="control"), adopting=True)
        return self

    # The fold

    def wake_us(self) -> Micros:
        due = next_us(self.rulebook, self.state)
        for planned in self.state.contact.planned:
            due = min(due, planned.due_us)
        for condition in self.compiled_segments.values():
            due = min(due, condition.answer(self.state, self.state.clock_us)[1])
        return due

    def advance(self, at_us: Micros, row: LogRow | None, *, adopting: bool = False) -> None:
        """One input, with everything it derives."""
        self.state = decode_state(encode_state(self.state))
        queue = [self._turn(at_us, row, 0)]
        queue[0].publishing = adopting
        candidates: list[Planned] = []
        cancelled: list[tuple[bytes, str]] = []
        judged = False
        while queue or not judged:
            following: list[Turn] = []
            for turn in queue:
                self._passes(turn)
                if adopting and turn.depth == 0:
                    adopt(self.rulebook, turn)
                run_journeys(self.rulebook, turn)
                candidates += turn.candidates
                cancelled += turn.cancellations
                self.records += turn.records
                following += self._derived(turn)
            judged = not following
            if judged:
                last = self._turn(at_us, None, queue[-1].depth if queue else 0)
                last.cause = queue[-1].cause if queue else b""
                self._judge(last, candidates, cancelled)
                candidates, cancelled = [], []
                following = self._derived(last)
                judged = not following
            queue = following
        self.state.clock_us = at_us

    def _turn(self, at_us: Micros, row: LogRow | None, depth: int) -> Turn:
        return Turn(self.state, at_us, row=row, zone=self.rulebook.zone, rulebook_version=1, depth=depth)

    def _derived(self, turn: Turn) -> list[Turn]:
        following = []
        for event in turn.derived:
            if event.depth > DEEPEST:
                self.loops += 1  # the engine puts the last round into quarantine; the earlier ones stand
                continue
            row = derived_row(event, turn=turn)
            self.events.append((turn.at_us, event.name, event.properties))
            following.append(self._turn(turn.at_us, row, event.depth))
        return following

    def _passes(self, turn: Turn) -> None:
        row, state = turn.row, turn.state
        if row is not None and row.name == "Order Completed":
            state.commerce.order_count += 1
            state.commerce.last_order_us = row.happened_us
            turn.dirty.add("orders")
        new = dict(row.traits) if row is not None and row.type == "identify" else {}
        if row is not None and row.name == "Attribute Set":
            new[row.properties["name"]] = row.properties["value"]
        for name, value in new.items():
            state.profile.attributes[name] = Attribute(value, turn.at_us, turn.cause, "test")
            turn.dirty.add(f"attribute:{name}")
        for name, condition in self.compiled_segments.items():
            inside, holds = name in state.decisions.inside, condition.answer(state, turn.at_us)[0]
            if holds != inside:
                turn.dirty.add(f"segment:{name}")
                if holds:
                    state.decisions.inside[name] = turn.at_us
                else:
                    del state.decisions.inside[name]
                turn.derive("Segment Entered" if holds else "Segment Left", {"segment": name, "key": name})

    def _judge(self, turn: Turn, candidates: list[Planned], cancelled: list[tuple[bytes, str]]) -> None:
        budget = self.state.contact
        ids = {effect_id for effect_id, _ in cancelled}
        self.cancelled += cancelled
        budget.planned = [planned for planned in budget.planned if planned.effect_id not in ids]
        due = [planned for planned in budget.planned if planned.due_us <= turn.at_us]
        for planned in due:
            budget.planned.remove(planned)
            self._release(turn, planned)
        for planned in candidates:
            if planned.effect_id in ids:
                continue
            verdict = self.policy(planned, turn.at_us)
            if verdict == "release":
                self._release(turn, planned)
            elif verdict in ("withhold", "expire"):
                name = "Message Withheld" if verdict == "withhold" else "Message Expired"
                turn.derive(
                    name, {"message": planned.effect_id.hex(), "reason": "test", "key": planned.effect_id.hex()}
                )
            else:
                planned.due_us = verdict if isinstance(verdict, int) else NEVER
                budget.planned.append(planned)

    def _release(self, turn: Turn, planned: Planned) -> None:
        self.sent.append(planned)
        planned.due_us = turn.at_us
        turn.derive("Message Released", {"message": planned.effect_id.hex(), "key": planned.effect_id.hex()})

    # What came out

    @property
    def path(self) -> list[tuple[str, str]]:
        """[(step, outcome), ...] of all runs in order."""
        return [(entry.step_id, entry.outcome) for entry in self.records if isinstance(entry, RunEntry)]

    @property
    def sendings(self) -> list[tuple[str, str]]:
        """[(content, local time), ...] of what was released."""
        return [(planned.content_id, local(planned.due_us)) for planned in self.sent]

    def trace(self) -> str:
        """The path and the messages as readable lines, in the customer's story order."""
        lines = [f"{local(entry.at_us)}  {_story(entry)}" for entry in self.records if isinstance(entry, RunEntry)]
        return "\n".join(lines) + "\n"


def _story(entry: RunEntry) -> str:
    reason = entry.reason
    told = ""
    if reason and reason[0] == "until":
        told = f"until {local(reason[1], zone(reason[2]))} {reason[2]}"
    elif reason and reason[0] == "first_of":
        told = f"first of {', '.join(reason[1])} until {local(reason[2])}"
    elif reason and reason[0] == "condition":
        told = f"{reason[1][0]} {reason[1][2]['is']}"
    elif reason and reason[0] in ("event", "Segment Entered", "Segment Left"):
        told = f"{reason[0]} {reason[1]}"
    elif reason and reason[0] in ("date", "schedule"):
        told = f"{reason[0]} {local(reason[1])}"
    elif reason:
        told = " ".join(str(part) for part in reason if part != "")
    return f"{entry.journey_id + (':' + entry.entry_key if entry.entry_key else ''):<18} {entry.step_id or '-':<16} {entry.outcome:<18} {told}".rstrip()


def local(at_us: Micros, where: Zone = BERLIN) -> str:
    """An instant as local text with its weekday."""
    day, second = where.local_parts(at_us)
    name = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[(day + 3) % 7]
    return f"{name} {where.date(at_us).isoformat()} {second // 3600:02}:{second // 60 % 60:02}"


GOLDEN = Path(__file__).parent / "golden"
