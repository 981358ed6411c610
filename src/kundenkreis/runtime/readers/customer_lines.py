"""One person as a line of the list, read off the state."""

from collections.abc import Mapping
from typing import Any

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.listing import display_name
from kundenkreis.customers.core.permission import attribute_value
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.readers.definition_names import DefinitionNames
from kundenkreis.runtime.readers.may_contact import lawful_channels
from kundenkreis.site.ports.customers import Amount, CustomerLine, Place


def customer_line(
    state: CustomerState, names: DefinitionNames, policy: CompiledPolicy, *, at_us: Micros
) -> CustomerLine:
    """What the list shows of this person."""
    situations = state.decisions.situations
    last_us = state.commerce.last_order_us
    return CustomerLine(
        profile_id=state.profile_id,
        name=display_name(state),
        is_known=state.profile.known,
        email=text_attribute(state, "email"),
        phone=text_attribute(state, "phone"),
        number=number_of(state),
        city=city_of(state),
        place=place_of(state, names),
        situations=tuple(names.named("situation", one) for one in situations if situations[one].keys),
        segments=tuple(names.named("segment", one) for one in state.decisions.inside),
        sales=net_sales(state),
        order_count=state.commerce.order_count,
        last_order_us=last_us if last_us >= 0 else None,
        seen_us=max(state.last_seen_us, state.first_seen_us),
        since_us=state.first_seen_us,
        channels=lawful_channels(policy, state, at_us=at_us),
    )


def place_of(state: CustomerState, names: DefinitionNames) -> Place | None:
    """Where on the circle."""
    held = state.decisions.phase
    if held is None:
        return None
    sub = names.named("sub_state", held.sub_state) if held.sub_state else None
    return Place(phase=names.named("phase", held.phase), sub_state=sub, since_us=held.since_us)


def net_sales(state: CustomerState) -> tuple[Amount, ...]:
    """Completed orders less refunds, per currency."""
    refunded = state.commerce.refunded
    return tuple(
        Amount(minor=amount - refunded.get(currency, 0), currency=currency)
        for currency, amount in state.commerce.sales.items()
    )


def number_of(state: CustomerState) -> str:
    """The customer number: the id that server calls use."""
    return next((value for kind, value in state.profile.identifiers if kind == "user_id"), "")


def text_attribute(state: CustomerState, name: str) -> str:
    """An attribute that is a text, else ""."""
    value = attribute_value(state, name)
    return value if isinstance(value, str) else ""


def city_of(state: CustomerState) -> str:
    """Town: attribute `city`, else `address.city`; "" if unknown."""
    address = attribute_value(state, "address")
    value = text_attribute(state, "city") or (address.get("city") if isinstance(address, Mapping) else "")
    return value if isinstance(value, str) else ""


def plain_value(value: Any) -> str:
    """An attribute's value as one text: lists joined, objects as "key value"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain_value(one)}" for key, one in value.items() if one not in (None, ""))
    if isinstance(value, list):
        return ", ".join(plain_value(one) for one in value)
    return str(value)
