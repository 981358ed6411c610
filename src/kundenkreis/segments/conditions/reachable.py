"""`reachable`: the contact policy would not refuse for basis, objection or suppression."""

from typing import Any, Literal

import msgspec

from kundenkreis.customers.core.permission import permission
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.references import ChannelId, PurposeId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.consent import check_purpose
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
        """(whether permitted, when a grant ends)."""
        asked = permission(state, self._channel, self._purpose, self._message_class, at_us, self._purposes)
        return asked.allowed, asked.changes_us

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The basis, or what refuses."""
        asked = permission(state, self._channel, self._purpose, self._message_class, at_us, self._purposes)
        return {"basis": asked.basis} if asked.allowed else {"refused": asked.reason}


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
