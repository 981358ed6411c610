"""`consent`: a granted legal basis stands for this channel and purpose. Objections and suppressions are `reachable`'s matter."""

from typing import Any

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import ChannelId, PurposeId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError

BASES = (
    "express_consent",
    "existing_customer",
    "contract",
    "requested",
    "legitimate_interest",
    "presumed_b2b",
    "legal_duty",
)


class ConsentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Channel, purpose, and which bases count (default: any)."""

    channel: ChannelId
    purpose: PurposeId
    basis: list[str] = []


class ConsentStands(Leaf):
    """A grant that stands."""

    __slots__ = ("_bases", "_key")

    def __init__(self, config: ConsentConfig) -> None:
        super().__init__("consent", config, reads=("consent",))
        self._key = f"{config.channel}|{config.purpose}"
        self._bases = frozenset(config.basis or BASES)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it stands, when it expires)."""
        grant = state.consent.grants.get(self._key)
        if grant is None or not grant.granted or grant.expires_us <= at_us or grant.basis not in self._bases:
            return False, NEVER
        return True, grant.expires_us

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The grant."""
        grant = state.consent.grants.get(self._key)
        if grant is None:
            return {}
        return {"basis": grant.basis, "granted": grant.granted, "happened_us": grant.happened_us}


class ConsentKind:
    """The kind `consent`."""

    kind = "consent"
    config = ConsentConfig

    def compile(self, config: ConsentConfig, *, zone: Zone, known: Known) -> Condition:
        """A look at one grant."""
        for index, basis in enumerate(config.basis):
            if basis not in BASES:
                raise DefinitionError(
                    ("basis", index), f"There is no legal basis `{basis}`.", remedy="Possible: " + ", ".join(BASES)
                )
        check_purpose(config.purpose, known)
        return ConsentStands(config)


def check_purpose(purpose: str, known: Known) -> None:
    """Refuse a purpose that the contact policy does not know."""
    if known.purposes is not None and purpose not in known.purposes:
        raise DefinitionError(("purpose",), f"There is no purpose `{purpose}`.", slug="unknown_id")


KIND = ConsentKind()
