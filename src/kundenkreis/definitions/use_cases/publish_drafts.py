"""Put drafts in force: the checks of `kreis apply`, the impact before, and nobody's work overwritten unseen."""

from collections.abc import Collection, Sequence

import msgspec

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.diff import Change, compare
from kundenkreis.definitions.drafts import CheckedDrafts, Draft, DraftStore, check_drafts, name_of
from kundenkreis.definitions.errors import PublishedMeanwhileError
from kundenkreis.definitions.impact import Impact
from kundenkreis.definitions.kinds import Plugins
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.use_cases.edit_drafts import in_force


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing these drafts would do, or what hinders it."""

    checked: CheckedDrafts
    version: int
    """The rulebook version this was compared with."""
    changes: tuple[Change, ...] = ()
    """Against what is in force; () with no mistakes = they say the same already."""
    impact: Impact | None = None
    """None where there are mistakes or nothing changes."""
    overtaken: tuple[str, ...] = ()
    """Keys of drafts whose definition was published anew since they were begun."""


def prepare_publishing(
    drafts: Sequence[Draft],
    publisher: Publisher,
    *,
    include_existing: Collection[str] = (),
    with_impact: bool = True,
    plugins: Plugins | None = None,
) -> Prepared:
    """Check drafts together, compare them with what is in force, and count what they would do. Changes nothing."""
    version = publisher.version_in_force()
    current = in_force(publisher)
    checked = check_drafts([draft.document for draft in drafts], current, plugins)
    overtaken = tuple(draft.key for draft in drafts if draft.base != _base_now(draft, current.get(draft.key)))
    prepared = Prepared(checked=checked, version=version, overtaken=overtaken)
    if checked.definitions is None:
        return prepared
    changes = compare(current, checked.definitions)
    impact = None
    if changes and with_impact:
        impact = publisher.impact(canonical_json(checked.definitions), include_existing=include_existing)
    return msgspec.structs.replace(prepared, changes=changes, impact=impact)


def publish_drafts(
    drafts: Sequence[Draft],
    store: DraftStore,
    publisher: Publisher,
    *,
    actor: str,
    include_existing: Collection[str] = (),
    plugins: Plugins | None = None,
) -> tuple[int, Prepared]:
    """Put drafts in force together: (rulebook version, what changed); version 0 = nothing was published, see `checked.mistakes`.

    Args:
        include_existing: journeys that also start for people who match at the moment of publishing.

    Raises:
        PublishedMeanwhileError: a definition was published anew since its draft was begun; compare, then save the draft with `rebase`.

    Effects in order: publishes a rulebook (none where they say what is in force already), drops the drafts. A crash between the two
    leaves drafts that say what is in force; a draft saved in that instant by somebody else stays.
    """
    prepared = prepare_publishing(drafts, publisher, with_impact=False, plugins=plugins)
    if prepared.checked.definitions is None:
        return 0, prepared
    if prepared.overtaken:
        raise PublishedMeanwhileError(keys=prepared.overtaken)
    version = prepared.version
    if prepared.changes:
        canonical = canonical_json(prepared.checked.definitions)
        version, _ = publisher.publish(
            canonical, actor=actor, include_existing=include_existing, after=prepared.version
        )
    for draft in drafts:
        store.remove(draft.kind, draft.id, revision=draft.revision)
    return version, prepared


def _base_now(draft: Draft, current: object) -> str:
    document = getattr(current, "document", None)
    # Saying what is in force already overtakes nobody.
    return draft.base if document == draft.document else name_of(document)
