"""Definitions over the API: what is in force, drafts that two may edit without overwriting each other, checking and publishing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Header, Router
from pydantic import Field

from kundenkreis.definitions.drafts import Draft, DraftMistake
from kundenkreis.definitions.errors import StaleDraftError
from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.definitions.use_cases.edit_drafts import discard_draft, in_force, open_draft, published, save_draft
from kundenkreis.definitions.use_cases.publish_drafts import prepare_publishing, publish_drafts
from kundenkreis.definitions.use_cases.put_definition import delete_definition as delete_definition_of
from kundenkreis.site.access import may
from kundenkreis.site.api.errors import DraftsRefusedError, NotFoundError, StillUsedError
from kundenkreis.site.api.fields import Body
from kundenkreis.site.api.offers import Needs, offer, require
from kundenkreis.site.api.problems import pointer
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import actor
from kundenkreis.site.mounted import mounted
from kundenkreis.site.special_categories import check_writing

router = Router(tags=["definitions"])

KindName = Annotated[str, Field(pattern=f"^({'|'.join(BY_KIND)})$")]
NameOrNone = Annotated[
    str, Field(pattern=r"^([a-z][a-z0-9_]{0,63}|-)$", description="- where there is one of the kind.")
]
Revision = Annotated[
    str, Field(pattern=r'^"[0-9]{1,9}"$', description='Revision of the draft that was edited; "0": there was none.')
]
_SEE: Final = {"segment": "segments.see", "journey": "journeys.see", "content": "content.see"}
_EDIT: Final = {"segment": "segments.edit", "journey": "journeys.edit", "content": "content.edit"}
_DELETABLE: Final = frozenset({"segment", "score", "content"})
_PUBLISH: Final = {"segment": "segments.edit", "journey": "journeys.publish", "content": "journeys.publish"}


def to_see(parameters: Mapping[str, str]) -> Needs:
    """What reading definitions of a kind needs."""
    return (_SEE.get(parameters["kind"], "settings.see"),)


def to_publish(parameters: Mapping[str, str]) -> Needs:
    """What putting definitions of a kind in force, or taking them away, needs."""
    return (_PUBLISH.get(parameters["kind"], "settings.edit"),)


def to_edit(parameters: Mapping[str, str]) -> Needs:
    """What editing drafts of a kind needs."""
    return (_EDIT.get(parameters["kind"], "settings.edit"),)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A definition in force."""

    kind: str
    id: str
    """"" where there is one of the kind."""
    document: Mapping[str, Any]
    """As in a definitions file."""


@dataclass(frozen=True, kw_only=True)
class DraftAnswer:
    """A draft as it was saved."""

    kind: str
    id: str
    document: Mapping[str, Any]
    revision: int
    base_version: int
    """Rulebook version it was begun from."""
    edited_by: str
    edited_us: int


@dataclass(frozen=True, kw_only=True)
class MistakeAnswer:
    """Something that speaks against publishing."""

    key: str
    """journey:welcome."""
    pointer: str
    """Where in the document."""
    line: int
    code: str
    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks of publishing say."""

    mistakes: tuple[MistakeAnswer, ...]
    notes: tuple[MistakeAnswer, ...]
    changes: tuple[str, ...]
    """Keys of definitions that publishing would change."""
    overtaken: tuple[str, ...]
    """Keys that were published anew since their draft was begun."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """The drafts are in force."""

    version: int
    """Of the rulebook."""


@dataclass(frozen=True, kw_only=True)
class Discarded:
    """The draft is gone."""

    is_discarded: bool


class Drafted(Body):
    """A document to keep as a draft; it may hold mistakes."""

    document: dict[str, Any] = Field(description="Without `kind` and `id`, or with those of the address.")
    rebase: bool = Field(False, description="It was compared with what is in force now and may be published over it.")


class Chosen(Body):
    """One draft, at the revision that was looked at."""

    kind: KindName
    id: NameOrNone
    revision: int = Field(ge=1, le=999_999_999)


class Publishing(Body):
    """Drafts that go together."""

    drafts: list[Chosen] = Field(min_length=1, max_length=50)
    include_existing: list[NameOrNone] = Field(
        default_factory=list, max_length=50, description="Journeys that also start for people who match already."
    )


@offer(
    router, "GET", "definitions/{kind}", needs=to_see, answer=list[Document],
    summary=gettext_noop("List definitions in force of a kind"),
)  # fmt: skip
def list_definitions(request: HttpRequest, kind: KindName) -> list[Document]:
    held = in_force(mounted().sources.publisher).of(kind)
    return [Document(kind=kind, id=one.id, document=one.document) for one in held.values()]


@offer(
    router, "GET", "definitions/{kind}/{name}", needs=to_see, answer=Document,
    summary=gettext_noop("Read a definition in force"),
)  # fmt: skip
def read_definition(request: HttpRequest, kind: KindName, name: NameOrNone) -> Document:
    document = published(mounted().sources.publisher, kind, _id(name))
    if document is None:
        raise NotFoundError
    return Document(kind=kind, id=_id(name), document=document)


@offer(
    router, "DELETE", "definitions/{kind}/{name}", needs=to_publish, answer=Discarded, is_writing=True,
    summary=gettext_noop("Take a definition out of force"),
)  # fmt: skip
def delete_definition(request: HttpRequest, kind: KindName, name: NameOrNone) -> Discarded:
    """Refused while something would miss it; `errors` names what. A journey is stopped instead."""
    sources = mounted().sources
    if published(sources.publisher, kind, _id(name)) is None:
        raise NotFoundError
    if kind not in _DELETABLE:
        raise StillUsedError("Only segments, scores and content can be taken out of force like this.")
    uses = sources.uses.find_uses(kind, name)
    if uses:
        listed = [{"key": f"{one.kind}:{one.id}" if one.id else one.kind, "detail": one.how} for one in uses]
        raise StillUsedError(errors=listed)
    delete_definition_of(kind, name, sources.publisher, sources.drafts, actor=actor())
    audit(request, "deleted", _audited(kind), name)
    return Discarded(is_discarded=True)


@offer(router, "GET", "drafts", needs=(), answer=list[DraftAnswer], summary=gettext_noop("List drafts"))
def list_drafts(request: HttpRequest) -> list[DraftAnswer]:
    """Those of kinds that one may see."""
    return [_answer(one) for one in mounted().sources.drafts.every() if may(*to_see({"kind": one.kind}))]


@offer(router, "GET", "drafts/{kind}/{name}", needs=to_see, answer=DraftAnswer, summary=gettext_noop("Read a draft"))
def read_draft(request: HttpRequest, response: HttpResponse, kind: KindName, name: NameOrNone) -> DraftAnswer:
    """Its revision is also the ETag."""
    draft = open_draft(kind, _id(name), mounted().sources.drafts)
    response["ETag"] = f'"{draft.revision}"'
    return _answer(draft)


@offer(
    router, "PUT", "drafts/{kind}/{name}", needs=to_edit, answer=DraftAnswer, is_writing=True,
    summary=gettext_noop("Save a draft"),
)  # fmt: skip
def write_draft(
    request: HttpRequest, response: HttpResponse, kind: KindName, name: NameOrNone, drafted: Drafted,
    if_match: Annotated[Revision, Header(alias="If-Match")],
) -> DraftAnswer:  # fmt: skip
    """409 with the other's draft where somebody else saved it meanwhile."""
    head = {"kind": kind} | ({"id": _id(name)} if _id(name) else {})
    sources = mounted().sources
    held = sources.drafts.find(kind, _id(name))
    before = published(sources.publisher, kind, _id(name))
    check_writing(drafted.document, before, held.document if held is not None else None)
    draft = save_draft(
        drafted.document | head, sources.drafts, sources.publisher, revision=int(if_match.strip('"')), actor=actor(),
        at_us=mounted().clock_us(), rebase=drafted.rebase,
    )  # fmt: skip
    audit(request, "changed", _audited(kind), draft.id or kind, {"draft": draft.revision})
    response["ETag"] = f'"{draft.revision}"'
    return _answer(draft)


@offer(
    router, "DELETE", "drafts/{kind}/{name}", needs=to_edit, answer=Discarded, is_writing=True,
    summary=gettext_noop("Discard a draft"),
)  # fmt: skip
def delete_draft(
    request: HttpRequest, kind: KindName, name: NameOrNone, if_match: Annotated[Revision, Header(alias="If-Match")]
) -> Discarded:
    drafts = mounted().sources.drafts
    open_draft(kind, _id(name), drafts)
    discard_draft(kind, _id(name), drafts, revision=int(if_match.strip('"')))
    audit(request, "deleted", _audited(kind), _id(name) or kind, {"draft": int(if_match.strip('"'))})
    return Discarded(is_discarded=True)


@offer(router, "POST", "drafts/check", needs=(), answer=Checked, summary=gettext_noop("Check drafts for publishing"))
def check(request: HttpRequest, publishing: Publishing) -> Checked:
    """Changes nothing."""
    for one in publishing.drafts:
        require(*to_see({"kind": one.kind}))
    prepared = prepare_publishing(_chosen(publishing), mounted().sources.publisher, with_impact=False)
    return Checked(
        mistakes=tuple(_mistake(one) for one in prepared.checked.mistakes),
        notes=tuple(_mistake(one) for one in prepared.checked.notes),
        changes=tuple(f"{one.kind}:{one.id}" if one.id else one.kind for one in prepared.changes),
        overtaken=prepared.overtaken,
    )


@offer(
    router,
    "POST",
    "drafts/publish",
    needs=(),
    answer=Published,
    is_writing=True,
    summary=gettext_noop("Publish drafts"),
)
def publish(request: HttpRequest, publishing: Publishing) -> Published:
    """Puts all of them in force together, for everybody, or none."""
    for one in publishing.drafts:
        require(_PUBLISH.get(one.kind, "settings.edit"))
    drafts, sources = _chosen(publishing), mounted().sources
    version, prepared = publish_drafts(
        drafts, sources.drafts, sources.publisher, actor=actor(), include_existing=publishing.include_existing
    )
    if not version:
        found = [_mistake(one) for one in prepared.checked.mistakes]
        listed = [{"key": one.key, "pointer": one.pointer, "detail": f"{one.what}. {one.remedy}"} for one in found]
        raise DraftsRefusedError(errors=listed)
    for draft in drafts:
        audit(request, "published", _audited(draft.kind), draft.id or draft.kind, {"version": version})
    return Published(version=version)


def _chosen(publishing: Publishing) -> list[Draft]:
    """The drafts, as they were looked at.

    Raises:
        NoDraftError, StaleDraftError
    """
    store, chosen = mounted().sources.drafts, {(one.kind, _id(one.id)): one.revision for one in publishing.drafts}
    drafts = [open_draft(kind, name, store) for kind, name in chosen]
    for draft in drafts:
        if draft.revision != chosen[draft.kind, draft.id]:
            raise StaleDraftError(current=draft)
    return drafts


def _id(name: str) -> str:
    return "" if name == "-" else name


def _audited(kind: str) -> str:
    return kind if kind in _SEE else "definitions"


def _answer(draft: Draft) -> DraftAnswer:
    return DraftAnswer(
        kind=draft.kind, id=draft.id, document=draft.document, revision=draft.revision, base_version=draft.base_version,
        edited_by=draft.edited_by, edited_us=draft.edited_us,
    )  # fmt: skip


def _mistake(one: DraftMistake) -> MistakeAnswer:
    return MistakeAnswer(
        key=one.key, pointer=pointer(one.path), line=one.line, code=one.code, what=one.what, remedy=one.remedy
    )
