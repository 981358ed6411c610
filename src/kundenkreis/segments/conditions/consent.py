"""`consent`: a granted legal basis stands for this channel and purpose. Objections and suppressions are `reachable`'s matter."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.consent import ADDRESS_ATTRIBUTES
from kundenkreis.customers.core.permission import why_void
from kundenkreis.customers.core.state import CustomerState, Grant
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import BasisName, ChannelId, PurposeId
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
    basis: list[BasisName] = []


class ConsentStands(Leaf):
    """A grant for the channel and purpose, or for all of one of them: good for the address that the person has now, and after a withdrawal
    only if it lifts that (contact policy: nothing but a newer consent with proof does).
    """

    __slots__ = ("_bases", "_channel", "_keys")

    def __init__(self, config: ConsentConfig) -> None:
        super().__init__(
            "consent", config, reads=("consent", "identifier", *map("attribute:{}".format, ADDRESS_ATTRIBUTES))
        )
        channel, purpose = config.channel, config.purpose
        self._channel = channel
        self._keys = (f"{channel}|{purpose}", f"{channel}|*", f"*|{purpose}", "*|*")
        self._bases = frozenset(config.basis or BASES)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether one stands, when the last of them expires)."""
        standing = self._standing(state, at_us)
        return (True, max(grant.expires_us for grant in standing)) if standing else (False, NEVER)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The newest grant that stands, else the newest word about it."""
        about = self._standing(state, at_us) or self._all(state)
        if not about:
            return {}
        newest = max(about, key=lambda grant: (grant.happened_us, grant.event_id))
        return {"basis": newest.basis, "granted": newest.granted, "happened_us": newest.happened_us}

    def _all(self, state: CustomerState) -> list[Grant]:
        grants = state.consent.grants
        return [grants[key] for key in self._keys if key in grants]

    def _standing(self, state: CustomerState, at_us: Micros) -> list[Grant]:
        said = self._all(state)
        ended_us = max((grant.happened_us for grant in said if not grant.granted), default=-1)
        return [
            grant
            for grant in said
            if grant.granted
            and (ended_us < 0 or (grant.proven and grant.happened_us > ended_us))
            and grant.basis in self._bases
            and not why_void(state, grant, self._channel, at_us)
        ]


class ConsentKind:
    """The kind `consent`."""

    kind = "consent"
    label: ClassVar[Mapping[str, str]] = {"de": "Einwilligung", "en": "Consent"}
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
    if known.purposes is not None and not known.may_be_gone and purpose not in known.purposes:
        raise DefinitionError(("purpose",), f"There is no purpose `{purpose}`.", slug="unknown_id")


KIND = ConsentKind()
