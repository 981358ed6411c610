"""Content read from the store: what is in force and in draft, what was sent, and previews for real people."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from kundenkreis.content.core.blocks import Block
from kundenkreis.content.core.customer_variables import customer_variables
from kundenkreis.content.core.links import links_in
from kundenkreis.content.core.source import ContentSource, Problem
from kundenkreis.content.core.templates import RenderFailed, check_content, compile_draft, render
from kundenkreis.customers.core.listing import FIRST_NAMES, LAST_NAMES
from kundenkreis.customers.core.state import Attribute, CustomerState, Phase, decode_state
from kundenkreis.definitions.content_checks import default_brand, known_names, names_for, source_of_body
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.documents import Content
from kundenkreis.definitions.drafts import DraftMistake, check_drafts
from kundenkreis.runtime.counting.contents import FIGURE, ContentCounts, count_contents
from kundenkreis.runtime.counting.kept import read_kept
from kundenkreis.runtime.dispatching import brand_of, recipient
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.site.ports.contents import ContentLine, Mistake, Names, Person, Preview

_INVENTED: dict[str, Any] = {
    "email": "anna.muster@example.com", "firstName": "Anna", "lastName": "Muster",
    "address": {"city": "Köln", "country": "DE", "postalCode": "50667"}, "language": "de",
}  # fmt: skip


class StoredContents:
    """Reads the content of one installation (site/ports/contents.py: Contents)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._drafts = StoredDrafts(installation.store)
        self._publisher = StorePublisher(installation)

    def list_contents(self) -> tuple[ContentLine, ...]:
        """See ports.Contents."""
        definitions = self._in_force()
        drafts = {draft.id: draft.document for draft in self._drafts.every("content")}
        published = {name: one.document for name, one in definitions.of("content").items()}
        users: dict[str, list[tuple[str, Names]]] = {}
        for journey in definitions.of("journey").values():
            for name in dict.fromkeys(one.name for one in journey.references if one.to == "content"):
                users.setdefault(name, []).append((journey.id, journey.body.get("name") or {}))
        sent = self._sent()
        lines = [
            _line(
                name, published.get(name) or drafts[name], used_by=users.get(name, []), sent=sent[name],
                has_draft=name in drafts, is_published=name in published,
            )
            for name in {*published, *drafts}
        ]  # fmt: skip
        return tuple(sorted(lines, key=lambda line: (*line.names.values(), line.id)))

    def _sent(self) -> Counter[str]:
        with self._installation.store.reading() as tx:
            kept = read_kept(tx, FIGURE, ContentCounts)
            counted = kept or count_contents(tx, at_us=self._installation.clock.now_us())
        return Counter(counted.sent)

    def phases(self) -> tuple[tuple[str, Names], ...]:
        """See ports.Contents."""
        table = next(iter(self._in_force().of("phases").values()), None)
        return tuple((one["id"], one.get("name") or {}) for one in (table.body["phases"] if table is not None else ()))

    def personas(self) -> tuple[tuple[str, Names], ...]:
        """See ports.Contents."""
        return tuple((name, one.body.get("name") or {}) for name, one in self._in_force().of("segment").items())

    def check(self, document: Mapping[str, Any]) -> tuple[Mistake, ...]:
        """See ports.Contents."""
        definitions = self._in_force()
        source = _source(document, definitions)
        if source is None:  # something is missing or has another shape
            checked = check_drafts([{**document, "id": document.get("id") or "new"}], definitions)
            return tuple(_of_draft(one) for one in checked.mistakes)
        return tuple(_mistake(one) for one in check_content(source, known=known_names(definitions)))

    def variables(self, content_id: str) -> tuple[str, ...]:
        """See ports.Contents."""
        return names_for(self._in_force(), content_id)

    def links(self, document: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        """See ports.Contents."""
        own = f"{self._installation.settings.public_url}/u/"
        found: dict[str, tuple[str, ...]] = {}
        for key in document.get("variants") or {}:
            shown = self.preview(document, key, profile_id=0, without_name=False)
            for link in links_in(shown.html, shown.text, without=own):
                found[link] = (*found.get(link, ()), key)
        return found

    def preview(
        self, document: Mapping[str, Any], key: str, *, profile_id: int, without_name: bool,
        brand: Mapping[str, Any] | None = None, hidden: Collection[str] = (),
    ) -> Preview:  # fmt: skip
        """See ports.Contents."""
        if brand is None:
            definitions = self._in_force()
        else:
            checked = check_drafts([brand], ())
            if checked.definitions is None:
                return _nothing(" ".join(f"{mistake.what}." for mistake in checked.mistakes))
            definitions = checked.definitions
        source = _source(_finished(document), definitions)
        if source is None or key not in source.variants:
            return _nothing("")
        compiled = compile_draft(source, key)
        if isinstance(compiled, Problem):
            return _nothing(compiled.sentence())
        language, form = compiled.variants[key].language, compiled.variants[key].form_of_address
        customer = self._customer(profile_id, language, form, definitions, without_name=without_name, hidden=hidden)
        rendered = render(compiled, self._variables(customer, definitions, language), language, form_of_address=form)
        if isinstance(rendered, RenderFailed):
            return _nothing(rendered.detail)
        return Preview(
            subject=rendered.subject,
            preheader=source.variants[key].preheader,
            html=rendered.html,
            text=rendered.text,
            failed="",
        )

    def people(self) -> tuple[Person, ...]:
        """See ports.Contents."""
        with self._installation.store.reading() as tx:
            rows = tx.rows(
                "SELECT s.state FROM customer_list l JOIN states s ON s.profile_id = l.profile_id "
                "WHERE l.is_known = 1 ORDER BY l.seen_us DESC LIMIT 12"
            )
        people = [recipient(decode_state(bytes(row[0])), "email") for row in rows]
        known = [Person(profile_id=one.profile_id, name=one.name, language=one.language) for one in people if one.name]
        return (Person(profile_id=0, name="Anna Muster", language="de"), *known)

    def _customer(
        self,
        profile_id: int,
        language: str,
        form: str,
        definitions: Definitions,
        *,
        without_name: bool,
        hidden: Collection[str],
    ) -> dict[str, Any]:
        state = self._state(profile_id) or _invented(definitions)
        if without_name:
            for name in (*FIRST_NAMES, *LAST_NAMES, "name"):
                state.profile.attributes.pop(name, None)
        return _without(customer_variables(state, language=language, form_of_address=form), hidden)

    def _state(self, profile_id: int) -> CustomerState | None:
        with self._installation.store.reading() as tx:
            rows = tx.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,)) if profile_id else []
        return decode_state(bytes(rows[0][0])) if rows else None

    def _variables(self, customer: dict[str, Any], definitions: Definitions, language: str) -> dict[str, Any]:
        held = default_brand(definitions)
        brand = brand_of(held.body if held is not None else {}, self._installation.settings)
        base = self._installation.settings.public_url
        return {
            "customer": customer,
            "event": {},
            "brand": brand.said(language),
            "message": {"id": "", "date": "", "language": "", "purpose": ""},
            "journey": {"id": ""},
            "unsubscribe_url": f"{base}/u/",
            "preferences_url": f"{base}/u/",
        }

    def _in_force(self) -> Definitions:
        return self._publisher.definitions()


def _invented(definitions: Definitions) -> CustomerState:
    """Somebody who does not exist, in a phase that does."""
    state = CustomerState(profile_id=1, bucket_key="", created_us=0, first_seen_us=0)
    state.profile.attributes = {name: Attribute(value, 0, b"", "") for name, value in _INVENTED.items()}
    circle = definitions.single("phases")
    phases = circle.config.phases if circle is not None else ()
    chosen = next((phase for phase in phases if phase.sub_states), phases[0] if phases else None)
    if chosen is not None:
        sub_state = chosen.sub_states[0].id if chosen.sub_states else ""
        state.decisions.phase = Phase(chosen.id, sub_state, 0, 0)
    return state


def _source(document: Mapping[str, Any], definitions: Definitions) -> ContentSource | None:
    """The content as the cores read it, None where its shape is not that of one. What it is worth to people may still be missing: a check says so."""
    body = {key: value for key, value in document.items() if key not in ("kind", "id")}
    try:
        msgspec.convert(body | {"value": body.get("value") or {"de": "-"}}, Content)
    except msgspec.ValidationError:
        return None
    return source_of_body(str(document.get("id", "")), body, default_brand(definitions))


def _finished(document: Mapping[str, Any]) -> dict[str, Any]:
    """Without blocks in which something is still missing, and with a subject, so that the rest can be looked at."""
    variants = {
        key: {**one, "subject": one.get("subject") or "–", **_finished_blocks(one)}
        for key, one in (document.get("variants") or {}).items()
    }
    return {**document, "variants": variants}


def _finished_blocks(variant: Mapping[str, Any]) -> dict[str, Any]:
    finished = []
    for block in variant.get("blocks") or ():
        try:
            msgspec.convert(block, Block)
        except msgspec.ValidationError:
            continue
        finished.append(block)
    return {"blocks": finished} if "blocks" in variant else {}


def _line(
    name: str,
    document: Mapping[str, Any],
    *,
    used_by: list[tuple[str, Names]],
    sent: int,
    has_draft: bool,
    is_published: bool,
) -> ContentLine:
    return ContentLine(
        id=name,
        names=document.get("name") or {},
        message_class=str(document.get("message_class", "")),
        channel=str(document.get("channel", "email")),
        call_to_action=str(document.get("call_to_action", "")),
        variants=tuple(document.get("variants") or ()),
        phases=tuple(document.get("phases") or ()),
        personas=tuple(document.get("personas") or ()),
        up_to_date_until=str(document.get("up_to_date_until", "")),
        used_by=tuple(used_by),
        sent=sent,
        has_draft=has_draft,
        is_published=is_published,
    )


def _mistake(problem: Problem) -> Mistake:
    return Mistake(
        variant=problem.variant, part=problem.part, line=problem.line, what=problem.what, remedy=problem.remedy
    )


def _of_draft(mistake: DraftMistake) -> Mistake:
    variant, part = (
        (str(mistake.path[1]), str(mistake.path[2]))
        if len(mistake.path) > 2 and mistake.path[0] == "variants"
        else ("", "")
    )
    return Mistake(
        variant=variant, part=part, line=mistake.line, what=mistake.what, remedy=mistake.remedy, code=mistake.code
    )


def _nothing(why: str) -> Preview:
    return Preview(subject="", preheader="", html="", text="", failed=why or "-")


def _without(variables: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """What is known of a customer without what these names stand for, at whatever depth."""
    return {
        name: _without(value, hidden) if isinstance(value, Mapping) else value
        for name, value in variables.items()
        if name.casefold() not in hidden
    }
