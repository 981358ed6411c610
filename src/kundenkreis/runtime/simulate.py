"""A journey draft over the recorded past: what it would have done, had it been published on a given day.

Each customer's real log is folded from scratch with the published rulebooks; on the first day the draft is published into them. Messages of
others that were really sent keep their use of the contact budget. Nobody can know how people would have reacted to messages that were
never sent: reactions follow stated rates by stable hash, none by default, and stand in the result. Nothing is written.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from math import sqrt
from pathlib import Path
from typing import Any

import msgspec

from kundenkreis.customers.core.turn import RunEntry, VerdictEntry
from kundenkreis.definitions.canonical import canonical_json, definitions_from_json
from kundenkreis.definitions.definition import Definitions, key_of
from kundenkreis.definitions.errors import DefinitionsRefusedError
from kundenkreis.definitions.export import document_text, path_of
from kundenkreis.definitions.load import SUFFIXES, load_files
from kundenkreis.definitions.yaml_source import read_source
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.hashing import BUCKETS, bucket_of, hash128
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, Zone, date_of
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.past import Controls, Folded, Past, Stop, load_past, read_controls
from kundenkreis.runtime.rulebooks import compile_installed
from kundenkreis.runtime.stores.session import Session

CHUNK = 100
Document = Mapping[str, Any]
_REACTION = re.compile(r"(?P<name>[^=]+)=(?P<percent>\d+(?:\.\d+)?)%?(?:@(?P<days>\d+)d?)?")
_ENDS = ("done", "goal", "failed")


class BadSimulationError(CallerError):
    """This cannot be simulated as asked."""

    code = "bad_simulation"


class Reaction(msgspec.Struct, frozen=True):
    """How people are assumed to react to messages that were never sent."""

    name: str
    """The event that follows a message."""
    percent: float
    days: int = 1

    @classmethod
    def parse(cls, text: str) -> "Reaction":
        """From "Order Completed=5%@2d". Raises BadSimulationError."""
        found = _REACTION.fullmatch(text.strip())
        if found is None or float(found["percent"]) > 100:
            raise BadSimulationError(
                f"A reaction is written NAME=PERCENT%@DAYSd, for example 'Order Completed=5%@2d', not {text!r}."
            )
        return cls(found["name"].strip(), float(found["percent"]), int(found["days"] or 1))


class Simulated(msgspec.Struct):
    """What the draft would have done."""

    journeys: list[str]
    from_day: str
    to_day: str
    reactions: list[Reaction]
    customers: int = 0
    """Folded; of a sample only those in it."""
    sample_percent: float = 100.0
    failed: int = 0
    """Customers whose fold raised; left out."""
    entries: int = 0
    holdout: int = 0
    entries_per_day: dict[str, int] = msgspec.field(default_factory=dict)
    messages: int = 0
    messages_per_day: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """Day -> channel -> released messages."""
    messages_by_content: dict[str, int] = msgspec.field(default_factory=dict)
    not_sent_by_reason: dict[str, int] = msgspec.field(default_factory=dict)
    """Withheld, expired or cancelled for good, by the deciding reason."""
    cap_hits: int = 0
    """Messages that a limit of the contact budget withheld or postponed at least once."""
    postponed: int = 0
    displaced_real: dict[str, int] = msgspec.field(default_factory=dict)
    """Content -> real messages that this journey would have pushed out or made superfluous."""
    exits: dict[str, int] = msgspec.field(default_factory=dict)
    goals: int = 0
    under_way: int = 0
    """Runs still on their way at the end."""
    steps: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    """Step ("" for what happens at none) -> outcome -> lines of paths."""

    def estimate(self, count: int) -> tuple[int, int]:
        """(estimate for everybody, half the width of its 95 % interval) of a count in the sample."""
        share = self.sample_percent / 100
        return round(count / share), round(1.96 * sqrt(count * (1 - share)) / share)


def read_draft(source: Path, published: bytes) -> list[Document]:
    """The documents of a draft (a file or a directory), checked together with what is published.

    Args:
        published: canonical JSON of the rulebook in force.

    Raises:
        DefinitionsRefusedError: with every mistake, its file, line and remedy.
        BadSimulationError: there is no file.
    """
    files = sorted(one for one in source.rglob("*") if one.suffix in SUFFIXES) if source.is_dir() else [source]
    try:
        texts = [(one.as_posix(), one.read_bytes()) for one in files]
    except OSError as error:
        raise BadSimulationError(f"{source} cannot be read: {error.strerror}.", path=str(source)) from None
    drafted: set[str] = set()
    for name, data in texts:
        for one in read_source(data, name)[0]:
            if isinstance(one.value, dict):
                drafted.add(key_of(str(one.value.get("kind")), str(one.value.get("id", ""))))
    known = [
        (f"(published) {path_of(one)}", document_text(one).encode())
        for one in definitions_from_json(published)
        if one.key not in drafted
    ]
    loaded = load_files([*texts, *known])
    if isinstance(loaded, list):
        raise DefinitionsRefusedError(tuple(loaded))
    documents = msgspec.json.decode(canonical_json(Definitions(one for one in loaded if one.key in drafted)))
    return list(documents)


def simulate(
    installation: Installation,
    draft: Sequence[Document],
    *,
    from_day: int,
    to_day: int,
    reactions: Sequence[Reaction] = (),
    sample_percent: float = 100.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Simulated:
    """Fold everybody's past with a draft in the rulebook.

    Args:
        draft: documents that take the place of the published ones of the same kind and id.
        from_day, to_day: installation day numbers, both inclusive.
        sample_percent: share of customers, chosen by stable hash.

    Raises:
        BadSimulationError: no journey in the draft, no past in these days.
    """
    journeys = sorted(str(one["id"]) for one in draft if one["kind"] == "journey")
    if not journeys:
        raise BadSimulationError("The draft holds no journey.")
    if not 0 < sample_percent <= 100:
        raise BadSimulationError("A sample is more than 0 % and at most 100 %.")
    zone = installation.zone
    from_us, to_us = zone.day_start_us(from_day), zone.day_start_us(to_day + 1) - 1
    result = Simulated(
        journeys,
        date_of(from_day).isoformat(),
        date_of(to_day).isoformat(),
        list(reactions),
        sample_percent=sample_percent,
    )
    with installation.store.reading() as tx:
        installation.rulebooks.read(tx)
        world = _World(tx, installation, draft, from_us, to_us, reactions)
        everybody = [
            row[0]
            for row in tx.rows("SELECT DISTINCT profile_id FROM log WHERE profile_id <> 0 ORDER BY 1")
            if bucket_of(str(row[0]), "simulate") < sample_percent * BUCKETS / 100
        ]
        for start in range(0, len(everybody), CHUNK):
            chunk = everybody[start : start + CHUNK]
            past = load_past(tx, world.rulebook_of, world.controls, chunk, from_scratch=True)
            really = world.really_sent(tx, chunk)
            for profile_id in chunk:
                try:
                    folded = world.fold(past, profile_id)
                except Exception:  # a rule that cannot stand this customer: live it would be quarantined
                    result.failed += 1
                    continue
                if folded is not None:
                    result.customers += 1
                    world.count(result, folded, really.get(profile_id, {}), zone)
            progress(min(start + CHUNK, len(everybody)), len(everybody))
    for counts in (result.entries_per_day, result.messages_per_day):
        ordered = sorted(counts.items())
        counts.clear()
        counts.update(ordered)  # type: ignore[arg-type]
    return result


class _World:
    """The published past with the draft in it."""

    def __init__(
        self, tx: Session, installation: Installation, draft: Sequence[Document], from_us: Micros, to_us: Micros,
        reactions: Sequence[Reaction],
    ) -> None:  # fmt: skip
        self._zone: Zone = installation.zone
        self._from_us, self._to_us = from_us, to_us
        self._reactions = reactions
        self._journeys = frozenset(str(one["id"]) for one in draft if one["kind"] == "journey")
        rulebooks = installation.rulebooks
        newest = int(tx.rows("SELECT coalesce(max(version), 0) FROM rulebooks")[0][0])
        real = [rulebooks.documents(version) for version in range(1, newest + 1)]
        found = tx.rows("SELECT coalesce(max(version), 0) FROM rulebooks WHERE published_us <= ?", (from_us,))
        self.adopted = max(int(found[0][0]), 1)
        """The version in force when the draft comes; the draft's own is one higher, all later ones move up by one."""
        first = tx.rows("SELECT at_us FROM log ORDER BY number LIMIT 1")
        if to_us < from_us:
            raise BadSimulationError("The last day lies before the first.")
        if not newest or from_us > installation.clock.now_us() or not first or to_us < first[0][0]:
            raise BadSimulationError("There is no past in these days.")
        drafted = [_with(documents, draft, real[-1]) for documents in real[self.adopted - 1 :]]
        self._versions: list[Sequence[Document]] = [*real[: self.adopted], *drafted]
        self._compiled: dict[int, Rulebook] = {}
        self.rulebook_of(self.adopted + 1)
        position = tx.rows("SELECT coalesce(max(number), 0) FROM log WHERE at_us < ? AND (flags & 4) = 0", (from_us,))
        self._position = int(position[0][0])
        self.controls = self._moved(read_controls(tx))
        self._replaced = {
            bytes(row[0]).hex()
            for row in tx.rows("SELECT DISTINCT effect_id, journey_id FROM verdicts WHERE at_us >= ?", (from_us,))
            if row[1] in self._journeys
        }

    def rulebook_of(self, version: int) -> Rulebook:
        """The compiled rulebook of a version of this world."""
        if version not in self._compiled:
            self._compiled[version] = compile_installed(self._versions[:version], zone=self._zone)
        return self._compiled[version]

    def _moved(self, controls: Controls) -> dict[int, list[LogRow]]:
        """Control rows with versions of this world, and the draft's own among them."""
        moved: dict[int, list[LogRow]] = {}
        for partition in range(256):
            rows = []
            for row in controls.get(partition, ()):
                version = int(row.properties.get("version", 0)) if row.name == RULEBOOK_PUBLISHED else 0
                # Days from before anything was published: the first rulebook would take the draft out of force again.
                if 0 < version <= self.adopted and row.at_us > self._from_us:
                    continue
                rows.append(_published(row, version + 1) if version > self.adopted else row)
            rows.append(
                LogRow(
                    partition=partition, number=self._position, event_id=hash128("simulated", "control", partition), profile_id=0,
                    type="control", name=RULEBOOK_PUBLISHED, happened_us=self._from_us, received_us=self._from_us, at_us=self._from_us,
                    day=self._zone.day_number(self._from_us), origin="control", body={"properties": {"version": self.adopted + 1}},
                )
            )  # fmt: skip
            moved[partition] = sorted(rows, key=lambda row: (row.number, row.at_us))
        return moved

    def really_sent(self, tx: Session, profile_ids: Sequence[int]) -> dict[int, dict[bytes, str]]:
        """Customer -> messages of other journeys that were released in these days -> their content."""
        found: dict[int, dict[bytes, str]] = {}
        sql = "SELECT profile_id, effect_id, content_id, journey_id, at_us FROM verdicts WHERE outcome = 'released' AND profile_id {keys}"
        for profile_id, effect_id, content, journey, at_us in tx.rows_in(sql, profile_ids):
            if self._from_us <= at_us <= self._to_us and journey not in self._journeys:
                found.setdefault(profile_id, {})[bytes(effect_id)] = content
        return found

    def fold(self, past: Past, profile_id: int) -> Folded | None:
        """One customer up to the last day, with what the draft's messages bring about."""
        inputs = past.inputs(profile_id, Stop(at_us=self._to_us))
        if not inputs:
            return None
        folded = past.begin(profile_id, inputs[0])
        rows = deque(row for row in inputs if not self._is_moot(row))
        injected: list[tuple[Micros, bytes, LogRow]] = []
        while True:
            row_us = rows[0].at_us if rows else NEVER
            told_us = injected[0][0] if injected else NEVER
            earliest = min(row_us, told_us, self._to_us)
            if folded.wake_us <= earliest:
                outcome = past.step(folded, (), until_us=folded.wake_us)
            elif told_us <= min(row_us, self._to_us):
                outcome = past.step(folded, [heappop(injected)[2]])
            elif rows:
                outcome = past.step(folded, self._next(folded, rows))
            else:
                return folded
            for effect in outcome.effects:
                if (
                    isinstance(effect, SendMessage)
                    and effect.journey_id in self._journeys
                    and folded.state.clock_us >= self._from_us
                ):
                    for row in self._brings_about(folded, effect):
                        heappush(injected, (row.at_us, row.event_id, row))

    def _next(self, folded: Folded, rows: "deque[LogRow]") -> list[LogRow]:
        """The next row; before the draft comes, all rows up to the next timer or control row at once."""
        taken = [rows.popleft()]
        while rows and rows[0].type != "control" and rows[0].at_us < min(self._from_us, folded.wake_us):
            taken.append(rows.popleft())
        return taken

    def _is_moot(self, row: LogRow) -> bool:
        """What came back of messages that the draft's journey sent in reality: in this world they were not sent."""
        properties = row.properties
        return (
            row.origin == "feedback" and (properties.get("message_id") or properties.get("message")) in self._replaced
        )

    def _brings_about(self, folded: Folded, message: SendMessage) -> list[LogRow]:
        """The hand-over, and the stated reactions of this person."""
        names = {"message_id": message.effect_id.hex(), "channel": message.channel, "content_id": message.content_id}
        sent = {**names, "message_class": message.message_class, "purpose": message.purpose}
        at_us = folded.state.clock_us
        rows = [self._row(folded, "Message Sent", at_us, "feedback", sent)]
        for reaction in self._reactions:
            salt = f"reaction:{reaction.name}:{message.effect_id.hex()}"
            if bucket_of(folded.state.bucket_key, salt) < reaction.percent * BUCKETS / 100:
                rows.append(self._row(folded, reaction.name, at_us + reaction.days * DAY, "api", names))
        return rows

    def _row(self, folded: Folded, name: str, at_us: Micros, origin: Any, properties: dict[str, Any]) -> LogRow:
        state = folded.state
        return LogRow(
            partition=state.profile_id & 255, number=state.folded_to, event_id=hash128("simulated", name, properties["message_id"]),
            profile_id=state.profile_id, type="track", name=name, happened_us=at_us, received_us=at_us, at_us=at_us,
            day=self._zone.day_number(at_us), origin=origin, body={"properties": properties},
        )  # fmt: skip

    def count(self, result: Simulated, folded: Folded, really: Mapping[bytes, str], zone: Zone) -> None:
        """Add one customer to the result."""
        runs: dict[bytes, list[RunEntry]] = {}
        verdicts: dict[bytes, list[VerdictEntry]] = {}
        for record in folded.records:
            if isinstance(record, RunEntry) and record.journey_id in self._journeys:
                runs.setdefault(record.run_id, []).append(record)
            elif isinstance(record, VerdictEntry):
                verdicts.setdefault(record.effect_id, []).append(record)
        runs = {
            run_id: path
            for run_id, path in runs.items()
            if path[0].outcome == "entered" and path[0].at_us >= self._from_us
        }
        for path in runs.values():
            self._count_run(result, path, zone)
        released = set()
        for effect_id, listed in verdicts.items():
            if any(one.outcome == "released" for one in listed):
                released.add(effect_id)
            if listed[0].run_id in runs:
                _count_message(result, listed, zone)
        if not folded.state.forwarded_to:
            displaced = Counter(content for effect_id, content in really.items() if effect_id not in released)
            for content, number in displaced.items():
                result.displaced_real[content] = result.displaced_real.get(content, 0) + number

    def _count_run(self, result: Simulated, path: Sequence[RunEntry], zone: Zone) -> None:
        result.entries += 1
        for entry in path:
            _add(result.steps.setdefault(entry.step_id, {}), entry.outcome)
        _add(result.entries_per_day, _day(path[0].at_us, zone))
        result.holdout += any(entry.outcome == "holdout" and not entry.step_id for entry in path)
        result.goals += any(entry.outcome == "goal" for entry in path)
        last = next(
            (one for one in path if one.outcome.startswith("exited:") or (one.outcome in _ENDS and (one.outcome != "done" or not one.step_id))),
            None,
        )  # fmt: skip
        if last is None:
            result.under_way += 1
        else:
            _add(result.exits, last.outcome.removeprefix("exited:"))


def _count_message(result: Simulated, listed: Sequence[VerdictEntry], zone: Zone) -> None:
    released = next((one for one in listed if one.outcome == "released"), None)
    result.cap_hits += any(
        reason[0] in ("limit", "after_conversion") and not reason[1] for one in listed for reason in one.reasons
    )
    result.postponed += (
        any(one.outcome in ("postponed", "displaced") for one in listed) or listed[0].outcome == "planned"
    )
    if released is not None:
        result.messages += 1
        channels = result.messages_per_day.setdefault(_day(released.at_us, zone), {})
        _add(channels, released.channel)
        _add(result.messages_by_content, released.content_id)
    elif listed[-1].outcome in ("withheld", "expired", "cancelled"):
        _add(result.not_sent_by_reason, str(listed[-1].reasons[0][0]))


def _add(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _day(at_us: Micros, zone: Zone) -> str:
    return date_of(zone.day_number(at_us)).isoformat()


def _with(documents: Sequence[Document], draft: Sequence[Document], newest: Sequence[Document]) -> list[Document]:
    """A version's documents with the draft's in their place; what the draft may name and only came later is added."""
    drafted = {(one["kind"], one.get("id", "")) for one in draft}
    kept = [one for one in documents if (one["kind"], one.get("id", "")) not in drafted]
    known = drafted | {(one["kind"], one.get("id", "")) for one in kept}
    later = [one for one in newest if one["kind"] != "journey" and (one["kind"], one.get("id", "")) not in known]
    return [*kept, *later, *draft]


def _published(row: LogRow, version: int) -> LogRow:
    return msgspec.structs.replace(row, body={"properties": {**row.properties, "version": version}})
