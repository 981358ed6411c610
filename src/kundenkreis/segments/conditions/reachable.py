"""`reachable`: the contact policy would not refuse for basis, objection or suppression."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec

from kundenkreis.customers.core.permission import permission, permission_flips_us, suppression
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import ChannelId, PurposeId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.consent import check_purpose
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Condition, Known, Purpose

READS = (
    "consent",
    "orders",
    "deliveries",
    "identifier",
    *(f"attribute:{name}" for name in ("email", "phone", "country", "address", "business", "ecg_listed")),
)
"""Dirty keys of everything that customers/core/permission.py looks at."""
EXPRESS_ONLY = Purpose(bases=("express_consent",))
MOST_LOOKS = 64


class ReachableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Channel, class of message and purpose (default: any)."""

    channel: ChannelId
    message_class: Literal["transactional", "service", "marketing"] = "marketing"
    purpose: PurposeId = ""


class Reachable(Leaf):
    """The same questions that the contact policy asks."""

    __slots__ = ("_channel", "_message_class", "_purposes")

    def __init__(self, config: ReachableConfig, *, known: Known) -> None:
        super().__init__("reachable", config, reads=READS)
        self._channel, self._message_class = config.channel, config.message_class
        purposes = known.purposes or {}
        names = [config.purpose] if config.purpose else sorted(purposes) or [""]
        self._purposes = [(name, purposes.get(name, EXPRESS_ONLY)) for name in names]

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether permitted, when a grant or a suppression ends and changes that)."""
        holds = self._refusal(state, at_us)[0]
        flips_us = self._next_look_us(state, at_us)
        for _ in range(MOST_LOOKS):
            if flips_us == NEVER or self._refusal(state, flips_us)[0] is not holds:
                break
            flips_us = self._next_look_us(state, flips_us)
        return holds, flips_us

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The basis, or what refuses."""
        holds, word = self._refusal(state, at_us)
        return {"basis": word} if holds else {"refused": word}

    def _refusal(self, state: CustomerState, at_us: Micros) -> tuple[bool, str]:
        """(True, basis) or (False, reason) of the first purpose that permits, else of the first."""
        suppressed = suppression(state, self._channel, self._message_class, at_us)[0]
        if suppressed:
            return False, suppressed
        first = ""
        for name, purpose in self._purposes:
            asked = permission(
                state,
                self._channel,
                name,
                message_class=self._message_class,
                at_us=at_us,
                bases=purpose.bases,
                categories=purpose.categories,
            )
            if asked.allowed:
                return True, asked.basis
            first = first or asked.reason
        return False, first

    def _next_look_us(self, state: CustomerState, at_us: Micros) -> Micros:
        return min(permission_flips_us(state, self._channel, name, at_us) for name, _ in self._purposes)


class ReachableKind:
    """The kind `reachable`."""

    kind = "reachable"
    label: ClassVar[Mapping[str, str]] = {"de": "Erreichbar", "en": "Reachable"}
    config = ReachableConfig

    def compile(self, config: ReachableConfig, *, zone: Zone, known: Known) -> Condition:
        """The legal side of the contact policy."""
        if config.purpose:
            check_purpose(config.purpose, known)
        return Reachable(config, known=known)


KIND = ReachableKind()
