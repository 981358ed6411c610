"""Forms made from the typed configuration of a plug-in or a definition: a new kind of step needs no page of its own.

`fields_of` turns plain data into fields to show, `read_form` turns what was sent back into plain data of the same shape. What is wrong with it is not
judged here: the checks of publishing say so, and `fields_of` shows their mistakes at the field.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import inspect

from kundenkreis.kernel.references import HOLDS, REFERS_TO
from kundenkreis.site.field_words import field_help, field_label, option_label

Path = tuple[str | int, ...]
Widget = Literal["text", "number", "switch", "select", "suggest", "group", "rows", "condition", "value", "kept"]
Options = Mapping[str, Sequence[tuple[str, str]]]
"""Kind of definition -> (id, name) of each: what a text that names one may be."""

BLANK = 1
"""Empty rows at the end of a list, to fill in."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field, group of fields or list of rows."""

    name: str
    """Of the form's input: the path with dots."""
    label: str
    widget: Widget
    value: Any = ""
    options: tuple[tuple[str, str], ...] = ()
    parts: tuple["Field", ...] = ()
    """Fields of a group, or the rows of a list, each a group."""
    optional: bool = False
    help: str = ""
    errors: tuple[str, ...] = ()
    least: str = ""
    most: str = ""


Errors = Mapping[Path, Sequence[str]]
"""Path in the configuration -> what is wrong there."""


def fields_of(config: Any, data: Any, *, options: Options, errors: Errors, name: str = "config") -> tuple[Field, ...]:
    """The fields of a typed configuration with their present values.

    Args:
        config: a msgspec type.
        data: plain data as in the document; it may have another shape.
        options: choices for references.
        errors: what is wrong with `data`, by path in it.
    """
    form = _Form(options, errors)
    top = form.field(inspect.type_info(config), data, (), name, label="")
    return top.parts if top.widget == "group" else (top,)


def read_form(config: Any, sent: Mapping[str, str], before: Any = None, *, name: str = "config") -> Any:
    """Plain data of this configuration from a sent form; what the form cannot show is kept from `before`."""
    return _read(inspect.type_info(config), sent, name, before)


class _Form:
    def __init__(self, options: Options, errors: Errors) -> None:
        self.options, self.errors = options, errors

    def field(
        self, kind: inspect.Type, data: Any, path: Path, name: str, *, label: str, optional: bool = False
    ) -> Field:
        """One value as a field."""
        extra, bare, may_lack = _plain(kind)
        word = str(path[-1]) if path else ""
        common: dict[str, Any] = {
            "name": name, "label": label, "optional": optional or may_lack, "help": field_help(word),
            "errors": tuple(self.errors.get(path, ())),
        }  # fmt: skip
        if extra.get(HOLDS) == "condition":
            return Field(
                widget="condition", value=_text(data), options=tuple(self.options.get("segment", ())), **common
            )
        if isinstance(bare, inspect.StructType):
            return self._group(bare, data, path, name, common)
        if isinstance(bare, inspect.ListType) and isinstance(_plain(bare.item_type)[1], inspect.StructType):
            return self._rows(bare, data, path, name, common)
        return self._value(bare, extra.get(REFERS_TO, ""), data, common)

    def _group(self, kind: Any, data: Any, path: Path, name: str, common: dict[str, Any]) -> Field:
        values = data if isinstance(data, Mapping) else {}
        parts = tuple(
            self.field(
                one.type, values.get(one.encode_name, _default(one)), (*path, one.encode_name), f"{name}.{one.encode_name}",
                label=field_label(one.encode_name), optional=not one.required,
            )
            for one in kind.fields
        )  # fmt: skip
        return Field(widget="group", parts=parts, value=isinstance(data, Mapping), **common)

    def _rows(self, kind: Any, data: Any, path: Path, name: str, common: dict[str, Any]) -> Field:
        items = list(data) if isinstance(data, Sequence) and not isinstance(data, str) else []
        rows = tuple(
            self.field(kind.item_type, item, (*path, index), f"{name}.{index}", label=str(index + 1))
            for index, item in enumerate([*items, *([None] * BLANK)])
        )
        return Field(widget="rows", parts=rows, value=len(items), **common)

    def _value(  # noqa: PLR0911 - one per type
        self, kind: Any, refers: str, data: Any, common: dict[str, Any]
    ) -> Field:
        if isinstance(kind, inspect.BoolType):
            return Field(widget="switch", value=bool(data), **common)
        if isinstance(kind, inspect.LiteralType):
            options = tuple((str(one), option_label(str(one))) for one in kind.values)
            return Field(widget="select", value=_text(data), options=options, **common)
        if refers in self.options:
            widget: Widget = "suggest" if refers in ("event", "attribute") else "select"
            return Field(widget=widget, value=_listed(data), options=tuple(self.options[refers]), **common)
        if isinstance(kind, inspect.IntType | inspect.FloatType):
            return Field(widget="number", value=_text(data), least=_text(kind.ge), most=_text(kind.le), **common)
        if isinstance(kind, inspect.StrType):
            return Field(widget="text", value=_text(data), **common)
        if isinstance(kind, inspect.UnionType) and any(
            isinstance(_plain(one)[1], inspect.StrType) for one in kind.types
        ):
            return Field(widget="text", value=_listed(data), **common)
        return Field(widget="value" if isinstance(kind, inspect.AnyType) else "kept", value=_text(data), **common)


def _read(kind: inspect.Type, sent: Mapping[str, str], name: str, before: Any) -> Any:  # noqa: PLR0911 - one per type
    extra, bare, _ = _plain(kind)
    if extra.get(HOLDS) == "condition":
        return _condition(sent.get(name, "keep"), before)
    if isinstance(bare, inspect.StructType):
        return _read_group(bare, sent, name, before)
    if isinstance(bare, inspect.ListType) and isinstance(_plain(bare.item_type)[1], inspect.StructType):
        return _read_rows(bare, sent, name, before)
    if isinstance(bare, inspect.BoolType):
        return name in sent
    text = sent.get(name)
    if text is None:
        return before
    text = text.strip()
    if not text:
        return None
    if isinstance(bare, inspect.IntType | inspect.FloatType):
        return _number(text)
    if isinstance(bare, inspect.StrType | inspect.LiteralType):
        return text
    if isinstance(bare, inspect.UnionType):
        names = [part.strip() for part in text.split(",") if part.strip()]
        return names[0] if len(names) == 1 else names
    return _anything(text)


def _read_group(kind: Any, sent: Mapping[str, str], name: str, before: Any) -> dict[str, Any] | None:
    values = before if isinstance(before, Mapping) else {}
    found: dict[str, Any] = {}
    for one in kind.fields:
        key = one.encode_name
        value = _read(one.type, sent, f"{name}.{key}", values.get(key))
        # What says no more than the default stays unwritten, unless it stood there before.
        if value is None or (key not in values and value in (_default(one), [], {})):
            continue
        found[key] = value
    return found or (dict(found) if values else None)


def _read_rows(kind: Any, sent: Mapping[str, str], name: str, before: Any) -> list[Any]:
    items = list(before) if isinstance(before, Sequence) and not isinstance(before, str) else []
    shown = {
        int(key)
        for one in sent
        if one.startswith(f"{name}.") and (key := one[len(name) + 1 :].partition(".")[0]).isdigit()
    }
    if not shown:
        return items  # the form did not show them
    rows = []
    for index in sorted(shown):
        if sent.get(f"{name}.{index}.remove"):
            continue
        row = _read(kind.item_type, sent, f"{name}.{index}", items[index] if index < len(items) else None)
        if row:
            rows.append(row)
    return rows


def _condition(said: str, before: Any) -> Any:
    word, _, name = said.partition(":")
    if word == "segment":
        return {"segment": {"id": name}}
    if word == "not_segment":
        return {"not": {"segment": {"id": name}}}
    return before if word == "keep" else None


def _plain(kind: inspect.Type) -> tuple[dict[str, Any], inspect.Type, bool]:
    """(marks, the type without marks and without None, whether it may be None)."""
    extra: dict[str, Any] = {}
    may_lack = False
    while True:
        if isinstance(kind, inspect.Metadata):
            extra = {**(kind.extra_json_schema or {}), **extra}
            kind = kind.type
        elif isinstance(kind, inspect.UnionType):
            something = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
            may_lack = may_lack or len(something) < len(kind.types)
            if len(something) != 1:
                marks = next((_plain(one)[0] for one in something if _plain(one)[0]), {})
                return {**marks, **extra}, inspect.UnionType(tuple(something)), may_lack
            kind = something[0]
        else:
            return extra, kind, may_lack


def _default(field: inspect.Field) -> Any:
    if field.required:
        return None
    try:
        return field.default_factory() if callable(field.default_factory) else field.default
    except TypeError:
        return None


def _text(value: Any) -> str:
    if value is None or type(value).__name__ == "NoDefault":
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else _text(value)


def _number(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text.replace(",", "."))
        except ValueError:
            continue
    return text


def _anything(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
