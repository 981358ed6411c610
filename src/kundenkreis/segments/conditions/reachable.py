"""`reachable`: the contact policy would not refuse for basis, objection or suppression."""

from typing import Any, Literal

import msgspec

from kundenkreis.customers.core.permission import Permission, permission, permission_flips_us, suppression
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.references import ChannelId, PurposeId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.consent import BASES, check_purpose
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Condition, Known


class ReachableConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Channel, class of message and purpose (default: any)."""

    channel: ChannelId
    message_class: Literal["transactional", "service", "marketing"] = "marketing"
    purpose: PurposeId = ""


class Reachable(Leaf):
    """The same question that the contact policy asks."""

    __slots__ = ("_channel", "_message_class", "_purpose", "_purposes")

    def __init__(self, config: ReachableConfig, *, known: Known) -> None:
        super().__init__("reachable", config, reads=("consent", "identifier", "attribute:email", "attribute:phone"))
        self._channel, self._message_class, self._purpose = config.channel, config.message_class, config.purpose
        self._purposes = known.purposes

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether permitted, when a grant or a suppression ends)."""
        asked = self._ask(state, at_us)
        flips_us = min(permission_flips_us(state, self._channel, purpose, at_us) for purpose in self._asked(state))
        return asked.allowed, flips_us

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The basis, or what refuses."""
        asked = self._ask(state, at_us)
        return {"basis": asked.basis} if asked.allowed else {"refused": asked.reason}

    def _asked(self, state: CustomerState) -> list[str]:
        """The purpose named, else every purpose there is."""
        if self._purpose:
            return [self._purpose]
        return sorted(self._purposes or {key.partition("|")[2] for key in state.consent.grants} or {""})

    def _ask(self, state: CustomerState, at_us: Micros) -> Permission:
        stopped = suppression(state, self._channel, self._message_class, at_us)[0]
        if stopped:
            return Permission(False, "", f"suppressed:{stopped}")
        refused = Permission(False, "", "no_basis")
        for purpose in self._asked(state):
            bases = (self._purposes or {}).get(purpose, BASES)
            asked = permission(
                state, self._channel, purpose, message_class=self._message_class, at_us=at_us, bases=tuple(bases)
            )
            if asked.allowed:
                return asked
            refused = asked
        return refused


class ReachableKind:
    """The kind `reachable`."""

    kind = "reachable"
    config = ReachableConfig

    def compile(self, config: ReachableConfig, *, zone: Zone, known: Known) -> Condition:
        """The legal side of the contact policy."""
        if config.purpose:
            check_purpose(config.purpose, known)
        return Reachable(config, known=known)


KIND = ReachableKind()
