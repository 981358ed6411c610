"""The event catalogue: what the counter saw come in, beside what the definitions in force wait for."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.definition import Definitions
from kundenkreis.events.core.catalogue import OWN_EVENTS
from kundenkreis.runtime.counting.events import FIGURE
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.site.ports.event_catalogue import EventCatalogueAnswer, EventLine, EventsSeen, Waiting


class StoredEventCatalogue:
    """Reads one installation (site/ports/event_catalogue.py: EventCatalogue)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._publisher = StorePublisher(installation)

    def read_catalogue(self) -> EventCatalogueAnswer:
        """See ports.EventCatalogue."""
        waiting = _waiting(definitions_from_json(self._publisher.in_force()))
        with self._installation.store.reading() as tx:
            rows = tx.rows("SELECT body FROM figures WHERE name = ?", (FIGURE,))
        try:
            seen = msgspec.json.decode(bytes(rows[0][0]), type=EventsSeen) if rows else None
        except msgspec.ValidationError:  # counted by an older version that counted something else
            seen = None
        events = {one.name: one for one in seen.events if one.name not in OWN_EVENTS} if seen is not None else {}
        lines = [
            EventLine(name=name, seen=events.get(name), waiting=tuple(waiting.get(name, ())))
            for name in {*events, *waiting}
        ]
        lines.sort(key=lambda line: (line.seen is not None, -(line.seen.count if line.seen else 0), line.name))
        return EventCatalogueAnswer(
            at_us=seen.at_us if seen is not None else 0, is_whole=seen is not None and seen.is_whole, lines=tuple(lines)
        )


def _waiting(definitions: Definitions) -> Mapping[str, list[Waiting]]:
    """Event -> the definitions that name it, without events that no touchpoint sends."""
    emitted = {name for each in definitions.of("journey").values() for name in _emitted(each.body)}
    found: dict[str, list[Waiting]] = {}
    for each in definitions:
        for name in dict.fromkeys(one.name for one in each.references if one.to == "event"):
            if name not in OWN_EVENTS and name not in emitted:
                names = each.body.get("name")
                named = names if isinstance(names, dict) else {}
                found.setdefault(name, []).append(Waiting(kind=each.kind, id=each.id, names=named))
    return found


def _emitted(body: Mapping[str, Any]) -> list[str]:
    return [
        step["emit_event"]["name"]
        for step in body.get("steps") or ()
        if isinstance(step, dict) and isinstance(step.get("emit_event"), dict) and "name" in step["emit_event"]
    ]
