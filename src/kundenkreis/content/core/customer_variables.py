"""What templates find under `customer`: the person's attributes, and what Kundenkreis itself says of everybody.

The check before publishing takes its names from the same two lists, so nothing that it knows is left out of a message.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from kundenkreis.customers.core.listing import FIRST_NAMES, LAST_NAMES
from kundenkreis.customers.core.permission import attribute_value
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.zone import stated_zone

TRAITS = frozenset(
    """
    email phone username title gender birthday age avatar address company createdAt created_at description website
    language country form_of_address salutation
    """.split()
)
"""Attributes that nobody need declare. Source: Segment's spec of identify, reserved traits; the last four are how messages speak to somebody."""


def customer_variables(state: CustomerState, *, language: str = "", form_of_address: str = "") -> dict[str, Any]:
    """Everything below `customer`. What Kundenkreis says stands before an attribute of the same name.

    Args:
        language, form_of_address: of the greeting, where not the person's own.
    """
    attributes = {name: held.value for name, held in state.profile.attributes.items() if held.value is not None}
    said = {name: say(state) for name, say in _SAID.items()}
    greeting = greeting_of(
        language or language_of(state), full_name(state), first_name=said["first_name"],
        is_informal=(form_of_address or _text(state, "form_of_address")) == "du",
    )  # fmt: skip
    return attributes | said | {"greeting": greeting}


def language_of(state: CustomerState) -> str:
    """The person's language as stated, written as variants are ("en_gb" is en-GB); "" if it is not known."""
    stated = _text(state, "language") or _text(state, "locale")
    base, dash, rest = stated.strip().replace("_", "-").partition("-")
    return f"{base.lower()}{dash}{rest.upper() if len(rest) == 2 else rest}"


def full_name(state: CustomerState) -> str:
    """First and last name, as far as they are known; else the name as a whole."""
    parts = (_first(state, FIRST_NAMES), _first(state, LAST_NAMES))
    return " ".join(part for part in parts if part) or _text(state, "name")


_LONGEST_NAME = 80
_NO_NAME = re.compile(r"://|www\.|[\x00-\x1f\x7f]|\w\.[a-z]{2,}(?![\w.])")
"""Links, domains and what breaks lines; St.Pierre and J.R.R. are names."""


def greeting_of(language: str, name: str, *, first_name: str = "", is_informal: bool = False) -> str:
    """ "Guten Tag Anna Muster", "Hallo Anna" for whoever is on first-name terms, and without a name "Guten Tag" or "Hallo":
    no Herr or Frau that nobody stated, and no name that is none: who signs others up for mails writes a link there."""
    word = "Hello" if language.startswith("en") else "Hallo" if is_informal else "Guten Tag"
    called = first_name if is_informal else name
    return f"{word} {called}" if called and len(called) <= _LONGEST_NAME and not _NO_NAME.search(called) else word


def _text(state: CustomerState, name: str) -> str:
    value = attribute_value(state, name)
    return value if isinstance(value, str) else ""


def _first(state: CustomerState, names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _text(state, name))), "")


def _phase(state: CustomerState) -> str:
    held = state.decisions.phase
    return held.phase if held is not None else ""


def _sub_state(state: CustomerState) -> str:
    held = state.decisions.phase
    return held.sub_state if held is not None else ""


def _zone(state: CustomerState) -> str:
    found = stated_zone(state)
    return found.name if found is not None else ""


_SAID: Mapping[str, Callable[[CustomerState], str]] = {
    "id": lambda state: str(state.profile_id),
    "name": lambda state: _text(state, "name") or full_name(state),
    **{name: lambda state: _first(state, FIRST_NAMES) for name in FIRST_NAMES},
    **{name: lambda state: _first(state, LAST_NAMES) for name in LAST_NAMES},
    "phase": _phase,
    "sub_state": _sub_state,
    "zone": _zone,
}
"""Name -> what it says: the number under which pages, exports and the API know somebody; phase and sub-state as conditions name them; the zone
that the person's clock shows, where it is known."""
SAID = frozenset(_SAID) | {"greeting"}
"""What every message knows of everybody; "" where nothing is known."""
