"""A configuration read back from a posted form (typed_fields.py).

What cannot be read as its type is kept as typed, so that the checks name the mistake and nothing that was written is lost.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import inspect

from kundenkreis.kernel.references import HOLDS
from kundenkreis.segments.core.operators import BOOLEAN_OPS, NEGATED, PRESENCE_OPS, TEXT_OPS
from kundenkreis.site.forms.typed_fields import (
    CONDITION,
    CONDITIONS,
    NUMBER,
    bare_type,
    number_beside,
    plain_default,
    row_type,
)

Data = Mapping[str, str]
"""A form as posted: name -> value."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})


class ConditionReader(Protocol):
    """How conditions inside a configuration are read (condition_form.py)."""

    def read(self, data: Data, name: str, *, held: str = CONDITION) -> dict[str, Any]:
        """The condition whose root is called `name`; {} where nothing is chosen. `held`: as in typed_fields.Conditions."""
        ...


def read_config(
    config: Any, data: Data, prefix: str, *, conditions: ConditionReader, only: Sequence[str] | None = None
) -> Any:
    """The configuration as plain data, from a posted form. Empty fields are left out unless they are needed.

    Args:
        config: a msgspec Struct type, or a list of one.
        only: these fields of the Struct; None: all of them.
    """
    kind: Any = inspect.type_info(config)
    reader = _Reader(data, conditions)
    if isinstance(kind, inspect.StructType):
        return reader.struct(kind, prefix, only)
    return reader.value(kind, prefix, is_needed=True)


class _Reader:
    def __init__(self, data: Data, conditions: ConditionReader) -> None:
        self.data, self.conditions = data, conditions

    def struct(self, kind: Any, prefix: str, only: Sequence[str] | None = None) -> dict[str, Any]:
        """The fields of a Struct."""
        found: dict[str, Any] = {}
        for each in kind.fields:
            key = each.encode_name
            if only is not None and key not in only:
                continue
            value = self.value(each.type, f"{prefix}.{key}", is_needed=each.required)
            if each.required or (value is not None and value != plain_default(each)):
                found[key] = value
        operator = found.get("op")
        if isinstance(operator, str) and "value" in found:
            value = _value_of(operator, self.data.get(f"{prefix}.value", "").strip())
            if value is None:
                del found["value"]
            else:
                found["value"] = value
        return found

    def value(self, kind: inspect.Type, name: str, *, is_needed: bool) -> Any:
        """One value; None for nothing."""
        bare, marks = bare_type(kind)
        if (held := marks.get(HOLDS)) in CONDITIONS:
            return self.conditions.read(self.data, name, held=held) or ({} if is_needed else None)
        if isinstance(bare, inspect.StructType):
            read = self.struct(bare, name)
            # A group that nobody filled in is not there; that its parts are needed is said once it is.
            return read if is_needed or any(one not in _EMPTY for one in read.values()) else None
        if row := row_type(bare):
            rows = [self.struct(row, f"{name}.{number}") for number in row_numbers(self.data, name)]
            return rows or ([] if is_needed else None)
        if isinstance(bare, inspect.DictType) and isinstance(bare_type(bare.value_type)[0], inspect.StrType):
            return self._texts(name) or ({} if is_needed else None)
        if isinstance(bare, inspect.ListType):
            ticked = [each[len(name) + 1 :] for each in self.data if each.startswith(f"{name}:")]
            if ticked:
                return ticked  # in the order of the form, which is an order of preference
        return _read(kind, bare, self.data.get(name, "").strip(), is_needed=is_needed)

    def _texts(self, name: str) -> dict[str, str]:
        texts = {each[len(name) + 1 :]: text.strip() for each, text in self.data.items() if each.startswith(f"{name}.")}
        return {language: text for language, text in texts.items() if text}


def _read(kind: inspect.Type, bare: inspect.Type, text: str, *, is_needed: bool) -> Any:
    if isinstance(bare, inspect.BoolType):
        return bool(text)
    if not text:
        # What is needed stays in its place, so that the mistake is told at its field.
        return "" if is_needed and not isinstance(bare, inspect.AnyType) else None
    if isinstance(bare, inspect.ListType):
        words: list[Any] = words_of(text)
        if isinstance(bare_type(bare.item_type)[0], inspect.IntType | inspect.FloatType):
            words = [_number(word) for word in words]
        return words[0] if len(words) == 1 and _takes_one(kind) else words
    if isinstance(bare, inspect.IntType | inspect.FloatType) or number_beside(kind) is not None:
        return _number(text)
    if isinstance(bare, inspect.DictType):
        return _plain(text) if text.startswith("{") else _pairs(text)
    return _anything(text) if isinstance(bare, inspect.AnyType) else text


def _value_of(operator: str, text: str) -> Any:
    """What was typed beside an operator, as the type that this operator compares with; None where it takes no value."""
    positive = NEGATED.get(operator, operator)
    if positive in BOOLEAN_OPS | PRESENCE_OPS:
        return None
    if positive == "in":
        return words_of(text)
    if positive in TEXT_OPS:
        read = _plain(text) if text.startswith('"') else text
        return read if isinstance(read, str) else text
    if positive == "between":
        return [_number(part.strip()) for part in _BOUNDS.split(text) if part.strip()]
    return _anything(text)


_BOUNDS = re.compile(r";|,\s+|\s+(?:-|bis|to|und|and)\s+")
"""Between the two numbers of a span: "10; 20", "10 bis 20"; a comma without a space belongs to a number."""


def _takes_one(kind: inspect.Type) -> bool:
    """Whether a single word may stand without a list around it."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return isinstance(kind, inspect.UnionType) and any(
        isinstance(bare_type(each)[0], inspect.StrType) for each in kind.types
    )


def row_numbers(data: Data, name: str) -> list[int]:
    """Numbers of the rows that a form holds, ascending."""
    found = re.compile(rf"{re.escape(name)}\.(\d{{1,4}})\.")
    return sorted({int(match[1]) for each in data if (match := found.match(each))})


def words_of(text: str) -> list[str]:
    """Words between commas; quotes hold a comma, as in a line of CSV."""
    line = next(csv.reader([text], skipinitialspace=True), [])
    return [word.strip() for word in line if word.strip()]


def _number(text: str) -> Any:
    """A number with a point or a comma; otherwise the text as typed."""
    plain = text.replace(",", ".")
    if NUMBER.fullmatch(plain) is None:
        return text
    return float(plain) if "." in plain else int(plain)


def _pairs(text: str) -> Any:
    """ "AT: 14, CH: 16" as a mapping; the text as typed if a part is no pair."""
    parts = [part.partition(":") for part in re.split(r',(?=(?:[^"]*"[^"]*")*[^"]*$)', text) if part.strip()]
    if not all(colon and name.strip() for name, colon, _ in parts):
        return text
    return {name.strip(): _anything(value.strip()) for name, _, value in parts}


def _anything(text: str) -> Any:
    """Where any value may stand: a number, true or false, a list with commas, else a text; quotes make it a text."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"'):
        return _plain(text if "," not in text or (text.endswith('"') and text.count('"') == 2) else f"[{text}]")
    number = _number(text)
    if not isinstance(number, str):
        return number
    if "," in text:
        return [_anything(word.strip()) for word in text.split(",") if word.strip()]
    return text


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
