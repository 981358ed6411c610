"""A rulebook whose message repeats whatever came in: as subject, as text and inside HTML."""

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.load import load_files
from kundenkreis.playbooks.shipped import FOLDER

CONTENT = """
kind: content
id: echo
name: {de: Echo, en: Echo}
message_class: transactional
value: {de: "Sieht, was angekommen ist", en: "Sees what arrived"}
call_to_action: none
variants:
  de:
    subject: "Vorgang {{ event.title }} {{ customer.firstName }}"
    html: |
      <!doctype html><html><body><p>{{ customer.greeting }} {{ customer.title }} {{ event.title }}</p>
      <p title="{{ event.title }}">{{ customer.lastName }}</p></body></html>
    text: "{{ customer.greeting }} {{ customer.title }} {{ event.title }} {{ customer.lastName }}"
"""
JOURNEY = """
kind: journey
id: echo
name: {de: Echo, en: Echo}
entry:
  event: {name: Echo Wanted}
re_entry: always
steps:
  - id: echo
    message: {content: echo, channel: email, purpose: order, message_class: transactional, valid_for_hours: 24, if_withheld: skip}
"""
PING_PONG = """
kind: journey
id: ping
name: {de: Ping, en: Ping}
entry: {event: {name: Ping}}
re_entry: always
steps:
  - id: emit
    emit_event: {name: Pong}
---
kind: journey
id: pong
name: {de: Pong, en: Pong}
entry: {event: {name: Pong}}
re_entry: always
steps:
  - id: emit
    emit_event: {name: Ping}
"""


def rulebook_with(*documents: str) -> Definitions:
    """The shipped base with these documents."""
    base = [(path.name, path.read_bytes()) for path in sorted((FOLDER / "base").glob("*.yaml"))]
    loaded = load_files([*base, *((f"more{n}.yaml", text.encode()) for n, text in enumerate(documents))])
    assert isinstance(loaded, Definitions), "\n".join(map(str, loaded))
    return loaded
