"""What people read comes from the catalogue, and none of the words that only the code uses."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from kundenkreis.site import catalogues

pytestmark = pytest.mark.pure

_LETTERS = re.compile(r"[^\W\d_]{2}")
_READ_ATTRIBUTES = ("aria-label", "title", "placeholder", "alt")
_CODE_ELEMENTS = ("code", "kbd", "pre", "script", "style")
_LANGUAGE_NAMES = ("Deutsch", "English", "DE", "EN")
"""A language is called by its own name, whatever the page's."""
_TEXT_ARGUMENTS = "title|sub|text|label|caption|definition|note|help|error|placeholder|aside"
_TEXT_FIRST = "page_head|stat|term|badge|crumb|tab|chip|table|column|text_field|select_field|switch"
_LITERAL_ARGUMENT = re.compile(
    rf"""\b(?:{_TEXT_ARGUMENTS})="([^"]*)"|^\s*(?:{_TEXT_FIRST})\s+"([^"]*)"|\b(?:{_TEXT_ARGUMENTS})='([^']*)'"""
)
_TAG = re.compile(r"\{%(.*?)%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)

_INTERNAL = re.compile(
    r"\b(fold(s|ed|ing)?|unfolded|advanc(e|es|ed|ing)|effects?|outbox|partitions?|wake_at|wake-ups?|inbox|projections?|tombstones?|"
    r"epochs?|leases?|poison(s|ed)?|rulebooks?)\b",
    re.IGNORECASE,
)
_ADMIN_ONLY = re.compile(r"\brulebooks?\b", re.IGNORECASE)
_ADMIN_PLACES = ("templates/site/status.html", "templates/settings/", "pages/settings/")


class _Reader(HTMLParser):
    """Collects what a person would read of a template without its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _CODE_ELEMENTS:
            self._inside.append(tag)
        self.found += [value for name, value in attrs if name in _READ_ATTRIBUTES and value and _is_text(value)]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside and _is_text(data):
            self.found.append(data.strip())


def _is_text(value: str) -> bool:
    return bool(_LETTERS.search(value)) and value.strip() not in _LANGUAGE_NAMES


def hard_coded_in_template(source: str) -> list[str]:
    """Texts of a template that are not translated."""
    source = re.sub(r"\{% (comment|block layout) %\}.*?\{% end(comment|block) %\}", "", source, flags=re.DOTALL)
    found = []
    for tag in _TAG.findall(source):
        for groups in _LITERAL_ARGUMENT.findall(tag):
            found += [text for text in groups if _is_text(text)]
    reader = _Reader()
    reader.feed(_TAG.sub(" ", source))
    return found + reader.found


def hard_coded_in_island(source: str) -> list[str]:
    """Texts of an island's markup that do not come through t()."""
    source = re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)
    between = re.findall(r">\s*([^<>{}()=;]+?)\s*</?[a-zA-Z]", source)
    attributes = re.findall(r"\b(?:aria-label|title|placeholder|alt|label)=[\"']([^\"']*)[\"']", source)
    return [text for text in (*between, *attributes) if _is_text(text)]


def test_hard_coded_texts_are_noticed() -> None:
    html = '<p title="{{ x }} days">{% translate "Fine" %} Bad<code>fine</code></p>{% card title="Bad too" %}{% badge "bad" %}{% card title=_("Fine") %}'
    assert hard_coded_in_template(html) == ["Bad too", "bad", "{{ x }} days".replace("{{ x }}", " "), "Bad"]
    markup = '<b aria-label="Bad">{t("Fine")}</b>; <i className="fine">Bad too</i>; // <p>fine</p>\nconst a: Array<string> = [];'
    assert hard_coded_in_island(markup) == ["Bad too", "Bad"]


def test_templates_hold_no_text_of_their_own() -> None:
    found = [
        (str(path.relative_to(catalogues.SITE)), text)
        for path in sorted((catalogues.SITE / "templates").rglob("*.html"))
        for text in hard_coded_in_template(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_islands_hold_no_text_of_their_own() -> None:
    found = [
        (str(path.relative_to(catalogues.ISLANDS)), text)
        for path in sorted(catalogues.ISLANDS.rglob("*.tsx"))
        for text in hard_coded_in_island(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def _texts(language: str) -> Iterator[tuple[str, list[str]]]:
    """Every text, English and translated, with the places it stands in."""
    for message in catalogues.read_catalogue(language):
        if message.id:
            places = [place for place, _line in message.locations]
            for texts in (message.id, message.string):
                yield from ((text, places) for text in ([texts] if isinstance(texts, str) else texts))


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_no_word_of_the_code_reaches_a_page(language: str) -> None:
    found = []
    for text, places in _texts(language):
        in_admin = all(place.startswith(_ADMIN_PLACES) for place in places)
        spoken = _ADMIN_ONLY.sub("", text) if in_admin else text
        found += [(match.group(), text, places) for match in _INTERNAL.finditer(spoken)]
    assert found == []
