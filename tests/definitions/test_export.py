"""What was defined comes back equal from its export, whatever it holds."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.export import ForeignFilesError, document_text, export_directory
from kundenkreis.definitions.load import load_directory
from kundenkreis.definitions.yaml_source import read_source
from tests.definitions.samples import accepted, good, good_with

pytestmark = pytest.mark.pure

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\n\n\t :#-'\"{}[]|>&*!%@`~\x85\u2028")
) | st.sampled_from(
    ["no", "on", "yes", "true", "null", "~", "10:00", "01067", "089", "1e3", "0x1f", "0o17", ".5", "1_000", "2026-12-01", "=", "<<", "- a", "", " a", "a ",
     "a\n", "\na", "a\n\n", "  a\nb", "a \nb", "---", "...\n", "\ufeff", "\xa0", "\u3000a"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_every_value_comes_back_equal(value: Any) -> None:
    definition = Definition("segment", "any", {"name": {"de": "A"}, "when": {"all": []}, "extra": value}, None)
    (source,), mistakes = read_source(document_text(definition).encode(), "a.yaml")
    assert mistakes == []
    assert repr(source.value["extra"]) == repr(_sorted(value))


def _sorted(value: Any) -> Any:
    """Free mappings are written in the order of their keys."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def test_exported_directories_load_back_equal(tmp_path: Path) -> None:
    definitions = good()
    exported = export_directory(definitions, tmp_path)
    assert exported.written == (
        "brands/default.yaml",
        "traits/web_orders.yaml",
        "segments/everything.yaml",
        "segments/regulars.yaml",
        "scores/activity.yaml",
        "phases.yaml",
        "situations/complaint.yaml",
        "contents/welcome_hello.yaml",
        "journeys/birthday.yaml",
        "journeys/thursday_letter.yaml",
        "journeys/welcome.yaml",
        "policy.yaml",
    )
    assert accepted(load_directory(tmp_path)) == definitions


def test_a_second_export_changes_nothing(tmp_path: Path) -> None:
    export_directory(good(), tmp_path)
    again = export_directory(accepted(load_directory(tmp_path)), tmp_path)
    assert (again.written, len(again.unchanged), again.removed) == ((), 12, ())


def test_files_of_removed_definitions_are_removed(tmp_path: Path) -> None:
    more = accepted(good_with("kind: segment\nid: late\nname: {de: Spät}\nwhen: {all: []}\n"))
    export_directory(more, tmp_path)
    assert export_directory(good(), tmp_path).removed == ("segments/late.yaml",)
    assert accepted(load_directory(tmp_path)) == good()


def test_files_that_no_export_wrote_are_left_alone_and_named(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("kind: segment\nid: late\nname: {de: Spät}\nwhen: {all: []}\n")
    with pytest.raises(ForeignFilesError) as refused:
        export_directory(good(), tmp_path)
    assert refused.value.data == {"files": ["own.yaml"]}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["own.yaml"]


def test_long_texts_are_blocks_and_keys_follow_the_reference() -> None:
    content = good().of("content")["welcome_hello"]
    assert document_text(content).splitlines()[:16] == [
        "kind: content",
        "id: welcome_hello",
        "name: {de: Begrüßung, en: Greeting}",
        "message_class: marketing",
        "value: {de: Was Sie von uns bekommen und wie oft, en: What you get from us and how often}",
        "call_to_action: read",
        "variants:",
        "  de:",
        "    subject: 'Willkommen, {{ customer.first_name | default: ''guten Tag'' }}'",
        "    preheader: Schön, dass Sie da sind",
        "    html: |",
        "      <p>Willkommen bei {{ brand.name }}.</p>",
        "      <p>{{ brand.imprint }}</p>",
        '      <p><a href="{{ unsubscribe_url }}">Abmelden</a></p>',
        "    text: |",
        "      Willkommen bei {{ brand.name }}.",
    ]


def test_an_empty_rulebook_exports_nothing(tmp_path: Path) -> None:
    assert export_directory(Definitions(), tmp_path).written == ()
