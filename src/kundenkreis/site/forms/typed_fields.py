"""Form fields made from a typed configuration: a plug-in's `config` is all that a form needs.

A new kind of condition or step has a form without a line here, also with conditions inside it. `typed_reading.py` reads the form back.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import inspect

from kundenkreis.content.core.blocks import COLOUR_PATTERN
from kundenkreis.kernel.references import HOLDS, REFERS_TO

Options = Callable[[str], Sequence[tuple[str, str]] | None]
"""Kind of definition ("segment", "event") -> its (id, label); None: anything may be written."""
Path = tuple[str | int, ...]
Errors = Mapping[Path, str]
"""Path below a configuration -> what is wrong there."""

OPEN_KINDS = frozenset({"event", "attribute"})
"""Kinds whose names need no definition: offered, but any other may be written."""
LANGUAGES = ("de", "en")
"""Those that every text per language is asked in."""
CONDITION, EXIT = "condition", "exit"
CONDITIONS = (CONDITION, EXIT)
"""What a mapping that is marked so holds: a condition, or in `exit_when` the next event as well."""
_MOST_CHOICES = 60
"""Whole numbers beside fixed words are offered up to so many; more are typed."""


@dataclass(frozen=True, kw_only=True)
class ConditionNode:
    """One node of a condition's tree."""

    name: str
    """Path: "c.0.1"."""
    kind: str
    """all, any, none, not, or a kind of condition; "" = not chosen yet."""
    depth: int
    is_group: bool = False
    """Whether it holds other conditions."""
    parts: Sequence["ConditionNode"] = ()
    fields: Sequence["TypedField"] = ()
    errors: Sequence[str] = ()
    is_first: bool = True
    is_last: bool = True


@dataclass(frozen=True, kw_only=True)
class TypedField:
    """One field of a form."""

    name: str
    """As posted: "c.0.event.within_days"."""
    key: str
    """The configuration's own word: "within_days"; labels follow from it."""
    widget: str
    """text, number, switch, select, suggest (text with suggestions), several (words with commas), group, rows, colour, names (a text per
    language), pairs ("AT: 14, CH: 16"), condition."""
    value: Any = ""
    """Text as typed; for a switch True or False."""
    options: Sequence[tuple[str, str]] = ()
    is_optional: bool = False
    has_blank: bool = False
    """Of a select: whether nothing may be chosen."""
    parts: Sequence["TypedField"] = ()
    """Fields of a group; the rows of a list, each a group."""
    condition: ConditionNode | None = None
    refers_to: str = ""
    errors: Sequence[str] = ()


class Conditions(Protocol):
    """How conditions inside a configuration are shown (condition_form.py)."""

    def tree(self, condition: Any, name: str, errors: Errors, *, held: str = CONDITION) -> ConditionNode:
        """The condition's tree, its root called `name`; `held`: one of CONDITIONS."""
        ...


def fields_of(
    config: Any, value: Any, prefix: str, *, options: Options, errors: Errors, conditions: Conditions,
    only: Sequence[str] | None = None,
) -> list[TypedField]:  # fmt: skip
    """The fields of a configuration, in its own order.

    Args:
        config: a msgspec Struct type, or a list of one: then the one field is its rows.
        value: what it holds now, as plain data; may be incomplete or wrong.
        prefix: what every name begins with.
        errors: path below the configuration -> what is wrong there.
        only: these fields of the Struct, in this order; None: all of them.
    """
    maker = _Maker(options, conditions)
    kind: Any = inspect.type_info(config)
    if not isinstance(kind, inspect.StructType):
        return [maker.field(kind, value, "", prefix, errors=errors, is_optional=False, default=None)]
    return maker.fields(kind, value, prefix, errors, only)


def plain_default(each: Any) -> Any:
    """What a field holds where nothing is said, as plain data; None where it must be said."""
    default = each.default_factory() if each.default_factory is not msgspec.NODEFAULT else each.default
    return None if default is msgspec.NODEFAULT else msgspec.to_builtins(default)


def errors_here(errors: Errors) -> tuple[str, ...]:
    """Those about the thing itself and not about a part of it."""
    return tuple(said for path, said in errors.items() if not path)


def errors_below(errors: Errors, *steps: str | int) -> dict[Path, str]:
    """Those about a part, by their path in it."""
    return {path[len(steps) :]: said for path, said in errors.items() if path[: len(steps)] == steps}


class _Maker:
    def __init__(self, options: Options, conditions: Conditions) -> None:
        self.options, self.conditions = options, conditions

    def fields(
        self, kind: Any, value: Any, prefix: str, errors: Errors, only: Sequence[str] | None = None
    ) -> list[TypedField]:
        """The fields of a Struct."""
        held = value if isinstance(value, Mapping) else {}
        by_key = {each.encode_name: each for each in kind.fields}
        return [
            self.field(
                each.type, held[key] if key in held else plain_default(each), key, f"{prefix}.{key}", errors=errors_below(errors, key),
                is_optional=not each.required, default=plain_default(each),
            )
            for key, each in ((key, by_key[key]) for key in only or by_key)
        ]  # fmt: skip

    def field(
        self, kind: inspect.Type, value: Any, key: str, name: str, *, errors: Errors, is_optional: bool, default: Any
    ) -> TypedField:
        """One value as a field."""
        bare, marks = bare_type(kind)
        shared: dict[str, Any] = {
            "name": name, "key": key, "is_optional": is_optional, "refers_to": marks.get(REFERS_TO, ""),
        }  # fmt: skip
        if (held := marks.get(HOLDS)) in CONDITIONS:
            node = self.conditions.tree(value, name, errors, held=held)
            return TypedField(widget="condition", condition=node, **shared)
        if isinstance(bare, inspect.StructType):
            return self._group(bare, value, shared, errors)
        if row := row_type(bare):
            listed = value if isinstance(value, list) else []
            rows = [
                self._group(row, one, {"name": f"{name}.{number}", "key": str(number)}, errors_below(errors, number))
                for number, one in enumerate(listed)
            ]
            return TypedField(widget="rows", parts=rows, errors=errors_here(errors), **shared)
        told = tuple(dict.fromkeys(errors.values()))
        return self._simple(kind, bare, value, shared | {"errors": told, "has_blank": is_optional and not default})

    def _group(self, kind: Any, value: Any, shared: Mapping[str, Any], errors: Errors) -> TypedField:
        known = {each.encode_name for each in kind.fields}
        own = tuple(said for path, said in errors.items() if not path or path[0] not in known)
        # What people call it comes first, wherever the configuration has it.
        parts = sorted(self.fields(kind, value, shared["name"], errors), key=lambda part: part.widget != "names")
        return TypedField(widget="group", parts=parts, value=bool(value), errors=own, **shared)

    def _simple(  # noqa: PLR0911 - one line per type
        self, kind: inspect.Type, bare: inspect.Type, value: Any, shared: dict[str, Any]
    ) -> TypedField:
        refers = shared["refers_to"]
        offered = list(self.options(refers) or ()) if refers else _words_in(bare)
        text = as_text(value)
        if isinstance(bare, inspect.ListType) or isinstance(value, list):
            return TypedField(widget="several", value=text, options=offered, **shared)
        if isinstance(bare, inspect.BoolType):
            return TypedField(widget="switch", value=value is True, **shared)
        if isinstance(bare, inspect.LiteralType):
            return TypedField(
                widget="select", value=text, options=[(one, one) for one in _choices(kind, bare)], **shared
            )
        if isinstance(bare, inspect.IntType | inspect.FloatType):
            return TypedField(widget="number", value=text, **shared)
        if isinstance(bare, inspect.DictType):
            return _mapping(bare, value, shared)
        if offered and refers not in OPEN_KINDS:
            known = [one for one, _ in offered]
            kept = [(text, text)] if text and text not in known else []
            return TypedField(widget="select", value=text, options=[*offered, *kept], **shared)
        if isinstance(bare, inspect.StrType) and bare.pattern == COLOUR_PATTERN:
            return TypedField(widget="colour", value=text, **shared)
        return TypedField(widget="suggest" if refers else "text", value=text, options=offered, **shared)


def _mapping(bare: inspect.DictType, value: Any, shared: Mapping[str, Any]) -> TypedField:
    if isinstance(bare_type(bare.value_type)[0], inspect.StrType):
        held = value if isinstance(value, Mapping) else {}
        texts = [
            TypedField(name=f"{shared['name']}.{one}", key=str(one), widget="text", value=as_text(held.get(one)), is_optional=True)
            for one in dict.fromkeys([*LANGUAGES, *held])
        ]  # fmt: skip
        return TypedField(widget="names", parts=texts, **shared)
    if isinstance(value, Mapping) and not any(isinstance(one, dict | list) for one in value.values()):
        pairs = ", ".join(f"{name}: {_beside(one)}" for name, one in value.items())
        return TypedField(widget="pairs", value=pairs, **shared)
    return TypedField(widget="pairs", value=as_text(value), **shared)


def _beside(one: Any) -> str:
    return json.dumps(one, ensure_ascii=False) if isinstance(one, str) and re.search('[",]', one) else as_text(one)


def bare_type(kind: inspect.Type) -> tuple[inspect.Type, dict[str, Any]]:
    """(the type that decides the widget, its marks): of several types the one that can hold most."""
    marks: dict[str, Any] = {}
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            marks = {**(kind.extra_json_schema or {}), **marks}
            kind = kind.type
            continue
        members = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        several = [each for each in members if isinstance(bare_type(each)[0], inspect.ListType)]
        words = [each for each in members if isinstance(bare_type(each)[0], inspect.LiteralType)]
        numbers = [each for each in members if isinstance(each, inspect.FloatType)]
        kind = (several or words or numbers or members)[0]
    if isinstance(kind, inspect.ListType):
        marks = {**bare_type(kind.item_type)[1], **marks}
    return kind, marks


def row_type(bare: inspect.Type) -> Any:
    """The Struct that a list holds, None if it holds something else or is none."""
    item = bare_type(bare.item_type)[0] if isinstance(bare, inspect.ListType) else None
    return item if isinstance(item, inspect.StructType) else None


def number_beside(kind: inspect.Type) -> Any:
    """The whole number that may stand where a fixed word may, None if none may."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    members = [bare_type(each)[0] for each in kind.types] if isinstance(kind, inspect.UnionType) else []
    return next((each for each in members if isinstance(each, inspect.IntType)), None)


def _choices(kind: inspect.Type, bare: inspect.LiteralType) -> list[str]:
    words = [str(one) for one in bare.values]
    number = number_beside(kind)
    if number is None or number.ge is None or number.le is None or number.le - number.ge > _MOST_CHOICES:
        return words
    return [*words, *(str(one) for one in range(number.ge, number.le + 1))]


def _words_in(bare: inspect.Type) -> list[tuple[str, str]]:
    """The choices of a list of fixed words."""
    item = bare_type(bare.item_type)[0] if isinstance(bare, inspect.ListType) else None
    return [(str(one), str(one)) for one in item.values] if isinstance(item, inspect.LiteralType) else []


def as_text(value: Any) -> str:  # noqa: PLR0911 - one line per type
    """A value as it is typed."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(_quoted(one) for one in value)
        case float() if value.is_integer():
            return str(int(value))
        case str() if reads_otherwise(value):
            return json.dumps(value, ensure_ascii=False)
        case str():
            return value
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _quoted(one: Any) -> str:
    if isinstance(one, str) and ("," in one or '"' in one):
        doubled = one.replace('"', '""')
        return f'"{doubled}"'
    return one if isinstance(one, str) else as_text(one)


NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d{1,6})?")


def reads_otherwise(text: str) -> bool:
    """Whether this text, typed where anything may stand, would be read as a number or a truth: it needs quotes."""
    return NUMBER.fullmatch(text) is not None or text in ("true", "false") or text.startswith('"')
