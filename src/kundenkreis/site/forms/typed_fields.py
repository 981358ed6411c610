"""Form fields made from a typed configuration, and the configuration read back from what was typed.

A plug-in's `config` (a msgspec Struct) is all that a form needs: a new kind of condition or step has one without a line here.
What cannot be read as its type is kept as typed, so that the checks name the mistake and nothing that was written is lost.
"""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import inspect

from kundenkreis.content.core.blocks import COLOUR_PATTERN
from kundenkreis.kernel.references import REFERS_TO
from kundenkreis.segments.core.operators import BOOLEAN_OPS, NEGATED, PRESENCE_OPS, TEXT_OPS

Options = Callable[[str], Sequence[tuple[str, str]] | None]
"""Kind of definition ("segment", "event") -> its (id, label); None: anything may be written."""
Data = Mapping[str, str]
"""A form as posted: name -> value."""

OPEN_KINDS = frozenset({"event", "attribute"})
"""Kinds whose names need no definition: offered, but any other may be written."""


LANGUAGES = ("de", "en")
"""Those that every text per language is asked in."""


@dataclass(frozen=True, kw_only=True)
class TypedField:
    """One field of a form."""

    name: str
    """As posted: "c.0.event.within_days"."""
    key: str
    """The configuration's own word: "within_days"; labels follow from it."""
    widget: str
    """text, number, switch, select, suggest (text with suggestions), several (words with commas), group, rows, colour, names (a text per
    language), pairs ("AT: 14, CH: 16"), plain (JSON)."""
    value: Any = ""
    """Text as typed; for a switch True or False."""
    options: Sequence[tuple[str, str]] = ()
    is_optional: bool = False
    parts: Sequence["TypedField"] = ()
    """Fields of a group."""
    rows: Sequence[Sequence["TypedField"]] = ()
    refers_to: str = ""
    errors: Sequence[str] = field(default_factory=tuple)


def fields_of(
    config: Any, value: Mapping[str, Any], prefix: str, *, options: Options, errors: Mapping[tuple[str | int, ...], str]
) -> list[TypedField]:
    """The fields of a configuration, in its own order.

    Args:
        config: a msgspec Struct type.
        value: what it holds now, as plain data; may be incomplete or wrong.
        prefix: what every name begins with.
        errors: path below the configuration -> what is wrong there.
    """
    kind: Any = inspect.type_info(config)
    found = []
    for each in kind.fields:
        key = each.encode_name
        held = value[key] if key in value else _plain_default(each)
        below = {path[1:]: said for path, said in errors.items() if path and path[0] == key}
        found.append(
            _field(
                each.type, held, key, f"{prefix}.{key}", options=options, errors=below, is_optional=not each.required
            )
        )
    return found


def _plain_default(each: Any) -> Any:
    default = each.default_factory() if each.default_factory is not msgspec.NODEFAULT else each.default
    return None if default is msgspec.NODEFAULT else msgspec.to_builtins(default)


def _field(
    kind: inspect.Type, value: Any, key: str, name: str, *, options: Options, errors: Mapping[tuple[str | int, ...], str],
    is_optional: bool,
) -> TypedField:  # fmt: skip
    bare, refers = _bare(kind)
    told = tuple(dict.fromkeys(errors.values()))
    shared: dict[str, Any] = {"name": name, "key": key, "is_optional": is_optional, "refers_to": refers, "errors": told}
    if isinstance(bare, inspect.StructType):
        held = value if isinstance(value, Mapping) else {}
        parts = fields_of(bare.cls, held, name, options=options, errors=errors)
        return TypedField(widget="group", parts=parts, **(shared | {"errors": errors_here(errors)}))
    if isinstance(bare, inspect.ListType) and isinstance(_bare(bare.item_type)[0], inspect.StructType):
        row: Any = _bare(bare.item_type)[0]
        listed = value if isinstance(value, list) else []
        rows = [
            fields_of(
                row.cls, one if isinstance(one, Mapping) else {}, f"{name}.{number}", options=options,
                errors={path[1:]: said for path, said in errors.items() if path and path[0] == number},
            )
            for number, one in enumerate(listed)
        ]  # fmt: skip
        return TypedField(widget="rows", rows=rows, **(shared | {"errors": errors_here(errors)}))
    return _simple(bare, value, refers, shared, options)


def errors_here(errors: Mapping[tuple[str | int, ...], str]) -> tuple[str, ...]:
    """Those about the thing itself and not about a part of it."""
    return tuple(said for path, said in errors.items() if not path)


def _simple(  # noqa: PLR0911 - one line per type
    bare: inspect.Type, value: Any, refers: str, shared: dict[str, Any], options: Options
) -> TypedField:
    offered = list(options(refers) or ()) if refers else _literals(bare)
    text = _as_text(value)
    if isinstance(bare, inspect.ListType) or isinstance(value, list):
        return TypedField(widget="several", value=text, options=offered, **shared)
    if isinstance(bare, inspect.BoolType):
        return TypedField(widget="switch", value=value is True, **shared)
    if isinstance(bare, inspect.LiteralType):
        return TypedField(widget="select", value=text, options=[(str(one), str(one)) for one in bare.values], **shared)
    if isinstance(bare, inspect.IntType | inspect.FloatType):
        return TypedField(widget="number", value=text, **shared)
    if isinstance(bare, inspect.DictType) and isinstance(_bare(bare.value_type)[0], inspect.StrType):
        return TypedField(widget="names", parts=_names(shared, value), **shared)
    if isinstance(bare, inspect.DictType) and isinstance(_bare(bare.value_type)[0], inspect.IntType):
        pairs = ", ".join(f"{name}: {number}" for name, number in value.items()) if isinstance(value, Mapping) else text
        return TypedField(widget="pairs", value=pairs, **shared)
    if isinstance(bare, inspect.DictType):
        plain = value if isinstance(value, str) else json.dumps(value or {}, ensure_ascii=False)
        return TypedField(widget="plain", value=plain, **shared)
    if offered and refers not in OPEN_KINDS:
        known = [one for one, _ in offered]
        kept = [(text, text)] if text and text not in known else []
        return TypedField(widget="select", value=text, options=[*offered, *kept], **shared)
    if isinstance(bare, inspect.StrType) and bare.pattern == COLOUR_PATTERN:
        return TypedField(widget="colour", value=text, **shared)
    return TypedField(widget="suggest" if refers else "text", value=text, options=offered, **shared)


def _literals(bare: inspect.Type) -> list[tuple[str, str]]:
    """The choices of a list of fixed words."""
    item = _bare(bare.item_type)[0] if isinstance(bare, inspect.ListType) else None
    return [(str(one), str(one)) for one in item.values] if isinstance(item, inspect.LiteralType) else []


def _names(shared: Mapping[str, Any], value: Any) -> list[TypedField]:
    """A text per language: the site's own, and whatever else there is."""
    held = value if isinstance(value, Mapping) else {}
    languages = dict.fromkeys([*LANGUAGES, *held])
    return [
        TypedField(
            name=f"{shared['name']}.{one}", key=str(one), widget="text", value=_as_text(held.get(one)), is_optional=True
        )
        for one in languages
    ]


def _bare(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """(the type that decides the widget, what it refers to): of several the one that can hold most."""
    refers = ""
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.Metadata):
            refers = (kind.extra_json_schema or {}).get(REFERS_TO, refers)
            kind = kind.type
            continue
        members = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        several = [each for each in members if isinstance(_bare(each)[0], inspect.ListType)]
        numbers = [each for each in members if isinstance(each, inspect.FloatType)]
        kind = (several or numbers or members)[0]
    if isinstance(kind, inspect.ListType):
        refers = _bare(kind.item_type)[1] or refers
    return kind, refers


def _as_text(value: Any) -> str:  # noqa: PLR0911 - one line per type
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(_quoted(one) for one in value)
        case str() if _reads_otherwise(value):
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
    return one if isinstance(one, str) else _as_text(one)


_BOUNDS = re.compile(r";|,\s+|\s+(?:-|bis|to|und|and)\s+")
"""Between the two numbers of a span: "10; 20", "10 bis 20"; a comma without a space belongs to a number."""
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d{1,6})?")


def _reads_otherwise(text: str) -> bool:
    """Whether this text, typed where anything may stand, would be read as a number or a truth: it needs quotes."""
    return _NUMBER.fullmatch(text) is not None or text in ("true", "false") or text.startswith('"')


def read_config(config: Any, data: Data, prefix: str) -> dict[str, Any]:
    """The configuration as plain data, from a posted form. Empty fields are left out unless they are needed."""
    kind: Any = inspect.type_info(config)
    found: dict[str, Any] = {}
    for each in kind.fields:
        key, name = each.encode_name, f"{prefix}.{each.encode_name}"
        value = _read(each.type, data, name, is_needed=each.required)
        if value is not None and (each.required or value != _plain_default(each)):
            found[key] = value
    operator = found.get("op")
    if isinstance(operator, str) and "value" in found:
        value = _value_of(operator, data.get(f"{prefix}.value", "").strip())
        if value is None:
            del found["value"]
        else:
            found["value"] = value
    return found


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


def _read(kind: inspect.Type, data: Data, name: str, *, is_needed: bool) -> Any:  # noqa: PLR0911 - one line per type
    bare, _ = _bare(kind)
    if isinstance(bare, inspect.StructType):
        return read_config(bare.cls, data, name) or None
    if isinstance(bare, inspect.ListType) and isinstance(_bare(bare.item_type)[0], inspect.StructType):
        row: Any = _bare(bare.item_type)[0]
        return [read_config(row.cls, data, f"{name}.{number}") for number in row_numbers(data, name)] or None
    if isinstance(bare, inspect.ListType) and (
        ticked := [each[len(name) + 1 :] for each in data if each.startswith(f"{name}:")]
    ):
        return ticked  # in the order of the form, which is an order of preference
    if isinstance(bare, inspect.DictType) and isinstance(_bare(bare.value_type)[0], inspect.StrType):
        texts = {each[len(name) + 1 :]: text.strip() for each, text in data.items() if each.startswith(f"{name}.")}
        return {language: text for language, text in texts.items() if text} or ({} if is_needed else None)
    text = data.get(name, "").strip()
    if isinstance(bare, inspect.BoolType):
        return bool(text) or None
    if not text:
        return "" if is_needed and isinstance(bare, inspect.StrType) else None
    if isinstance(bare, inspect.ListType):
        words: list[Any] = words_of(text)
        if isinstance(_bare(bare.item_type)[0], inspect.IntType):
            words = [_number(word) for word in words]
        return words[0] if len(words) == 1 and _takes_one(kind) else words
    if isinstance(bare, inspect.IntType | inspect.FloatType):
        return _number(text)
    if isinstance(bare, inspect.DictType):
        is_counted = isinstance(_bare(bare.value_type)[0], inspect.IntType)
        return _pairs(text) if is_counted and not text.startswith("{") else _plain(text)
    return _anything(text) if isinstance(bare, inspect.AnyType) else text


def _takes_one(kind: inspect.Type) -> bool:
    """Whether a single word may stand without a list around it."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return isinstance(kind, inspect.UnionType) and any(
        isinstance(_bare(each)[0], inspect.StrType) for each in kind.types
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
    if _NUMBER.fullmatch(plain) is None:
        return text
    return float(plain) if "." in plain else int(plain)


def _pairs(text: str) -> Any:
    """ "AT: 14, CH: 16" as a mapping; the text as typed if a part is no pair."""
    parts = [part.partition(":") for part in text.split(",") if part.strip()]
    if not all(colon for _, colon, _ in parts):
        return text
    return {name.strip(): _number(number.strip()) for name, _, number in parts}


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
