"""A configuration read from a form, written as it was before wherever it means the same: so a difference shows only what somebody changed.

A form leaves out what equals its default; a file may have said it. Both mean the same.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import inspect

from kundenkreis.kernel.references import HOLDS
from kundenkreis.segments.conditions.event import EventKind
from kundenkreis.segments.core.tree import GROUPS
from kundenkreis.site.forms.condition_form import NOT, Kinds, kinds_at_root, only_key
from kundenkreis.site.forms.typed_fields import CONDITIONS, EXIT, bare_type, plain_default, row_type

_LEFT_OUT: Any = object()


def as_before(config: Any, read: Any, before: Any, kinds: Kinds) -> Any:
    """What was read, with the old writing of every value that means the same.

    Args:
        config: what both are: a msgspec Struct type or a list of one.
        read: plain data of a form, possibly with mistakes, which stay.
        before: plain data that the form was made of.
        kinds: the conditions that may stand inside.
    """
    return _kept(inspect.type_info(config), read, before, kinds)


def condition_as_before(read: Any, before: Any, kinds: Kinds) -> Any:
    """The same of a condition."""
    return before if _condition(read, kinds) == _condition(before, kinds) else read


def _kept(kind: inspect.Type, read: Any, before: Any, kinds: Kinds) -> Any:
    if _meaning(kind, read, kinds) == _meaning(kind, before, kinds):
        return before
    bare, marks = bare_type(kind)
    if marks.get(HOLDS) == EXIT:
        return _exit(read, before, kinds)
    if isinstance(bare, inspect.StructType) and isinstance(read, Mapping) and isinstance(before, Mapping):
        return _struct(bare, read, before, kinds)
    row = row_type(bare)
    if row and isinstance(read, list) and isinstance(before, list):
        known = [(_meaning(row, one, kinds), one) for one in before]
        return [_row(row, one, known, before, place, kinds) for place, one in enumerate(read)]
    return read


def _exit(read: Any, before: Any, kinds: Kinds) -> Any:
    """What ends a run: of the next event each part by itself, of a condition all or nothing."""
    (kind, held), (was, old) = only_key(read), only_key(before)
    plugin = kinds_at_root(kinds, EXIT).get(kind) if kind == was == EventKind.kind else None
    return {kind: _kept(inspect.type_info(plugin.config), held, old, kinds)} if plugin is not None else read


def _row(row: Any, one: Any, known: list[tuple[Any, Any]], before: list[Any], place: int, kinds: Kinds) -> Any:
    meaning = _meaning(row, one, kinds)
    same = next((was for told, was in known if told == meaning), _LEFT_OUT)
    if same is not _LEFT_OUT:
        return same
    name = one.get("id") if isinstance(one, Mapping) else None
    if name is not None:
        counterpart = next((was for was in before if isinstance(was, Mapping) and was.get("id") == name), None)
    else:
        counterpart = before[place] if place < len(before) else None
    return _kept(row, one, counterpart, kinds) if counterpart is not None else one


def _struct(bare: Any, read: Mapping[str, Any], before: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in bare.fields:
        key = each.encode_name
        new, old = read.get(key, _LEFT_OUT), before.get(key, _LEFT_OUT)
        if _said(each, new, kinds) == _said(each, old, kinds):
            new = old
        elif new is _LEFT_OUT and old == "":
            new = old  # a form cannot tell an empty text from none
        elif new is not _LEFT_OUT and old is not _LEFT_OUT:
            new = _kept(each.type, new, old, kinds)
        if new is not _LEFT_OUT:
            found[key] = new
    return found


def _said(each: inspect.Field, value: Any, kinds: Kinds) -> Any:
    if value is _LEFT_OUT:
        return None if each.required else _filled(each.type, plain_default(each), kinds)
    return _meaning(each.type, value, kinds)


def _meaning(kind: inspect.Type, value: Any, kinds: Kinds) -> Any:
    """The value with everything that it leaves unsaid; as it is where it is wrong."""
    try:
        return _filled(kind, value, kinds)
    except (TypeError, ValueError, AttributeError):
        return value


def _filled(kind: inspect.Type, value: Any, kinds: Kinds) -> Any:
    bare, marks = bare_type(kind)
    if (held := marks.get(HOLDS)) in CONDITIONS:
        return _condition(value, kinds, at_root=kinds_at_root(kinds, str(held)))
    if isinstance(bare, inspect.StructType) and isinstance(value, Mapping):
        known = {each.encode_name: each for each in bare.fields}
        unknown = {key: one for key, one in value.items() if key not in known}
        filled = {
            key: _filled(each.type, value[key] if key in value else plain_default(each), kinds)
            for key, each in known.items()
        }
        return filled | unknown
    row = row_type(bare)
    if isinstance(value, list):
        return [_filled(row, one, kinds) for one in value] if row else value
    if isinstance(bare, inspect.ListType) and isinstance(value, str):
        return [value]  # one word may stand without a list around it
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _condition(value: Any, kinds: Kinds, *, at_root: Kinds | None = None) -> Any:
    kind, held = only_key(value)
    if kind == NOT:
        return {kind: _condition(held, kinds)}
    if kind in GROUPS and isinstance(held, list):
        return {kind: [_condition(part, kinds) for part in held]}
    plugin = (at_root or kinds).get(kind)
    if plugin is None:
        return value or None
    return {kind: _meaning(inspect.type_info(plugin.config), held, kinds)}
