"""A configuration read from a form, written as it was before wherever it means the same: so a difference shows only what somebody changed.

A form leaves out what equals its default; a file may have said it. Both mean the same.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

_LEFT_OUT: Any = object()


def as_before(config: type[msgspec.Struct], read: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, with the old writing of every value that means the same.

    Args:
        config: what both are.
        read: plain data of a form, possibly with mistakes, which stay.
        before: plain data that the form was made of.
    """
    found: dict[str, Any] = {}
    for each in msgspec.structs.fields(config):
        key = each.encode_name
        new, old = read.get(key, _LEFT_OUT), before.get(key, _LEFT_OUT)
        if _meaning(each, new) == _meaning(each, old):
            new = old
        elif isinstance(new, list) and isinstance(old, list):
            new = [next((was for was in old if _meaning(each, [was]) == _meaning(each, [row])), row) for row in new]
        if new is not _LEFT_OUT:
            found[key] = new
    return found


def _meaning(each: FieldInfo, value: Any) -> Any:
    """The value with everything that it leaves unsaid; as it is where it is wrong."""
    if value is _LEFT_OUT:
        default = each.default_factory() if each.default_factory is not msgspec.NODEFAULT else each.default
        return None if default is msgspec.NODEFAULT else _plain(default)
    try:
        return _plain(msgspec.convert(value, each.type))
    except msgspec.ValidationError:
        return value


def _plain(value: Any) -> Any:
    """Plain data with every default written out, also those of structures that leave them out."""
    if isinstance(value, msgspec.Struct):
        return {each.encode_name: _plain(getattr(value, each.name)) for each in msgspec.structs.fields(value)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
