"""The page docs/reference/events.md, made from the catalogue: `python -m kundenkreis.events.reference_page > PAGE`."""

import json

from kundenkreis.events.core.catalogue import EVENTS, OF_OTHERS, OWN_EVENTS, EventType
from kundenkreis.events.core.property_names import PRODUCT, PROPERTIES
from kundenkreis.events.core.reasons import REASONS

_HEAD = """\
# Events

This page is made from the catalogue (`python -m kundenkreis.events.reference_page`); do not edit it by hand.

Unknown events are welcome: they are stored and can be used like any other. For a known event the properties below have types.
An event with a missing required property, or with a malformed amount, currency or product list, is quarantined with its reason
and can be replayed; any other malformed property is kept as it came. Properties that the catalogue does not know are kept.

Names are compared exactly. Numeric text is taken as a number ("12.50", never "12,50"), whole numbers as the text of an id,
currency codes in any case. Amounts are in main units (119.9 is 119 euros 90). Events marked *server* need a server key:
they grant something, withdraw something, or say what the company did; a public key is refused in any spelling of the name.
Events marked *others* tell what the company, a carrier or a machine did: whoever they are about is not seen by them, and a message because of them is no
answer that may come at night.
The same holds for the names that Kundenkreis itself writes into the log: OWN_EVENTS.
"""


def page() -> str:
    """The whole page as Markdown."""
    groups: dict[str, list[EventType]] = {}
    for event in EVENTS.values():
        groups.setdefault(event.group, []).append(event)
    head = _HEAD.replace("OWN_EVENTS", ", ".join(f"`{name}`" for name in OWN_EVENTS))
    parts = [head, *(_group(name, events) for name, events in groups.items()), _properties(), _reasons()]
    return "\n".join(parts)


def _group(name: str, events: list[EventType]) -> str:
    rows = [f"| `{event.name}` | {event.de} | {_sender(event)} | {_names(event)} |" for event in events]
    head = f"## {name.capitalize()}\n\n| event | Deutsch | key | properties (required ones bold) |\n|---|---|---|---|"
    return "\n".join([head, *rows, ""])


def _sender(event: EventType) -> str:
    key = "server" if event.is_server_only else "any"
    return f"{key}, others" if event.name in OF_OTHERS else key


def _names(event: EventType) -> str:
    shown: list[str] = []
    for name in event.properties:
        if name in PRODUCT and set(PRODUCT) <= set(event.properties):
            if "the properties of a product" not in shown:
                shown.append("the properties of a product")
        else:
            shown.append(f"**{name}**" if name in event.required else name)
    return ", ".join(shown) or "none"


def _properties() -> str:
    rows = [
        f"| `{p.name}` | {p.kind} | {p.de} | {p.en} | `{json.dumps(p.sample, ensure_ascii=False)}` |"
        for p in PROPERTIES.values()
    ]
    head = (
        "## Properties\n\nA property has the same type in every event. The properties of a product, alone or in `products` and "
        f"`lines`: {', '.join(PRODUCT)}.\n\n| property | type | Deutsch | English | example |\n|---|---|---|---|---|"
    )
    return "\n".join([head, *rows, ""])


def _reasons() -> str:
    rows = [f"| `{code}` | {reason.de} | {reason.en} |" for code, reason in REASONS.items()]
    head = "## Reasons for the quarantine\n\n| code | Deutsch | English |\n|---|---|---|"
    return "\n".join([head, *rows, ""])


if __name__ == "__main__":
    print(page(), end="")
