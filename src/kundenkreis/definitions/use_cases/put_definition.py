"""Put one definition in force, or take it away: each is a whole rulebook with or without it, so every decision stays explained."""

from collections.abc import Sequence

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.definition import Definition, Definitions, key_of
from kundenkreis.definitions.drafts import CheckedDrafts, Document, DraftStore, check_drafts
from kundenkreis.definitions.errors import DefinitionError, DefinitionsRefusedError, Place
from kundenkreis.definitions.impact import Impact
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.use_cases.edit_drafts import in_force


def put_definition(
    kind: str, name: str, document: Document | None, publisher: Publisher, *, actor: str, may_be_missed: bool = False
) -> int:
    """Publish what is in force with this form of a definition, or without it; the rulebook version in force afterwards.

    Args:
        document: the form that applies from now on; None: there is none any more.
        may_be_missed: take it away even if something else names it.

    Raises:
        DefinitionsRefusedError: what the form names is gone, or something else names what is to go.
        PublishedMeanwhileError: somebody else published in this instant.

    Effects: publishes a rulebook; nothing where it says so already.
    """
    version, current = publisher.version_in_force(), in_force(publisher)
    before = current.get(key_of(kind, name))
    if (before.document if before is not None else None) == document:
        return version
    others = _others(current, kind, name)
    without = Definitions(others) if document is None and may_be_missed else None
    definitions = without or _accepted(check_drafts([document] if document is not None else [], others))
    return publisher.publish(canonical_json(definitions), actor=actor, after=version)[0]


def delete_definition(kind: str, name: str, publisher: Publisher, drafts: DraftStore, *, actor: str) -> int:
    """Take a definition out of force, and drop its draft; the rulebook version in force afterwards.

    Raises:
        DefinitionsRefusedError, PublishedMeanwhileError: see put_definition.

    Effects in order: publishes a rulebook, drops the draft.
    """
    version = put_definition(kind, name, None, publisher, actor=actor)
    draft = drafts.find(kind, name)
    if draft is not None:
        drafts.remove(kind, name, revision=draft.revision)
    return version


def impact_without(kind: str, name: str, publisher: Publisher) -> Impact | None:
    """What taking a definition away would do to people; None where something else names it. Changes nothing."""
    checked = check_drafts([], _others(in_force(publisher), kind, name))
    return publisher.impact(canonical_json(checked.definitions)) if checked.definitions is not None else None


def users_of(kind: str, name: str, definitions: Definitions) -> list[Definition]:
    """Definitions that name this one."""
    return [
        one
        for one in definitions
        if one.key != key_of(kind, name) and any((each.to, each.name) == (kind, name) for each in one.references)
    ]


def _others(current: Definitions, kind: str, name: str) -> Sequence[Definition]:
    return [one for one in current if one.key != key_of(kind, name)]


def _accepted(checked: CheckedDrafts) -> Definitions:
    if checked.definitions is not None:
        return checked.definitions
    mistakes = (
        DefinitionError(place=Place(one.key), code=one.code, what=one.what, remedy=one.remedy)
        for one in checked.mistakes
    )
    raise DefinitionsRefusedError(tuple(mistakes))
