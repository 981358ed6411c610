"""What the checks of the cores say reaches nobody in English only: every sentence they write is known to the pages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from kundenkreis.content.core.lint import _PROMOTION
from kundenkreis.definitions.compile_checks import JOURNEY_WORDS
from kundenkreis.definitions.drafts import DraftMistake
from kundenkreis.site.core_mistake_words import _SIGNS, _sentences, core_word
from kundenkreis.site.mistake_words import _known, mistake_word, mistakes_at
from tests.site.conftest import Site

pytestmark = pytest.mark.db

SOURCE = Path(__file__).parents[2] / "src" / "kundenkreis"
_CALLS = {"DefinitionError": ("segments",), "Problem": ("content/core",), "PolicyError": ("channels/core",)}


def _written(node: ast.expr) -> str:
    """The text of a literal, holes filled with x."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(part) if isinstance(part, ast.Constant) else "x" for part in node.values)
    if isinstance(node, ast.BinOp):
        return _written(node.left) + _written(node.right)
    return ""


def _said() -> Iterator[str]:
    """Every sentence with which a core refuses something: what is wrong, and what to do."""
    for name, folders in _CALLS.items():
        for folder in folders:
            for file in sorted((SOURCE / folder).rglob("*.py")):
                yield from _said_in(ast.parse(file.read_text(encoding="utf-8")), name)
    for what, _pattern in _PROMOTION:
        yield what


def _said_in(tree: ast.Module, name: str) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    named = {
        node.lineno: _written(node.value)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "what"
    }
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            texts = [*node.args, *(each.value for each in node.keywords if each.arg == "remedy")]
            said = [_written(each) for each in texts]
            if any(isinstance(each, ast.Name) and each.id == "what" for each in texts):
                said.append(
                    named[max(line for line in named if line <= node.lineno)]
                )  # what was put together just before
            joined = ". ".join(text for text in said if text)
            if joined.replace("x", "").strip("() "):
                yield joined


def test_every_sentence_of_the_cores_is_known(site: Site) -> None:
    found = list(_said())
    assert len(found) > 80
    assert [said for said in found if not core_word(said)] == []


def test_signs_and_sentences_go_together(site: Site) -> None:
    assert len(_SIGNS) == len(_sentences())


def test_every_code_of_a_journey_is_known(site: Site) -> None:
    assert sorted(set(JOURNEY_WORDS) - set(_known())) == []


def _mistake(code: str, what: str = "it is so", remedy: str = "Do otherwise") -> DraftMistake:
    return DraftMistake(key="segment:a", path=("when",), line=0, code=code, what=what, remedy=remedy)


def test_words_are_the_viewers(site: Site) -> None:
    with translation.override("de"):
        told = mistake_word(_mistake("definition", "`value` does not fit", "`=` compares with a number, not with 'x'"))
        assert told == "Schreiben Sie hier eine Zahl."
        assert mistake_word(_mistake("unknown_segment")) == "Dieses Segment gibt es nicht."
        assert (
            mistake_word(_mistake("of_a_plug_in", "the moon is wrong", "Wait a week"))
            == "the moon is wrong. Wait a week."
        )


def test_what_is_empty_is_still_missing(site: Site) -> None:
    document = {"when": {"segment": {"id": ""}}}
    mistake = DraftMistake(
        key="segment:a", path=("when", "segment", "id"), line=0, code="unknown_segment", what="", remedy=""
    )
    assert mistakes_at([mistake], document) == {mistake.path: "This is still missing."}
