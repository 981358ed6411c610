"""Save, discard and compare drafts; whether two people edit the same one is decided by its revision."""

import re

import msgspec

from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.definition import Definitions, key_of
from kundenkreis.definitions.diff import Detail, differences
from kundenkreis.definitions.documents import ID_PATTERN
from kundenkreis.definitions.drafts import Document, Draft, DraftStore, name_of
from kundenkreis.definitions.errors import BadDraftError, NoDraftError, StaleDraftError
from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.kernel.ids import Micros

LARGEST_DRAFT_BYTES = 1_000_000


def save_draft(
    document: Document,
    drafts: DraftStore,
    publisher: Publisher,
    *,
    revision: int,
    actor: str,
    at_us: Micros,
    rebase: bool = False,
    made_from: str | None = None,
) -> Draft:
    """Keep a document as the next revision of its draft; it may hold mistakes.

    Args:
        revision: of the draft that was edited; 0 = there was none.
        rebase: it has been compared with what is in force now, so it may be published over it.
        made_from: `name_of` what the editor began with: the draft, or what was in force where there was none. None: it does not say.

    Raises:
        BadDraftError: no kind, no usable id, too large.
        StaleDraftError: somebody else saved, discarded or published it; `current` holds their draft, None if it is gone.
    """
    kind, name = head_of(document)
    before = drafts.find(kind, name)
    if (before.revision if before is not None else 0) != revision:
        raise _stale(before)
    if made_from is not None and made_from != what_is_edited(kind, name, before, publisher):
        raise _stale(before)
    if before is not None and not rebase:
        base_version, base = before.base_version, before.base
    else:
        base_version, base = publisher.version_in_force(), name_of(published(publisher, kind, name))
    draft = Draft(
        kind=kind, id=name, document=dict(document), base_version=base_version, base=base, revision=revision + 1,
        edited_by=actor, edited_us=at_us,
    )  # fmt: skip
    if not drafts.save(draft):
        raise _stale(drafts.find(kind, name))
    return draft


def what_is_edited(kind: str, name: str, draft: Draft | None, publisher: Publisher) -> str:
    """`name_of` what an editor begins with: the draft, else what is in force; "" where there is neither."""
    return draft.says if draft is not None else name_of(published(publisher, kind, name))


def discard_draft(kind: str, name: str, drafts: DraftStore, *, revision: int, made_from: str | None = None) -> None:
    """Drop a draft.

    Args:
        made_from: `name_of` the draft that was looked at. None: it is not said.

    Raises:
        StaleDraftError: somebody else saved it since.
    """
    seen = drafts.find(kind, name)
    if seen is not None and made_from is not None and made_from != seen.says:
        raise _stale(seen)
    if not drafts.remove(kind, name, revision=revision):
        current = drafts.find(kind, name)
        if current is not None:
            raise _stale(current)


def compare_draft(draft: Draft, publisher: Publisher) -> tuple[Detail, ...]:
    """What differs from the definition in force, value by value; everything is new where there is none."""
    return differences(published(publisher, draft.kind, draft.id) or {}, draft.document)


def open_draft(kind: str, name: str, drafts: DraftStore) -> Draft:
    """The draft of this kind and id.

    Raises:
        NoDraftError: there is none.
    """
    draft = drafts.find(kind, name)
    if draft is None:
        raise NoDraftError(kind=kind, id=name)
    return draft


def published(publisher: Publisher, kind: str, name: str) -> Document | None:
    """The document in force of this kind and id, None if there is none."""
    definition = in_force(publisher).get(key_of(kind, name))
    return definition.document if definition is not None else None


def in_force(publisher: Publisher) -> Definitions:
    """The definitions in force."""
    return definitions_from_json(publisher.in_force())


def head_of(document: Document) -> tuple[str, str]:
    """(kind, id) of a document that may be kept as a draft.

    Raises:
        BadDraftError: see there.
    """
    kind = BY_KIND.get(str(document.get("kind", "")))
    if kind is None:
        raise BadDraftError
    name = "" if kind.is_single else str(document.get("id", ""))
    if not kind.is_single and re.search(ID_PATTERN, name) is None:
        raise BadDraftError
    if len(msgspec.json.encode(document)) > LARGEST_DRAFT_BYTES:
        raise BadDraftError(f"A draft holds at most {LARGEST_DRAFT_BYTES:,} bytes.", largest_bytes=LARGEST_DRAFT_BYTES)
    return kind.kind, name


def _stale(current: Draft | None) -> StaleDraftError:
    return StaleDraftError(current=current)
