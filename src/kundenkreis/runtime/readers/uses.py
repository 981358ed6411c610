"""Who would miss a definition: what is in force, drafts, journeys that people are still under way in, saved filters."""

from collections.abc import Iterator, Mapping
from typing import Any

from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.definition import Definition, Definitions, key_of
from kundenkreis.definitions.drafts import check_drafts
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.use_cases.put_definition import users_of
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.readers.journeys import UNDO_FOR, StoredJourneys
from kundenkreis.site.ports.customers import Words
from kundenkreis.site.ports.uses import Deleted, How, Use


class StoredUses:
    """Reads what hangs together in one installation (site/ports/uses.py: Uses)."""

    def __init__(self, installation: Installation, customers: StoredCustomers, journeys: StoredJourneys) -> None:
        self._installation = installation
        self._customers = customers
        self._journeys = journeys
        self._drafts = StoredDrafts(installation.store)
        self._publisher = StorePublisher(installation)

    def find_uses(self, kind: str, name: str) -> tuple[Use, ...]:
        """See ports.Uses."""
        current = self._publisher.definitions()
        found = [_use("in_force", one) for one in users_of(kind, name, current)]
        found += self._in_drafts(kind, name, current)
        found += self._in_earlier_forms(kind, name)
        found += [
            Use(how="filter", kind="filter", id=one.filter_id, name=Words(de=one.name, en=one.name))
            for one in self._customers.saved_filters()
            if (kind, name) in _named_in(one.condition)
        ]
        return tuple(found)

    def find_deleted(self, kind: str, name: str) -> Deleted | None:
        """See ports.Uses."""
        key, since_us = key_of(kind, name), self._installation.clock.now_us() - UNDO_FOR
        if self._publisher.definitions().get(key) is not None:
            return None
        with self._installation.store.reading() as tx:
            rows = tx.rows(
                "SELECT version, published_us FROM rulebooks WHERE published_us > ? ORDER BY version DESC", (since_us,)
            )
        for version, published_us in rows:
            before = definitions_from_json(self._installation.rulebooks.stored(version - 1)) if version > 1 else None
            form = before.get(key) if before is not None else None
            if form is not None:
                return Deleted(document=form.document, until_us=int(published_us) + UNDO_FOR)
        return None

    def _in_drafts(self, kind: str, name: str, current: Definitions) -> Iterator[Use]:
        """Drafts that could not be published any more without it, though they could now, or though it alone makes them whole."""
        others = [one for one in current if one.key != key_of(kind, name)]
        for draft in self._drafts.every():
            if draft.key == key_of(kind, name):
                continue
            now = {
                (one.path, one.code, one.what)
                for one in check_drafts([draft.document], current, installed_plugins()).mistakes
            }
            then = check_drafts([draft.document], others, installed_plugins()).mistakes
            if any((one.path, one.code, one.what) not in now for one in then if one.key == draft.key):
                yield Use(how="draft", kind=draft.kind, id=draft.id, name=_words(draft.document, draft.id))

    def _in_earlier_forms(self, kind: str, name: str) -> Iterator[Use]:
        rulebooks = self._installation.rulebooks
        for journey_id, version, is_held in self._journeys.forms_still_needed():
            form = definitions_from_json(rulebooks.stored(version)).get(key_of("journey", journey_id))
            named = [each for each in form.references if is_held or each.path[0] != "entry"] if form is not None else []
            if form is not None and any((each.to, each.name) == (kind, name) for each in named):
                yield _use("held" if is_held else "under_way", form)


def _use(how: How, definition: Definition) -> Use:
    return Use(how=how, kind=definition.kind, id=definition.id, name=_words(definition.document, definition.id))


def _words(document: Mapping[str, Any], name: str) -> Words:
    names = document.get("name")
    names = names if isinstance(names, Mapping) else {}
    some = next(iter(names.values()), name)
    return Words(de=str(names.get("de") or some), en=str(names.get("en") or some))


def _named_in(condition: Any) -> set[tuple[str, str]]:
    """(kind, id) of what a condition names as {kind: {id: ...}}, at any depth."""
    if isinstance(condition, list):
        return {each for part in condition for each in _named_in(part)}
    if not isinstance(condition, Mapping):
        return set()
    found = {each for part in condition.values() for each in _named_in(part)}
    return found | {
        (kind, str(config["id"]))
        for kind, config in condition.items()
        if isinstance(config, Mapping) and "id" in config
    }
