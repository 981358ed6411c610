"""Customers and messages for the tests of the contact policy."""

from datetime import datetime
from typing import Any

from kundenkreis.channels.core.gate import gate
from kundenkreis.channels.core.policy import judge
from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.customers.core.consent import apply_consent
from kundenkreis.customers.core.state import Attribute, Contact, CustomerState, Grant, Planned, Situation
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, SECOND, zone
from kundenkreis.segments.core.situations import drop_over

BERLIN = zone("Europe/Berlin")
ADDRESS = "anna@example.org"


def local(text: str, *, zone_name: str = "Europe/Berlin") -> Micros:
    """The instant of "2026-11-18 10:00" on the clock of this zone."""
    moment = datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007  # a wall time on purpose
    clock = zone(zone_name)
    return clock.instant_us(moment.toordinal() - 719_163, moment.hour * 3600 + moment.minute * 60)


POLICY = compile_policy()
NOON = local("2026-11-19 12:00")
"""A Thursday, no holiday anywhere (the Wednesday before is one in Saxony)."""
NIGHT = local("2026-11-19 23:00")


def verdict(state: CustomerState, planned: Planned, at_us: Micros = NOON, **how: Any) -> tuple[str, Any]:
    """(outcome, deciding reason) under the shipped policy."""
    answer = gate(how.pop("policy", POLICY), state, planned, at_us, **how)
    return answer.outcome, answer.reasons[0]


def contacts(state: CustomerState, *instants: Micros, channel: str = "email") -> None:
    """Marketing contacts at these instants, in the place of those there were."""
    state.contact.contacts = [
        Contact(at_us, channel, "marketing", b"c%d" % i, "newsletter") for i, at_us in enumerate(sorted(instants))
    ]


def customer(
    *, purposes: tuple[str, ...] = ("newsletter",), bucket_key: str = "person-1", **attributes: Any
) -> CustomerState:
    """Anna, who has an e-mail address, a telephone and proven consent for these purposes on every written channel."""
    state = CustomerState(profile_id=7, bucket_key=bucket_key, created_us=0, first_seen_us=0)
    given = {"email": ADDRESS, "phone": "+49301234", "address": {"street": "Weg 1", "country": "DE"}, **attributes}
    for name, value in given.items():
        if value is not None:
            state.profile.attributes[name] = Attribute(value, 0, b"", "test")
    state.profile.identifiers.append(["push_token", "token-1"])
    phone = "+49301234"
    for channel, address in (("email", ADDRESS), ("sms", phone), ("push", ""), ("letter", ""), ("call", phone)):
        for purpose in purposes:
            state.consent.grants[f"{channel}|{purpose}"] = Grant("express_consent", True, 1, b"e", address, NEVER, True)
    return state


def message(number: int = 1, *, at_us: Micros, **changes: Any) -> Planned:
    """A marketing e-mail of the newsletter, decided now, of use for five days."""
    values: dict[str, Any] = {
        "effect_id": number.to_bytes(16, "big"), "channel": "email", "content_id": "hello",
        "message_class": "marketing", "purpose": "newsletter", "priority": 9, "journey_id": "news", "run_id": b"",
        "step_id": "send", "decided_us": at_us, "due_us": at_us, "valid_until_us": at_us + 5 * DAY,
        "if_withheld": "skip", "variables": {},
    }  # fmt: skip
    return Planned(**{**values, **changes})


def open_situation(
    state: CustomerState, kind: str, *, since_us: Micros, key: str = "4711", detail: tuple[Any, ...] = ()
) -> None:
    """An open matter beside the phase."""
    state.decisions.situations[kind] = Situation(since_us, {key: [since_us, *detail]})


def turn_at(state: CustomerState, at_us: Micros, *candidates: Planned, row: LogRow | None = None) -> Turn:
    """A turn of the fold with these candidates."""
    turn = Turn(state, at_us, row=row, zone=BERLIN, rulebook_version=3)
    turn.candidates = list(candidates)
    return turn


def row_of(
    name: str, at_us: Micros, properties: dict[str, Any] | None = None, *, number: int = 1, **changes: Any
) -> LogRow:
    """A log row of a server call."""
    values: dict[str, Any] = {
        "partition": 7, "number": number, "event_id": number.to_bytes(16, "little"), "profile_id": 7, "type": "track",
        "name": name, "happened_us": at_us, "received_us": at_us, "at_us": at_us, "day": at_us // DAY, "origin": "api",
        "body": {"properties": properties or {}},
    }  # fmt: skip
    return LogRow(**{**values, **changes})


def feedback(name: str, planned: Planned, at_us: Micros, **properties: Any) -> LogRow:
    """What the dispatcher reports about a message."""
    said = {"message": planned.effect_id.hex(), **properties}
    return row_of(name, at_us, said, number=at_us // SECOND, origin="feedback")


def judged(
    state: CustomerState, at_us: Micros, *candidates: Planned, row: LogRow | None = None, cancel: Any = (),
    policy: Any = POLICY,
) -> Turn:  # fmt: skip
    """The turn after consent, the end of rests and the contact policy ran."""
    turn = turn_at(state, at_us, *candidates, row=row)
    turn.cancellations.extend(cancel)
    apply_consent(turn)
    drop_over(turn)
    judge(policy, turn)
    return turn


def slots(state: CustomerState) -> dict[int, Micros]:
    return {int.from_bytes(contact.effect_id, "big"): contact.at_us for contact in state.contact.contacts}
