"""YAML as data that knows where it stands: plain values, and file, line and column for every one of them.

Built on the parser's events, not on its objects, so nothing in a file can construct anything, recurse or expand:

- documents, mappings, lists, texts, whole and decimal numbers, true, false, null; nothing else exists here;
- plain words follow the core schema of YAML 1.2.2 (chapter 10.3): only `true` and `false` are booleans, so `no`, `on`, `off`,
  `yes`, `10:00` and `2026-12-01` are texts, as they look;
- anchors, aliases, tags and merge keys are refused: a file reads the same in every editor, and a "billion laughs" cannot be written;
- keys are texts and stand once; depth, size and number of values are bounded before anything is built.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from kundenkreis.definitions.errors import DefinitionError, Path, Place
from kundenkreis.definitions.source import Source

LARGEST_FILE_BYTES = 1_000_000
"""Ten times the largest content anybody writes by hand; Gmail clips a message at 102 KB."""
DEEPEST = 64
"""Levels of nesting. Real conditions need about 10; everything that walks definitions may rely on this bound."""
MOST_VALUES = 100_000
LARGEST_INTEGER = 2**53 - 1
"""Beyond it JSON readers lose digits; longer numbers are texts (card numbers, telephone numbers)."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it, else the pure parser: slower, the same answers."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NUMBER_BEFORE = re.compile(r":\s*([0-9][0-9.]*),$")
"""A number and a comma right before what reads as a key in braces."""
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters and half characters: neither YAML nor PostgreSQL text holds them."""

_ADVICE: tuple[tuple[str, str, str], ...] = (
    (
        "cannot start any token",
        "a character stands here that cannot begin a value",
        "Indent with spaces, never with tabs; put texts that begin with >, |, @, `, % or a tab in quotes",
    ),
    (
        "block scalar",
        "a text that begins with > or | stands here without quotes",
        'Put it in quotes, such as ">="',
    ),
    (
        "mapping values are not allowed",
        "a `key: value` is not possible here",
        "Check the indentation of this line and the one before; a text that holds `: ` needs quotes",
    ),
    (
        "expected key",
        "the indentation does not fit the lines above",
        "Give all keys of one mapping the same indentation",
    ),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "Give all keys of one mapping the same indentation",
    ),
    (
        "expected '-' indicator",
        "the indentation does not fit the list above",
        "Give all `-` of one list the same indentation",
    ),
    ("expected ':'", "a key without a `:` behind it", "Write `key: value`, with a blank behind the `:`; texts over several lines need `|` or quotes"),
    ("',' or '}'", "the mapping in braces that begins here is not closed", "Separate its entries by commas and close it with }"),
    ("',' or ']'", "the list in brackets that begins here is not closed", "Separate its entries by commas and close it with ]"),
    ("while scanning a quoted scalar", "the text in quotes that begins here is not closed", "Close it with the quote it began with"),
    ("unexpected end of stream", "the text in quotes that begins here is not closed", "Close it with the quote it began with"),
    ("node content", "a value is missing here", "Write a value, or close the bracket or brace that is still open"),
    ("escape", "an escape in a text in double quotes is not known", "Write \\\\ for a backslash, or use single quotes"),
    ("expected <document start>", "text stands after the end of a document", "Begin a new document with --- or mend the indentation"),
)  # fmt: skip


_BEGINS_THERE = re.compile("not closed|without a `:`|without quotes")
"""Mistakes that stand where the parser's context begins: it notices them further on."""


class _StopError(Exception):
    """Reading cannot go on."""

    def __init__(self, error: DefinitionError) -> None:
        super().__init__(error.what)
        self.error = error


def read_source(data: bytes, file: str) -> tuple[list[Source], list[DefinitionError]]:
    """The documents of a file, and what is wrong with it.

    After a mistake of grammar the rest of the file cannot be understood: the documents before it are still returned.
    """
    try:
        text = _decode(data, file)
    except _StopError as stop:
        return [], [stop.error]
    sources: list[Source] = []
    errors: list[DefinitionError] = []
    reader = _Reader(text, file, errors)
    try:
        sources.extend(reader.documents())
    except _StopError as stop:
        errors.append(stop.error)
    except yaml.YAMLError as error:
        errors.append(_grammar(error, text, file))
    return sources, errors


def read_as_text(word: str) -> bool:
    """Whether a plain word without quotes is read as a text."""
    return (
        not _looks_typed(word)
        and _LEADING_ZERO.fullmatch(word) is None
        and _NOT_A_NUMBER.fullmatch(word) is None
        and word != "<<"
    )


def _looks_typed(word: str) -> bool:
    return (
        word in _NULL
        or word in _TRUE
        or word in _FALSE
        or _DECIMAL.fullmatch(word) is not None
        or _BASED.fullmatch(word) is not None
    )


def _decode(data: bytes, file: str) -> str:
    if len(data) > LARGEST_FILE_BYTES:
        raise _StopError(
            DefinitionError(
                place=Place(file),
                code="file_too_large",
                what=f"the file is larger than the {LARGEST_FILE_BYTES:,} bytes that a file may have",
                remedy="Split it: one file per definition is how `kreis export` writes them",
            )
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        raise _StopError(
            DefinitionError(
                place=_place_at(before, len(before), file),
                code="not_utf8",
                what=f"the byte 0x{data[error.start]:02x} is not UTF-8",
                remedy="Save the file as UTF-8; it looks like Windows-1252 or UTF-16",
            )
        ) from None
    if found := _FORBIDDEN.search(text):
        raise _StopError(
            DefinitionError(
                place=_place_at(text, found.start(), file),
                code="control_character",
                what=f"the control character U+{ord(found.group()):04X} stands in the file",
                remedy="Delete it",
            )
        )
    return text


def _place_at(text: str, index: int, file: str) -> Place:
    line = text.count("\n", 0, index) + 1
    return Place(file, line, index - (text.rfind("\n", 0, index) + 1) + 1)


def _grammar(error: yaml.YAMLError, text: str, file: str) -> DefinitionError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
    said = f"{getattr(error, 'context', '') or ''} {getattr(error, 'problem', '') or error}"
    lines = text.split("\n")
    if mark is not None and mark.line < len(lines) and "\t" in _indentation(lines[mark.line]):
        return DefinitionError(
            place=Place(file, mark.line + 1, lines[mark.line].index("\t") + 1),
            code="tab",
            what="the line is indented with a tab",
            remedy="Indent with spaces, two for each level",
        )
    for needle, what, remedy in _ADVICE:
        if needle in said:
            began = getattr(error, "context_mark", None)
            if _BEGINS_THERE.search(what) and began is not None:
                place = Place(file, began.line + 1, began.column + 1)
            return DefinitionError(place=place, code="yaml", what=what, remedy=remedy)
    return DefinitionError(
        place=place, code="yaml", what=f"this is not YAML: {said.strip()}", remedy="Compare with the lines above"
    )


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


class _Reader:
    """Turns the events of one file into documents; keeps the open mappings and lists on its own stack, never Python's."""

    def __init__(self, text: str, file: str, errors: list[DefinitionError]) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._file = file
        self._errors = errors
        self._values = 0
        self._begin()

    def _begin(self) -> None:
        self._places: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._literal: dict[Path, int] = {}
        self._root: Any = None
        self._stack: list[tuple[Any, Path]] = []
        self._key: str | None = None
        """The key whose value comes next, in the innermost mapping."""
        self._waiting: list[str | None] = []
        """Keys of the mappings around it."""

    def documents(self) -> Iterator[Source]:
        """Every document of the file that holds something."""
        for event in yaml.parse(self._text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                self._begin()
            elif isinstance(event, yaml.DocumentEndEvent):
                if self._root is not None:
                    yield Source(self._root, self._places, self._keys, self._literal)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open({} if isinstance(event, yaml.MappingStartEvent) else [], event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._stack.pop()
                self._key = self._waiting.pop()
            elif isinstance(event, yaml.AliasEvent):
                self._refuse(
                    event,
                    "alias",
                    f"`*{event.anchor}` repeats an anchor",
                    "Write the value out; anchors and aliases are not used here",
                )

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _refuse(self, event: Any, code: str, what: str, remedy: str) -> None:
        raise _StopError(DefinitionError(place=self._place(event), code=code, what=what, remedy=remedy))

    def _report(self, event: Any, code: str, what: str, remedy: str) -> None:
        self._errors.append(DefinitionError(place=self._place(event), code=code, what=what, remedy=remedy))

    def _guard(self, event: Any) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse(
                event,
                "too_many_values",
                f"the file holds more than {MOST_VALUES:,} values",
                "Split it into several files",
            )
        if event.anchor is not None:
            self._refuse(
                event,
                "anchor",
                f"`&{event.anchor}` is an anchor",
                "Write the value out where it is needed; anchors and aliases are not used here",
            )
        if event.tag is not None:
            self._refuse(
                event,
                "tag",
                f"`{_short_tag(event.tag)}` is a tag",
                'Put it in quotes: "!="'
                if event.tag == "!="
                else "Delete it; types follow from how a value is written (quotes make a text)",
            )

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1][0], dict) and self._key is None

    def _open(self, container: Any, event: Any) -> None:
        self._guard(event)
        if self._expects_key():
            self._refuse(
                event,
                "key_not_text",
                "a key must be a text, not a mapping or a list",
                "Put values that begin with { or [ in quotes, or check the indentation",
            )
        if len(self._stack) >= DEEPEST:
            self._refuse(
                event,
                "too_deep",
                f"values are nested deeper than {DEEPEST} levels",
                "Give the inner part a definition of its own, such as a segment, and name that",
            )
        path = self._put(container, event)
        self._stack.append((container, path))
        self._waiting.append(None if isinstance(container, dict) else self._key)
        self._waiting[-1] = None
        self._key = None

    def _scalar(self, event: Any) -> None:
        self._guard(event)
        if self._expects_key():
            self._take_key(event)
        else:
            value = self._resolve(event)
            path = self._put(value, event)
            if event.style == "|":
                self._literal[path] = self._block_indentation(event)

    def _take_key(self, event: Any) -> None:
        container, path = self._stack[-1]
        self._check_key(event)
        key = (
            event.value if event.style or not _looks_typed(event.value) else None
        )  # libyaml says "" for plain, the pure parser None
        if key is None:
            self._report(
                event, "key_not_text", f"the key `{event.value}` is not a text", f'Put it in quotes: "{event.value}"'
            )
            key = event.value
        if not event.style and key == "<<":
            self._refuse(
                event, "merge_key", "`<<` merges another mapping", "Write the keys out; merging is not used here"
            )
        if found := _FORBIDDEN.search(key):
            self._refuse(
                event,
                "control_character",
                f"the key holds the control character U+{ord(found.group()):04X}",
                "Delete it",
            )
        place = self._place(event)
        if key in container:
            first = self._keys[(*path, key)]
            self._report(
                event,
                "duplicate_key",
                f"the key `{key}` stands here a second time",
                f"Delete one; the first is at {first}",
            )
        else:
            self._keys[(*path, key)] = place
        self._key = key

    def _check_key(self, event: Any) -> None:
        """What reads as a key and was meant as something else."""
        if event.style:
            return
        if event.value[:1].isspace():
            self._refuse(
                event,
                "tab",
                f"the line is indented with the blank U+{ord(event.value[0]):04X}",
                "Indent with plain spaces, two for each level; such blanks come from texts copied out of other programs",
            )
        before = self._lines[event.start_mark.line][: event.start_mark.column]
        if event.value.isdigit() and (number := _NUMBER_BEFORE.search(before)):
            written = f"{number.group(1)},{event.value}"
            self._refuse(
                event,
                "decimal_comma",
                f"`{written}` is no number",
                f"Write decimals with a point and nothing between thousands: {number.group(1).replace('.', '')}.{event.value}",
            )

    def _put(self, value: Any, event: Any) -> Path:
        """Store a value where the file puts it; a repeated key keeps its first value."""
        path: Path = ()
        if not self._stack:
            self._root = value
        else:
            container, around = self._stack[-1]
            if isinstance(container, dict):
                assert self._key is not None  # a mapping's events alternate between key and value
                path = (*around, self._key)
                container.setdefault(self._key, value)
                self._key = None
            else:
                path = (*around, len(container))
                container.append(value)
        self._places.setdefault(path, self._place(event))
        return path

    def _resolve(self, event: Any) -> Any:
        text = str(event.value)
        if event.style in (">", "|") and not text:
            what = f"the text that begins with {event.style} here is empty"
            self._refuse(
                event,
                "yaml",
                what,
                f'Put it in quotes if you mean the sign: "{event.style}"; otherwise indent the text below it',
            )
        if event.style:
            if found := _FORBIDDEN.search(text):
                self._refuse(
                    event,
                    "control_character",
                    f"the text holds the control character U+{ord(found.group()):04X}",
                    "Delete it",
                )
            return text
        if text in _NULL:
            return None
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        return self._number(event, text)

    def _number(self, event: Any, text: str) -> Any:
        if _LEADING_ZERO.fullmatch(text):
            self._report(
                event,
                "leading_zero",
                f"`{text}` is a number that begins with 0",
                f'A postcode or telephone number is a text: "{text}"; otherwise leave out the zeros',
            )
            return text
        if _NOT_A_NUMBER.fullmatch(text):
            self._report(
                event, "not_finite", f"`{text}` is not a finite number", "Write a number, or put the text in quotes"
            )
            return text
        if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
            number = int(text, 0) if len(text) < 40 else LARGEST_INTEGER + 1
            if abs(number) > LARGEST_INTEGER:
                self._report(
                    event,
                    "number_too_large",
                    f"`{text[:40]}` is larger than {LARGEST_INTEGER}",
                    "Put it in quotes if it is a number by name only, such as a card number",
                )
            return number
        if _DECIMAL.fullmatch(text):
            value = float(text) if len(text) < 40 else math.inf
            if not math.isfinite(value):
                self._report(
                    event,
                    "number_too_large",
                    f"`{text[:40]}` is too large or too long for a number",
                    "Write a smaller number, or put it in quotes",
                )
                return text
            return value
        return text

    def _block_indentation(self, event: Any) -> int:
        for line in self._lines[event.start_mark.line + 1 : event.end_mark.line + 1]:
            if line.strip():
                return len(_indentation(line))
        return 0


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
