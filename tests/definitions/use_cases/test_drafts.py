"""Drafts: nobody's work is overwritten unseen, mistakes stand at their field, publishing checks like `kreis apply`."""

import json
from typing import Any

import pytest

from kundenkreis.definitions.canonical import canonical_json, definitions_from_json
from kundenkreis.definitions.diff import Detail
from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.errors import BadDraftError, NoDraftError, PublishedMeanwhileError, StaleDraftError
from kundenkreis.definitions.testing import MemoryDrafts, MemoryPublisher
from kundenkreis.definitions.use_cases.edit_drafts import (
    compare_draft,
    discard_draft,
    in_force,
    open_draft,
    published,
    save_draft,
)
from kundenkreis.definitions.use_cases.publish_drafts import prepare_publishing, publish_drafts
from tests.definitions.samples import good

pytestmark = pytest.mark.pure


@pytest.fixture
def publisher() -> MemoryPublisher:
    made = MemoryPublisher()
    made.publish(canonical_json(good()), actor="files")
    return made


@pytest.fixture
def drafts() -> MemoryDrafts:
    return MemoryDrafts()


def welcome(publisher: MemoryPublisher) -> dict[str, Any]:
    """A copy of the journey in force, to be changed."""
    definition = in_force(publisher).get("journey:welcome")
    assert definition is not None
    return dict(definition.document)


def saved(document: dict[str, Any], drafts: MemoryDrafts, publisher: MemoryPublisher, **more: Any) -> Draft:
    """Saved by Anna at instant 5."""
    return save_draft(document, drafts, publisher, **{"revision": 0, "actor": "anna", "at_us": 5, **more})


def test_a_draft_is_kept_with_what_it_was_begun_from(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    draft = saved({**welcome(publisher), "priority": 4}, drafts, publisher)
    assert open_draft("journey", "welcome", drafts) == draft
    assert (draft.key, draft.revision, draft.base_version, draft.edited_by) == ("journey:welcome", 1, 1, "anna")
    assert compare_draft(draft, publisher) == (Detail("priority", "changed", 3, 4),)
    fresh = saved({"kind": "segment", "id": "fresh"}, drafts, publisher)
    assert (fresh.base, [one.verb for one in compare_draft(fresh, publisher)]) == ("", ["added", "added"])
    with pytest.raises(NoDraftError):
        open_draft("journey", "goodbye", drafts)


def test_the_second_of_two_savers_is_told_and_sees_the_other(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    document = welcome(publisher)
    saved(document, drafts, publisher)
    hers = saved({**document, "priority": 4}, drafts, publisher, revision=1)
    with pytest.raises(StaleDraftError) as refused:
        saved({**document, "priority": 5}, drafts, publisher, revision=1, actor="ben")
    assert refused.value.data["current"] == hers
    with pytest.raises(StaleDraftError):
        discard_draft("journey", "welcome", drafts, revision=1)
    discard_draft("journey", "welcome", drafts, revision=2)
    assert drafts.every() == ()
    with pytest.raises(StaleDraftError) as gone:
        saved(document, drafts, publisher, revision=2)
    assert gone.value.data["current"] is None


def test_mistakes_stand_at_their_field(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    document = welcome(publisher)
    document["steps"] = [
        {"id": "hello", "message": {"content": "no_such_mail", "purpose": "newsletter"}},
        {"id": "pause", "wait": {"days": "three"}},
    ]
    draft = saved(document, drafts, publisher)
    prepared = prepare_publishing([draft], publisher)
    assert [(one.key, one.path, one.code) for one in prepared.checked.mistakes] == [
        ("journey:welcome", ("steps", 1, "wait", "days"), "wrong_type")
    ]
    document["steps"][1] = {"id": "pause", "wait": {}}
    prepared = prepare_publishing([saved(document, drafts, publisher, revision=1)], publisher)
    assert [(one.path, one.code) for one in prepared.checked.mistakes] == [
        (("steps", 0, "message", "content"), "unknown_content"),
        (("steps", 1, "wait"), "wait_unclear"),
    ]
    assert publish_drafts([draft], drafts, publisher, actor="anna")[0] == 0
    assert len(publisher.published) == 1


def test_a_mistake_inside_a_template_names_its_line(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    content = dict(published(publisher, "content", "welcome_hello") or {})
    language = next(iter(content["variants"]))
    text = "{{ customer.nosuchname }}\n" + content["variants"][language]["text"]
    content["variants"] = {**content["variants"], language: {**content["variants"][language], "text": text}}
    prepared = prepare_publishing([saved(content, drafts, publisher)], publisher)
    assert [(one.path, one.line) for one in prepared.checked.mistakes] == [(("variants", language, "text"), 1)]


def test_what_the_draft_breaks_elsewhere_is_told(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    phases = dict(published(publisher, "phases", "") or {})
    phases["phases"] = [{**phases["phases"][0], "id": "another"}, *phases["phases"][1:]]
    prepared = prepare_publishing([saved(phases, drafts, publisher)], publisher)
    assert prepared.checked.definitions is None
    assert prepared.checked.mistakes != ()


def test_publishing_puts_drafts_in_force_together_and_drops_them(
    publisher: MemoryPublisher, drafts: MemoryDrafts
) -> None:
    segment = {"kind": "segment", "id": "fresh", "name": {"de": "Neu"}, "when": {"segment": {"id": "regulars"}}}
    journey = {**welcome(publisher), "entry": {"segment_entered": "fresh"}}
    together = [saved(segment, drafts, publisher), saved(journey, drafts, publisher)]
    alone = prepare_publishing(together[1:], publisher)
    assert [one.code for one in alone.checked.mistakes] == ["unknown_segment"]
    version, prepared = publish_drafts(together, drafts, publisher, actor="anna", include_existing=["welcome"])
    assert (version, [change.verb for change in prepared.changes]) == (2, ["added", "changed"])
    assert drafts.every() == ()
    assert welcome(publisher) == journey
    assert publisher.published[1][1:] == ("anna", ("welcome",))
    again = saved(journey, drafts, publisher)
    assert publish_drafts([again], drafts, publisher, actor="anna")[0] == 2  # it says what is in force: nothing new
    assert (len(publisher.published), drafts.every()) == (2, ())


def test_nobody_publishes_over_what_came_meanwhile(publisher: MemoryPublisher, drafts: MemoryDrafts) -> None:
    document = welcome(publisher)
    draft = saved({**document, "priority": 4}, drafts, publisher)
    others = [one.document for one in good() if one.key != "journey:welcome"]
    theirs = json.dumps([*others, {**document, "priority": 7}]).encode()
    publisher.publish(canonical_json(definitions_from_json(theirs)), actor="ben")
    assert prepare_publishing([draft], publisher).overtaken == ("journey:welcome",)
    with pytest.raises(PublishedMeanwhileError):
        publish_drafts([draft], drafts, publisher, actor="anna")
    compared = saved({**document, "priority": 4}, drafts, publisher, revision=1, rebase=True)
    assert publish_drafts([compared], drafts, publisher, actor="anna")[0] == 3


@pytest.mark.parametrize(
    "document",
    [{}, {"kind": "mystery", "id": "a"}, {"kind": "journey"}, {"kind": "journey", "id": "Welcome!"},
     {"kind": "journey", "id": "long", "name": {"de": "x" * 1_000_001}}],
)  # fmt: skip
def test_what_is_no_draft_is_refused(
    document: dict[str, Any], publisher: MemoryPublisher, drafts: MemoryDrafts
) -> None:
    with pytest.raises(BadDraftError):
        saved(document, drafts, publisher)
    assert drafts.every() == ()
