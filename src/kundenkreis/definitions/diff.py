"""What a new rulebook changes against the one in force, as data and in words."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.kinds import BY_KIND

Verb = Literal["added", "changed", "removed"]
SpokenLanguage = Literal["de", "en"]

_LONGEST_VALUE = 60
"""Longer texts are shortened: the files themselves are there for the rest."""


class Detail(msgspec.Struct, frozen=True, gc=False):
    """One value that changed inside a definition."""

    path: str
    """Readable: steps[pause].wait.days; list entries by id where they have one, else by position from 1."""
    verb: Verb
    before: Any = None
    after: Any = None


class Change(msgspec.Struct, frozen=True, gc=False):
    """One definition that was added, changed or removed."""

    kind: str
    id: str
    verb: Verb
    names: dict[str, str]
    details: tuple[Detail, ...] = ()


def compare(before: Definitions, after: Definitions) -> tuple[Change, ...]:
    """Everything that differs, in the order of the kinds, then by id; () if nothing does."""
    changes = []
    for kind in BY_KIND:
        old, new = before.of(kind), after.of(kind)
        for name in sorted({*old, *new}):
            if name not in old:
                changes.append(Change(kind, name, "added", _names(new[name])))
            elif name not in new:
                changes.append(Change(kind, name, "removed", _names(old[name])))
            elif details := tuple(_details(old[name].body, new[name].body, "")):
                changes.append(Change(kind, name, "changed", _names(new[name]), details))
    return tuple(changes)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Detail, ...]:
    """Everything that differs between two documents, value by value."""
    return tuple(_details(dict(before), dict(after), ""))


def _names(definition: Definition) -> dict[str, str]:
    names = definition.body.get("name", {})
    return names if isinstance(names, dict) else {"de": str(names), "en": str(names)}


def _details(old: Any, new: Any, path: str) -> Iterator[Detail]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _entry(old, new, key, f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif not _same(old, new):
        yield Detail(path, "changed", old, new)


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _entry(old: dict[Any, Any], new: dict[Any, Any], key: Any, path: str) -> Iterator[Detail]:
    if key not in old:
        yield Detail(path, "added", None, new[key])
    elif key not in new:
        yield Detail(path, "removed", old[key], None)
    else:
        yield from _details(old[key], new[key], path)


def _lists(old: list[Any], new: list[Any], path: str) -> Iterator[Detail]:
    by_id = all(isinstance(each, dict) and "id" in each for each in [*old, *new])
    left = {each["id"] if by_id else number: each for number, each in enumerate(old, 1)}
    right = {each["id"] if by_id else number: each for number, each in enumerate(new, 1)}
    for key in [*left, *(key for key in right if key not in left)]:
        yield from _entry(left, right, key, f"{path}[{key}]")
    if [key for key in left if key in right] != [key for key in right if key in left]:
        yield Detail(path, "changed", list(left), list(right))


_VERBS: dict[SpokenLanguage, dict[Verb, str]] = {
    "de": {"added": "neu", "changed": "geändert", "removed": "entfernt"},
    "en": {"added": "new", "changed": "changed", "removed": "removed"},
}
_NOTHING: dict[SpokenLanguage, str] = {"de": "Nichts ändert sich.", "en": "Nothing changes."}


def in_words(changes: tuple[Change, ...], language: SpokenLanguage) -> list[str]:
    """One line per change, indented lines for what changed inside."""
    if not changes:
        return [_NOTHING[language]]
    lines = []
    for change in changes:
        lines.append(f"{_VERBS[language][change.verb]}: {_subject(change, language)}")
        lines += [f"  {_line(detail, language)}" for detail in change.details]
    return lines


def _subject(change: Change, language: SpokenLanguage) -> str:
    kind = BY_KIND[change.kind]
    word = kind.word_de if language == "de" else kind.word_en
    if not change.id:
        return word
    name = change.names.get(language, "")
    return f"{word} {change.id} ({name})" if name else f"{word} {change.id}"


def _line(detail: Detail, language: SpokenLanguage) -> str:
    if detail.verb == "changed":
        return f"{detail.path}: {_value(detail.before)} -> {_value(detail.after)}"
    return f"{detail.path} {_VERBS[language][detail.verb]}: {_value(detail.after if detail.verb == 'added' else detail.before)}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
