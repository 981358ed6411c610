"""May I? Each channel and purpose put to the contact policy, as if somebody wanted to write at this moment.

There is one judge (channels/core/gate.py); here its answer is only read out, fences included.
"""

from typing import Literal

import msgspec

from kundenkreis.channels.core.gate import Verdict, gate
from kundenkreis.channels.core.gate_questions import NEEDS_ADDRESS
from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.consent import address_of, keys_of
from kundenkreis.customers.core.permission import MARKETING
from kundenkreis.customers.core.state import CustomerState, Grant, Planned
from kundenkreis.kernel.ids import NEVER, Micros

CHANNELS = ("email", "sms", "messenger", "push", "call", "letter")
"""Channels a person looks at before making contact, in the order shown."""
ALWAYS_SHOWN = ("email", "sms", "call", "letter")
Tone = Literal["go", "wait", "stop"]

_FOR_GOOD = frozenset({"erased", "forwarded", "no_address", "fence", "basis", "suppressed", "objection", "withdrawn"})
"""Rules whose refusal means that we may not; all others mean not now."""
_NOT_PROMOTING = frozenset({"contract", "requested", "legal_duty"})
_PRIORITY = 5


class Answer(msgspec.Struct, frozen=True):
    """What the gate says about one channel and purpose now."""

    channel: str
    purpose: str
    tone: Tone
    verdict: Verdict
    grant: Grant | None
    """The record it rests on or that forbids it."""


def marketing_purposes(policy: CompiledPolicy) -> list[str]:
    """Purposes that promote something, in the order of the policy."""
    return [name for name, rule in policy.purposes.items() if not _NOT_PROMOTING.issuperset(rule.bases)]


def ask(
    policy: CompiledPolicy, state: CustomerState, channel: str, purpose: str, *, at_us: Micros, fences: tuple[str, ...]
) -> Answer:
    """What the gate would say to a marketing message for this purpose, wanted now."""
    message = Planned(
        b"", channel, "", MARKETING, purpose, _PRIORITY, "", b"", "", at_us, at_us, NEVER, "skip", {}
    )  # fmt: skip
    verdict = gate(policy, state, message, at_us, fences=fences)
    refused = {str(reason[0]) for reason in verdict.reasons if not reason[1]}
    tone: Tone = "go" if not refused else "stop" if refused & _FOR_GOOD else "wait"
    grants = [state.consent.grants[key] for key in keys_of(channel, purpose) if key in state.consent.grants]
    return Answer(channel, purpose, tone, verdict, grants[0] if grants else None)


def ask_all(
    policy: CompiledPolicy, state: CustomerState, *, at_us: Micros, fences: tuple[str, ...]
) -> dict[str, list[Answer]]:
    """Channel -> answers per purpose: those that permit or have a record, else the first purpose's refusal."""
    found: dict[str, list[Answer]] = {}
    purposes = marketing_purposes(policy)
    for channel in CHANNELS:
        answers = [ask(policy, state, channel, purpose, at_us=at_us, fences=fences) for purpose in purposes]
        telling = [one for one in answers if one.tone != "stop" or one.grant is not None]
        if telling or (channel in ALWAYS_SHOWN and answers):
            found[channel] = telling or answers[:1]
    return found


def lawful_channels(policy: CompiledPolicy, state: CustomerState, *, at_us: Micros) -> tuple[str, ...]:
    """Channels on which marketing is lawful for some purpose, whatever the hour and the budget say.

    A list asks this of fifty people, most of whom have an address on one channel only: the gate is not asked where there is none.
    """
    purposes = marketing_purposes(policy)
    return tuple(
        channel
        for channel in ALWAYS_SHOWN
        if (channel not in NEEDS_ADDRESS or address_of(state, channel))
        and any(ask(policy, state, channel, one, at_us=at_us, fences=()).tone != "stop" for one in purposes)
    )
