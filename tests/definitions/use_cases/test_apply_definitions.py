"""Applying a directory: refused whole, shown before, published once."""

from pathlib import Path

import pytest

from kundenkreis.definitions.canonical import canonical_json, version_hash
from kundenkreis.definitions.errors import DefinitionsRefusedError
from kundenkreis.definitions.impact import Impact, JourneyImpact, MembershipImpact
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.testing import NOBODY, MemoryPublisher
from kundenkreis.definitions.use_cases.apply_definitions import (
    UnknownJourneyError,
    applied_in_words,
    apply_definitions,
    impact_in_words,
)
from kundenkreis.definitions.use_cases.export_definitions import export_definitions
from tests.definitions.samples import HERE, good

pytestmark = pytest.mark.pure

GOOD = HERE / "good"
IMPACT = Impact(
    customers=12,
    memberships=(MembershipImpact("phase", "loyalty", 3, 1), MembershipImpact("segment", "regulars", 2, 0)),
    journeys=(JourneyImpact("welcome", 4, 0), JourneyImpact("birthday", 0, 5)),
)


def test_a_directory_is_published_whole_and_only_once() -> None:
    publisher = MemoryPublisher(IMPACT)
    first = apply_definitions(GOOD, publisher, actor="anna", include_existing=["welcome"])
    assert (first.version, first.position, len(first.changes), first.impact) == (1, 1000, 12, IMPACT)
    assert first.hash == version_hash(canonical_json(good()))
    assert publisher.published == [(canonical_json(good()), "anna", ("welcome",))]
    second = apply_definitions(GOOD, publisher, actor="anna")
    assert (second.version, second.changes, second.impact) == (0, (), None)
    assert len(publisher.published) == 1


def test_a_dry_run_publishes_nothing() -> None:
    publisher = MemoryPublisher()
    shown = apply_definitions(GOOD, publisher, actor="anna", dry_run=True)
    assert (shown.version, len(shown.changes), shown.impact, publisher.published) == (0, 12, NOBODY, [])


def test_mistakes_are_all_named_and_nothing_is_published(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "kind: segmant\n---\nkind: segment\nid: a\nname: {de: A}\nwhen: {segment: {id: b}}\n"
    )
    publisher = MemoryPublisher()
    with pytest.raises(DefinitionsRefusedError) as refused:
        apply_definitions(tmp_path, publisher, actor="anna")
    assert str(refused.value) == (
        "The definitions hold 1 mistake; nothing was published.\n"
        f"{tmp_path}/a.yaml:1:7: the text `segmant` is not a kind of definition\n"
        "    Did you mean `segment`?"
    )
    assert [each.code for each in refused.value.mistakes] == ["unknown_kind"]
    assert publisher.published == []


def test_journeys_to_start_must_exist() -> None:
    with pytest.raises(UnknownJourneyError, match=r"no journey `welcom` to start\. Did you mean `welcome`\?"):
        apply_definitions(GOOD, MemoryPublisher(), actor="anna", include_existing=["welcom"])


def test_export_of_what_was_applied_applies_without_change(tmp_path: Path) -> None:
    publisher: Publisher = MemoryPublisher()
    apply_definitions(GOOD, publisher, actor="anna")
    assert len(export_definitions(tmp_path, publisher).written) == 12
    assert apply_definitions(tmp_path, publisher, actor="anna").changes == ()


def test_impact_in_words() -> None:
    assert impact_in_words(IMPACT, "de") == [
        "Geprüfte Personen: 12.",
        "Phase loyalty: hinein 3, hinaus 1",
        "Segment regulars: hinein 2, hinaus 0",
        "Strecke welcome: beginnt sofort für 4",
        "Strecke birthday: unterwegs in einer früheren Fassung, die bis zum Ende gilt: 5",
    ]
    assert impact_in_words(NOBODY, "en") == [
        "People asked about: 0.",
        "Nothing changes for anybody at the moment of publishing.",
    ]


def test_the_answer_holds_changes_and_impact() -> None:
    shown = apply_definitions(GOOD, MemoryPublisher(IMPACT), actor="anna", dry_run=True)
    lines = applied_in_words(shown, "en")
    assert (lines[0], lines[12], lines[13]) == ("new: brand default (Kreisladen)", "", "People asked about: 12.")
