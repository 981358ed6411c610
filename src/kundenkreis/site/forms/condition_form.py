"""A condition as a form: every node of the tree with its fields, and the tree read back from what was posted.

Names are paths: "c" is the root, "c.0" its first part; "c.0.kind" says what it is, "c.0.event.within_days" is a field of its
configuration. Buttons post an act such as "add:c" or "remove:c.1", which changes the tree read from the same form. So the builder needs no
script of its own, and nothing that was typed is lost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kundenkreis.segments.core.protocol import ConditionKind
from kundenkreis.segments.core.tree import DEEPEST, GROUPS
from kundenkreis.site.forms.typed_fields import (
    Data,
    Options,
    TypedField,
    errors_here,
    fields_of,
    read_config,
    row_numbers,
)

ROOT = "c"
NOT = "not"
Condition = dict[str, Any]
"""A condition as plain data: a mapping with one key."""
Errors = Mapping[tuple[str | int, ...], str]
_ACT = re.compile(r"(add|group|remove|up|down|row|unrow):(c(?:\.\d{1,3})*)((?:\.[a-z_]+)*)(?:\.(\d{1,4}))?")
_MOST_PARTS = 200


@dataclass(frozen=True, kw_only=True)
class ConditionNode:
    """One node of the tree as the builder shows it."""

    name: str
    """Path: "c.0.1"."""
    kind: str
    """all, any, none, not, or a kind of condition; "" = not chosen yet."""
    depth: int
    parts: Sequence["ConditionNode"] = ()
    fields: Sequence[TypedField] = ()
    errors: Sequence[str] = ()
    is_first: bool = True
    is_last: bool = True

    @property
    def is_group(self) -> bool:
        """Whether it holds other conditions."""
        return self.kind in (*GROUPS, NOT)


def condition_tree(
    condition: Any, kinds: Mapping[str, ConditionKind], *, options: Options, errors: Errors | None = None
) -> ConditionNode:
    """The tree to show.

    Args:
        condition: plain data, possibly wrong; anything that is no condition becomes an empty choice.
        options: what definitions there are (typed_fields.Options).
        errors: path in the condition -> what is wrong there.
    """
    return _node(condition, ROOT, kinds, options, errors or {}, depth=0)


def _node(
    condition: Any, name: str, kinds: Mapping[str, ConditionKind], options: Options, errors: Errors, *, depth: int,
    is_first: bool = True, is_last: bool = True,
) -> ConditionNode:  # fmt: skip
    kind, held = _only_key(condition)
    inside: Errors = {path[1:]: said for path, said in errors.items() if path and path[0] == kind}
    here = [*errors_here(errors)]
    shared: dict[str, Any] = {"name": name, "depth": depth, "is_first": is_first, "is_last": is_last}
    if kind in (*GROUPS, NOT):
        listed = held if isinstance(held, list) else [held] if kind == NOT else []
        parts = [
            _node(
                part, f"{name}.{number}", kinds, options,
                {path[1:]: said for path, said in inside.items() if path and path[0] == number} if kind != NOT else inside,
                depth=depth + 1, is_first=number == 0, is_last=number == len(listed) - 1,
            )
            for number, part in enumerate(listed)
        ]  # fmt: skip
        own = errors_here(inside) if kind != NOT else ()
        return ConditionNode(kind=kind, parts=parts, errors=(*here, *own), **shared)
    plugin = kinds.get(kind)
    if plugin is None:
        return ConditionNode(kind="", errors=tuple(here), **shared)
    config = held if isinstance(held, Mapping) else {}
    fields = fields_of(plugin.config, config, f"{name}.{kind}", options=options, errors=inside)
    return ConditionNode(kind=kind, fields=fields, errors=(*here, *errors_here(inside)), **shared)


def _only_key(condition: Any) -> tuple[str, Any]:
    if isinstance(condition, Mapping) and len(condition) == 1:
        key, held = next(iter(condition.items()))
        return str(key), held
    return "", None


def read_condition(data: Data, kinds: Mapping[str, ConditionKind]) -> Condition:
    """The condition that a posted form stands for; {} where nothing is chosen yet."""
    return _read(data, ROOT, kinds, depth=0)


def _read(data: Data, name: str, kinds: Mapping[str, ConditionKind], *, depth: int) -> Condition:
    kind = data.get(f"{name}.kind", "")
    if depth > DEEPEST:
        return {}
    if kind in (*GROUPS, NOT):
        parts = [
            _read(data, f"{name}.{number}", kinds, depth=depth + 1) for number in row_numbers(data, name)[:_MOST_PARTS]
        ]
        return {NOT: parts[0] if parts else {}} if kind == NOT else {kind: parts}
    plugin = kinds.get(kind)
    return {kind: read_config(plugin.config, data, f"{name}.{kind}")} if plugin is not None else {}


def chosen(condition: Condition) -> Condition:
    """The condition without places where nothing is chosen yet; {} if nothing is left."""
    kind, held = _only_key(condition)
    if kind == NOT:
        inner = chosen(held if isinstance(held, dict) else {})
        return {NOT: inner} if inner else {}
    if kind not in GROUPS or not isinstance(held, list):
        return condition
    parts = [part for one in held if (part := chosen(one))]
    return {kind: parts} if parts else {}


def acted(condition: Condition, act: str) -> Condition:
    """The condition after a button was pressed; an act that fits nothing changes nothing.

    Acts: add:NODE (a part), group:NODE (a group around it), remove:NODE, up:NODE, down:NODE, row:NODE.FIELD (one more row),
    unrow:NODE.FIELD.NUMBER.
    """
    match = _ACT.fullmatch(act)
    if match is None:
        return condition
    verb, node, field, number = match[1], match[2], match[3].strip("."), match[4]
    # "c.0.event.where.1": the first digits belong to the node, the words to the field, the last to the row.
    path = [int(step) for step in node.split(".")[1:]]
    if verb in ("row", "unrow"):
        return _at(condition, path, lambda part: _with_rows(part, field.split("."), verb, int(number or -1)))
    if verb == "add":
        return _at(condition, path, _with_part)
    if verb == "group":
        return _at(condition, path, lambda part: {"all": [part]} if part else {"all": [{}]})
    return _moved(condition, path, verb)


def _with_part(condition: Condition) -> Condition:
    kind, held = _only_key(condition)
    if kind in GROUPS and isinstance(held, list):
        return {kind: [*held, {}]}
    if kind == NOT:
        return {NOT: {"any": [held, {}]}}
    return {"all": [condition, {}]} if condition else {"all": [{}]}


def _with_rows(condition: Condition, field: list[str], verb: str, number: int) -> Condition:
    kind, config = _only_key(condition)
    if not field or field[0] != kind or not isinstance(config, dict):
        return condition

    def rows(held: Any, steps: list[str]) -> Any:
        if not steps:
            listed = list(held) if isinstance(held, list) else []
            if verb == "row":
                return [*listed, {}]
            return [one for place, one in enumerate(listed) if place != number]
        inner = dict(held) if isinstance(held, dict) else {}
        inner[steps[0]] = rows(inner.get(steps[0]), steps[1:])
        return inner

    return {kind: rows(config, field[1:])}


def _moved(condition: Condition, path: list[int], verb: str) -> Condition:
    """The tree without a node, or with it one place up or down; removing the root leaves an empty choice."""
    if not path:
        return {} if verb == "remove" else condition
    place = path[-1]

    def change(parent: Condition) -> Condition:
        kind, held = _only_key(parent)
        if kind == NOT:
            return {} if verb == "remove" else parent
        if not isinstance(held, list) or place >= len(held):
            return parent
        parts = list(held)
        part = parts.pop(place)
        if verb != "remove":
            parts.insert(max(place + (-1 if verb == "up" else 1), 0), part)
        return {kind: parts}

    return _at(condition, path[:-1], change)


def _at(condition: Condition, path: Sequence[int], change: Any) -> Condition:
    """The tree with the node at this path changed; a path that leads nowhere changes nothing."""
    if not path:
        changed: Condition = change(condition)
        return changed
    kind, held = _only_key(condition)
    if kind == NOT and path[0] == 0:
        return {NOT: _at(held if isinstance(held, dict) else {}, path[1:], change)}
    if not isinstance(held, list) or path[0] >= len(held):
        return condition
    return {kind: [_at(part, path[1:], change) if place == path[0] else part for place, part in enumerate(held)]}
