"""Why: the answers about one customer with their reasons, now or at a past position.

The customer's own log rows and control rows are folded from scratch up to the position asked about, with timers up to its instant, so the
answer is what the log says and needs nothing stored but the log. The shape of every answer is documented in docs/reference/explain.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kundenkreis.customers.core.consent import why_idle
from kundenkreis.customers.core.turn import MembershipChange, Record, RunEntry, ScoreEntry, VerdictEntry
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.journeys.core.compiled import CompiledJourney
from kundenkreis.journeys.core.entries import refusal
from kundenkreis.journeys.core.properties import key_in
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LATE, LogRow
from kundenkreis.kernel.zones import from_datetime, iso
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.past import EVERYTHING, Folded, Past, Stop, load_past, read_controls
from kundenkreis.runtime.stores.session import Session
from kundenkreis.segments.core.protocol import Reason
from kundenkreis.segments.core.scores import balance

KINDS = ("segment", "phase", "score", "message", "journey")
IDENTIFIER_KINDS = ("user_id", "email", "phone", "anonymous_id", "card", "claimed_user_id")
"""Kinds tried for a value without one, in this order."""
MOST_ATTEMPTS = 5
"""Last events that could have started a journey and did not, each with its reason."""

Answer = dict[str, Any]


class UnknownCustomerError(CallerError):
    """Nobody here has this identifier."""

    code = "unknown_customer"


_LARGEST_NUMBER = 2**63 - 1
_FIRST_YEAR, _LAST_YEAR = 1971, 9998
"""Nothing happens before, and no zone moves an instant between them out of the calendar."""


class UnknownDefinitionError(CallerError):
    """The rulebook in force there defines nothing of this name."""

    code = "unknown_definition"


class BadPositionError(CallerError):
    """A position is a log number, or an instant such as 2026-11-21T10:00:00Z."""

    code = "bad_position"


class Explainer:
    """One customer at one position, ready to be asked.

    Args:
        who: kind:value of an identifier, a bare value, or a profile id. Whoever was merged is answered for as the one that absorbed them.
        at: log number or ISO instant; "" is now.

    Raises:
        UnknownCustomerError, BadPositionError.
    """

    def __init__(self, installation: Installation, who: str, *, at: str = "") -> None:
        with installation.store.reading() as tx:
            installation.rulebooks.read(tx)
            self.profile_id = find_customer(tx, who)
            self.position, self.stop, self.at_us = _position(tx, at, installation.clock.now_us())
            self.past: Past = load_past(tx, installation.rulebooks, read_controls(tx), [self.profile_id])
            self.identifiers = tx.rows(
                "SELECT kind, value FROM identifiers WHERE profile_id = ? ORDER BY kind, value", (self.profile_id,)
            )
            self._outbox = {
                bytes(row[0]): row[1:]
                for row in tx.rows(
                    "SELECT effect_id, state, due_us, finished_us, reply, uncertain FROM outbox WHERE profile_id = ?",
                    (self.profile_id,),
                )
            }
        self.folded: Folded | None = self.past.fold(self.profile_id, self.stop)
        known = self.folded
        self.rulebook: Rulebook = installation.rulebooks(
            known.state.rulebook_version if known else installation.rulebooks.newest_version() or 1
        )
        self.documents = installation.rulebooks.documents(self.rulebook.version)
        rows = [row for listed in self.past.rows.values() for row in listed]
        self._rows = {row.event_id: row for row in (*rows, *(known.derived if known else ()))}

    def ask(self, kind: str, name: str = "") -> Answer:
        """The answer of this kind about the definition, content or message of this name.

        Raises: UnknownDefinitionError.
        """
        asked = {
            "segment": self.segment, "phase": lambda _name: self.phase(), "score": self.score, "message": self.message,
            "journey": self.journey,
        }[kind](name)  # fmt: skip
        state = self.folded.state if self.folded else None
        head: Answer = {
            "kind": kind,
            "id": name,
            "customer": {
                "profile_id": self.profile_id,
                "exists": state is not None,
                "identifiers": [list(row) for row in self.identifiers],
                "merged_into": state.forwarded_to if state is not None and state.forwarded_to else None,
                "absorbed": list(state.absorbed) if state is not None else [],
            },
            "at": iso(self.at_us),
            "position": self.position,
            "folded_to": state.folded_to if state is not None else None,
            "rulebook": self.rulebook.version,
        }
        return head | asked

    def segment(self, name: str) -> Answer:
        """In or out, since when and why; when that flips without an event."""
        condition = self.rulebook.decisions.segments.get(name)
        if condition is None:
            raise _unknown("segment", name, self.rulebook.decisions.segments)
        if self.folded is None:
            return _nobody(False)
        state = self.folded.state
        changes = self._changes("segment", name)
        reason = condition.explain(state, self.at_us)
        inside = name in state.decisions.inside
        return {
            "answer": inside,
            "since": _iso(
                state.decisions.inside.get(name) if inside else changes[-1].at_us if changes else state.created_us
            ),
            "flips": _iso(reason.flips_us),
            "cause": self._cause(changes[-1]) if changes else None,
            "reason": reason_tree(reason),
            "history": [self._change(change) for change in changes],
        }

    def phase(self) -> Answer:
        """Where on the circle, since when and why, with every move."""
        phases = self.rulebook.decisions.phases
        if self.folded is None or self.folded.state.decisions.phase is None or phases is None:
            return _nobody("")
        state = self.folded.state
        held = state.decisions.phase
        assert held is not None
        place, flips_us = phases.place(state, self.at_us, present=held.phase)
        reason, sub_reason = phases.explain(state, self.at_us, place=place)
        changes = self._changes("phase") + self._changes("sub_state")
        changes.sort(key=lambda change: change.at_us)
        moved = [change for change in changes if change.kind == "phase" and change.entered]
        return {
            "answer": held.phase,
            "sub_state": held.sub_state,
            "since": _iso(held.since_us),
            "sub_since": _iso(held.sub_since_us),
            "flips": _iso(flips_us),
            "cause": self._cause(moved[-1]) if moved else None,
            "reason": reason_tree(reason) if reason is not None else None,
            "sub_reason": reason_tree(sub_reason) if sub_reason is not None else None,
            "situations": {name: _iso(one.since_us) for name, one in sorted(state.decisions.situations.items()) if one.rests_until_us < 0},
            "history": [self._change(change) for change in changes],
        }  # fmt: skip

    def score(self, name: str) -> Answer:
        """The balance, decayed to this instant, and every entry of the ledger."""
        score = self.rulebook.decisions.scores.get(name)
        if score is None:
            raise _unknown("score", name, self.rulebook.decisions.scores)
        if self.folded is None:
            return _nobody(0) | {"milli_points": 0, "rules": {}, "ledger": []}
        entries = [one for one in self.folded.records if isinstance(one, ScoreEntry) and one.score_id == name]
        held = self.folded.state.decisions.scores.get(name)
        milli = balance(held, self.rulebook.zone.day_number(self.at_us), score.multiplier)
        return {
            "answer": milli / 1000,
            "milli_points": milli,
            "since": _iso(entries[-1].at_us) if entries else None,
            "rules": {rule["id"]: rule for rule in self._document("score", name).get("rules", ())},
            "ledger": [
                {
                    "at": iso(one.at_us), "rule": one.rule_id, "milli_points": one.milli_points, "balance": one.balance,
                    "event": self._event(one.cause),
                }
                for one in entries
            ],
        }  # fmt: skip

    def message(self, name: str) -> Answer:
        """Every verdict about a message (by its id) or all messages of a content; why there is none, if there is none."""
        messages: dict[bytes, list[VerdictEntry]] = {}
        for record in self._records(VerdictEntry):
            if record.content_id == name or record.effect_id.hex() == name:
                messages.setdefault(record.effect_id, []).append(record)
        listed = [self._message(effect_id, verdicts) for effect_id, verdicts in messages.items()]
        if listed:
            released = [one for one in listed if one["released"] is not None]
            return {
                "answer": bool(released),
                "since": released[-1]["released"] if released else None,
                "reason": listed[-1]["verdicts"][-1]["reasons"],
                "messages": listed,
                "idle_consents": self._idle_consents(),
            }
        journeys = self._journeys_of(name)
        if not journeys and not any(one["kind"] == "content" and one["id"] == name for one in self.documents):
            raise _unknown(
                "content or message", name, (one["id"] for one in self.documents if one["kind"] == "content")
            )
        why = [self._why_not(journey) | {"runs": self._runs(journey.id)} for journey in journeys]
        return {
            "answer": False,
            "since": None,
            "reason": None,
            "messages": [],
            "why_not": why,
            "idle_consents": self._idle_consents(),
        }

    def journey(self, name: str) -> Answer:
        """Every path of this customer through a journey; why there is none, if there is none."""
        journey = self.rulebook.journeys.current.get(name)
        runs = self._runs(name)
        if journey is None and not runs:
            raise _unknown("journey", name, self.rulebook.journeys.current)
        under_way = [run for run in runs if run["stands"] is not None]
        answer: Answer = {
            "answer": bool(under_way),
            "since": runs[-1]["entered"] if runs else None,
            "reason": runs[-1]["path"][-1]["reason"] if runs else None,
            "runs": runs,
        }
        if not under_way and journey is not None:
            answer["why_not"] = self._why_not(journey)
        return answer

    # Pieces ----------------------------------------------------------------------------------------------------------

    def _records(self, kind: type[Any]) -> list[Any]:
        """What was recorded about this customer and those absorbed, in order of time."""
        if self.folded is None:
            return []
        found: list[Record] = []
        for loser in self.folded.state.absorbed:
            surrendered = self.past.whole(loser)
            found += surrendered.records if surrendered is not None else []
        found += self.folded.records
        kept = [one for one in found if isinstance(one, kind)]
        return sorted(kept, key=lambda one: one.at_us)

    def _changes(self, kind: str, name: str = "") -> list[MembershipChange]:
        own = self.folded.records if self.folded is not None else []
        return [
            one
            for one in own
            if isinstance(one, MembershipChange) and one.kind == kind and name in ("", one.definition_id)
        ]

    def _change(self, change: MembershipChange) -> Answer:
        return {
            "kind": change.kind,
            "id": change.definition_id,
            "entered": change.entered,
            "at": iso(change.at_us),
            "publishing": change.publishing,
            "event": self._event(change.cause),
            "reason": plain_tree(change.reason),
        }

    def _cause(self, change: MembershipChange) -> Answer | None:
        return self._event(change.cause)

    def _event(self, event_id: bytes) -> Answer | None:
        """The event that decided; None for an instant that came."""
        if not event_id:
            return None
        row = self._rows.get(event_id)
        if row is None:
            row = next((one for one in self.past.controls(self.profile_id) if one.event_id == event_id), None)
        if row is None:
            return {"event_id": event_id.hex()}
        return {
            "event_id": event_id.hex(),
            "number": row.number if row.number >= 0 else None,
            "type": row.type,
            "name": row.name,
            "happened": iso(row.happened_us),
        }

    def _message(self, effect_id: bytes, verdicts: Sequence[VerdictEntry]) -> Answer:
        last, released = verdicts[-1], [one for one in verdicts if one.outcome == "released"]
        names = effect_id.hex()
        told = [
            {"at": iso(row.at_us), "name": row.name, "number": row.number}
            for row in self.past.rows.get(self.profile_id, ())
            if row.origin in ("feedback", "api") and names in (row.properties.get("message_id"), row.properties.get("message"))
            and row.at_us <= self.at_us and row.number <= self.stop.number
        ]  # fmt: skip
        stored = self._outbox.get(effect_id)
        return {
            "message_id": names,
            "content": last.content_id,
            "channel": last.channel,
            "class": last.message_class,
            "purpose": last.purpose,
            "journey": last.journey_id,
            "step": last.step_id,
            "run_id": last.run_id.hex(),
            "fate": last.outcome,
            "released": iso(released[-1].at_us) if released else None,
            "verdicts": [
                {
                    "at": iso(one.at_us), "outcome": one.outcome, "basis": one.basis, "due": _iso(one.due_us),
                    "rulebook": one.rulebook_version, "reasons": one.reasons,
                }
                for one in verdicts
            ],
            "told": told,
            "outbox": None if stored is None else {
                "state": stored[0], "due": _iso(stored[1]), "finished": _iso(stored[2] or NEVER), "reply": stored[3], "uncertain": bool(stored[4]),
            },
        }  # fmt: skip

    def _idle_consents(self) -> list[Answer]:
        """Confirmed consents that grant nothing, and why."""
        return [
            {"at": iso(row.happened_us), "number": row.number, "why": why}
            for listed in self.past.rows.values()
            for row in listed
            if row.name == "Consent Confirmed" and row.at_us <= self.at_us and row.number <= self.stop.number
            for why in (why_idle(row.properties),)
            if why
        ]

    def _document(self, kind: str, name: str) -> Answer:
        return next((one for one in self.documents if (one["kind"], one.get("id")) == (kind, name)), {})

    def _journeys_of(self, content: str) -> list[CompiledJourney]:
        """Journeys in force with a step that sends this content."""
        return [
            journey
            for journey in self.rulebook.journeys.current.values()
            if any(step.get("message", {}).get("content") == content for step in journey.definition.steps)
        ]

    def _runs(self, journey_id: str) -> list[Answer]:
        paths: dict[bytes, list[RunEntry]] = {}
        for entry in self._records(RunEntry):
            if entry.journey_id == journey_id:
                paths.setdefault(entry.run_id, []).append(entry)
        held = {run.run_id: run for run in self.folded.state.runs} if self.folded is not None else {}
        runs = []
        for run_id, path in paths.items():
            path.sort(key=lambda entry: entry.sequence)
            run = held.get(run_id)
            stands = None
            if run is not None and run.waiting_for != "goal":
                stands = {
                    "step": run.step_id, "since": iso(run.step_since_us), "until": _iso(run.wake_us),
                    "waits_for": run.waiting_for or None,
                }  # fmt: skip
            runs.append(
                {
                    "run_id": run_id.hex(),
                    "version": path[0].version,
                    "entry_key": path[0].entry_key,
                    "entered": iso(path[0].at_us),
                    "holdout": any(entry.outcome == "holdout" for entry in path),
                    "goal": next((iso(entry.at_us) for entry in path if entry.outcome == "goal"), None),
                    "stands": stands,
                    "path": [
                        {"step": entry.step_id, "outcome": entry.outcome, "at": iso(entry.at_us), "reason": _plain_reason(entry.reason)}
                        for entry in path
                    ],
                }
            )  # fmt: skip
        return runs

    def _why_not(self, journey: CompiledJourney) -> Answer:
        """What stands against entering now, and what stood against it whenever it could have begun."""
        entry = journey.entry
        answer: Answer = {
            "journey": journey.id,
            "entry": _entry_words(journey),
            "refusal": "",
            "conditions": [],
            "attempts": [],
        }
        if self.folded is None:
            return answer
        state = self.folded.state
        answer["refusal"] = refusal(journey, state, "", self.at_us)
        answer["conditions"] = [reason_tree(one.explain(state, self.at_us)) for one in entry.conditions]
        for segment in (entry.segment_entered, entry.segment_left):
            condition = self.rulebook.decisions.segments.get(segment)
            if condition is not None:
                answer["segment"] = {
                    "id": segment,
                    "inside": segment in state.decisions.inside,
                    "reason": reason_tree(condition.explain(state, self.at_us)),
                }
        if entry.timed is not None:
            record = state.journeys.get(journey.id)
            answer["next"] = _iso(record.next_us) if record is not None else None
        attempts = [row for row in self._own_rows() if _could_start(journey, row)]
        answer["attempts"] = [self._attempt(journey, row) for row in attempts[-MOST_ATTEMPTS:]]
        return answer

    def _own_rows(self) -> list[LogRow]:
        own = [
            row
            for row in self.past.rows.get(self.profile_id, ())
            if row.number <= self.stop.number and row.at_us <= self.stop.at_us
        ]
        derived = self.folded.derived if self.folded is not None else []
        return sorted((*own, *derived), key=lambda row: row.at_us)

    def _attempt(self, journey: CompiledJourney, row: LogRow) -> Answer:
        """Why an event that could have started the journey did or did not."""
        entered = [
            one for one in self._records(RunEntry) if one.journey_id == journey.id and one.outcome == "entered" and one.at_us == row.at_us
        ]  # fmt: skip
        answer: Answer = {"at": iso(row.at_us), "event": self._event(row.event_id), "entered": bool(entered)}
        if entered:
            return answer | {"refusal": ""}
        if row.flags & LATE:
            return answer | {"refusal": "late"}
        if row.properties.get("publishing") is True:
            return answer | {"refusal": "publishing"}
        stop = Stop(row.number, row.number) if row.number >= 0 else Stop(EVERYTHING, EVERYTHING, row.at_us, row.at_us)
        then = self.past.fold(self.profile_id, stop)
        if then is None:
            return answer | {"refusal": "unknown"}
        if journey.id not in self.past.rulebook_of(then.state.rulebook_version).journeys.current:
            return answer | {"refusal": "not_published"}
        said = refusal(journey, then.state, _key(journey, row), row.at_us)
        conditions = [reason_tree(one.explain(then.state, row.at_us)) for one in journey.entry.conditions]
        return answer | {"refusal": said or "unknown", "conditions": conditions}


def find_customer(tx: Session, who: str) -> int:
    """The profile that a name stands for: kind:value, a bare value tried over all kinds, or a profile id.

    Raises:
        UnknownCustomerError.
    """
    kind, colon, value = who.partition(":")
    pairs = [(kind, value)] if colon else []
    pairs += [(each, who) for each in IDENTIFIER_KINDS]
    for each, text in pairs:
        found = tx.rows(
            "SELECT profile_id FROM identifiers WHERE kind = ? AND value = ?",
            (each, text.strip().casefold() if each == "email" else text),
        )
        if found:
            return int(found[0][0])
    if who.isdigit() and tx.rows("SELECT 1 FROM log WHERE profile_id = ? LIMIT 1", (int(who),)):
        merged = tx.rows(
            "SELECT body FROM log WHERE profile_id = ? AND type = 'merge' AND name = 'Merge Requested' ORDER BY number LIMIT 1", (int(who),)
        )  # fmt: skip
        if merged:
            return find_customer(tx, str(msgspec.json.decode(bytes(merged[0][0]))["properties"]["into"]))
        return int(who)
    raise UnknownCustomerError(
        f"Nobody here is called {who!r}. Name kind:value (email:..., user_id:...) or a profile id.", who=who
    )


def _position(tx: Session, at: str, now_us: Micros) -> tuple[int | None, Stop, Micros]:
    """(log number if one was given, how far to fold, instant)."""
    if not at:
        return None, Stop(until_us=now_us), now_us
    if at.isascii() and at.isdigit():
        number = min(int(at[:19]), _LARGEST_NUMBER)
        found = tx.rows("SELECT at_us FROM log WHERE number <= ? ORDER BY number DESC LIMIT 1", (number,))
        at_us = int(found[0][0]) if found else 0
        return number, Stop(number, number, at_us, NEVER), at_us
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise BadPositionError(at=at) from None
    if moment.tzinfo is None:
        example = moment.isoformat(timespec="seconds")
        raise BadPositionError(f"Say in which zone {at} is meant, such as {example}Z or {example}+01:00.", at=at)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise BadPositionError(at=at)
    at_us = from_datetime(moment)
    return None, Stop(until_us=at_us, at_us=at_us), at_us


def reason_tree(reason: Reason) -> Answer:
    """A reason with its parts as plain data with named fields."""
    tree: Answer = {"kind": reason.kind, "holds": reason.holds}
    if reason.parts or reason.kind in ("all", "any", "none", "not"):
        tree["parts"] = [reason_tree(part) for part in reason.parts]
    else:
        tree["config"], tree["found"] = reason.config, reason.found
    tree["flips"] = _iso(reason.flips_us)
    return tree


def plain_tree(stored: Any) -> Answer | list[Any]:
    """A stored reason (plain lists) as named fields; anything else as it is."""
    try:
        return reason_tree(msgspec.convert(stored, Reason))
    except msgspec.ValidationError:
        return list(stored)


def _plain_reason(reason: Sequence[Any]) -> list[Any]:
    """A path's reason; Reason trees in it get named fields."""
    listed = list(reason)
    if len(listed) == 2 and listed[0] == "condition":
        return ["condition", plain_tree(listed[1])]
    return listed


def _could_start(journey: CompiledJourney, row: LogRow) -> bool:
    entry = journey.entry
    if entry.trigger is not None:
        return entry.trigger.fires(row)
    segment = row.properties.get("segment") if row.origin == "derived" else None
    return segment is not None and (
        (row.name == "Segment Entered" and segment == entry.segment_entered)
        or (row.name == "Segment Left" and segment == entry.segment_left)
    )


def _key(journey: CompiledJourney, row: LogRow) -> str:
    return key_in(row.properties, journey.entry.key)


def _entry_words(journey: CompiledJourney) -> Answer:
    """How people get in, as it stands in the definition."""
    return {
        name: value
        for name, value in msgspec.to_builtins(journey.definition.entry).items()
        if value is not None and name not in ("if", "key")
    }


def _unknown(kind: str, name: str, known: Iterable[str]) -> UnknownDefinitionError:
    names = ", ".join(sorted(known)) or "none"
    if not name:
        return UnknownDefinitionError(f"Say which {kind} is meant, after the customer. Known: {names}.", id=name)
    return UnknownDefinitionError(
        f"There is no {kind} `{name}` in the rulebook in force there. Known: {names}.", id=name
    )


def _nobody(answer: object) -> Answer:
    """About somebody who was not here yet."""
    return {"answer": answer, "since": None, "reason": None}


def _iso(at_us: Micros | None) -> str | None:
    return None if at_us is None or at_us >= NEVER or at_us < 0 else iso(at_us)
