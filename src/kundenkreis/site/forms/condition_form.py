"""A condition as a form: every node of the tree with its fields, and the tree read back from what was posted.

Names are paths: "c" is the root, "c.0" its first part; "c.0.kind" says what it is, "c.0.event.within_days" is a field of its
configuration. Buttons post an act (acts.py), which changes the tree read from the same form. So the builder needs no script of its own,
and nothing that was typed is lost.
"""

from collections.abc import Mapping
from typing import Any

from kundenkreis.segments.conditions.event import EventConfig, EventKind
from kundenkreis.segments.core.protocol import ConditionKind
from kundenkreis.segments.core.tree import DEEPEST, GROUPS
from kundenkreis.site.forms.typed_fields import (
    CONDITION,
    EXIT,
    ConditionNode,
    Errors,
    Options,
    errors_below,
    errors_here,
    fields_of,
)
from kundenkreis.site.forms.typed_reading import Data, read_config, row_numbers

NOT = "not"
Condition = dict[str, Any]
"""A condition as plain data: a mapping with one key."""
Kinds = Mapping[str, ConditionKind]
_MOST_PARTS = 200


class ExitEvent(EventConfig, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What `exit_when` says of an event: the next one, which a key ties to the run, or as a condition how many there were."""

    key: str | None = None


class _ExitEventKind(EventKind):
    config = ExitEvent


def kinds_at_root(kinds: Kinds, held: str) -> Kinds:
    """What the root of a condition can be: all kinds; in `exit_when` an event may be the next one."""
    return {**kinds, EventKind.kind: _ExitEventKind()} if held == EXIT else kinds


def only_key(condition: Any) -> tuple[str, Any]:
    """(kind, what it holds) of a condition; ("", None) where nothing is chosen."""
    if isinstance(condition, Mapping) and len(condition) == 1:
        key, held = next(iter(condition.items()))
        return str(key), held
    return "", None


class ConditionForms:
    """Shows and reads conditions of these kinds, wherever they stand in a form."""

    def __init__(self, kinds: Mapping[str, ConditionKind], options: Options = lambda _kind: None) -> None:
        """`options`: what definitions there are (typed_fields.Options)."""
        self._kinds, self._options = kinds, options

    def tree(self, condition: Any, name: str, errors: Errors, *, held: str = CONDITION) -> ConditionNode:
        """The tree to show; anything that is no condition becomes an empty choice."""
        return self._node(condition, name, errors, depth=0, kinds=kinds_at_root(self._kinds, held))

    def _node(
        self, condition: Any, name: str, errors: Errors, *, depth: int, kinds: Kinds, is_first: bool = True, is_last: bool = True,
    ) -> ConditionNode:  # fmt: skip
        kind, held = only_key(condition)
        inside = errors_below(errors, kind)
        shared: dict[str, Any] = {"name": name, "depth": depth, "is_first": is_first, "is_last": is_last}
        if kind in (*GROUPS, NOT):
            listed = held if isinstance(held, list) else [held] if kind == NOT else []
            parts = [
                self._node(
                    part, f"{name}.{number}", errors_below(inside, number) if kind != NOT else inside,
                    depth=depth + 1, kinds=self._kinds, is_first=number == 0, is_last=number == len(listed) - 1,
                )
                for number, part in enumerate(listed)
            ]  # fmt: skip
            own = errors_here(inside) if kind != NOT else ()
            return ConditionNode(kind=kind, is_group=True, parts=parts, errors=(*errors_here(errors), *own), **shared)
        plugin = kinds.get(kind)
        if plugin is None:
            return ConditionNode(kind="", errors=tuple(dict.fromkeys(errors.values())), **shared)
        fields = fields_of(plugin.config, held, f"{name}.{kind}", options=self._options, errors=inside, conditions=self)
        shown = {each.key for each in fields}
        own = tuple(said for path, said in inside.items() if not path or path[0] not in shown)
        return ConditionNode(kind=kind, fields=fields, errors=(*errors_here(errors), *own), **shared)

    def read(self, data: Data, name: str, *, held: str = CONDITION) -> Condition:
        """The condition that a posted form stands for; {} where nothing is chosen yet."""
        return self._read(data, name, depth=0, kinds=kinds_at_root(self._kinds, held))

    def _read(self, data: Data, name: str, *, depth: int, kinds: Kinds) -> Condition:
        kind = data.get(f"{name}.kind", "")
        if depth > DEEPEST:
            return {}
        if kind in (*GROUPS, NOT):
            numbers = row_numbers(data, name)[:_MOST_PARTS]
            parts = [self._read(data, f"{name}.{number}", depth=depth + 1, kinds=self._kinds) for number in numbers]
            return {NOT: parts[0] if parts else {}} if kind == NOT else {kind: parts}
        plugin = kinds.get(kind)
        return {kind: read_config(plugin.config, data, f"{name}.{kind}", conditions=self)} if plugin is not None else {}


def chosen(condition: Condition) -> Condition:
    """The condition without places where nothing is chosen yet; {} if nothing is left."""
    kind, held = only_key(condition)
    if kind == NOT:
        inner = chosen(held if isinstance(held, dict) else {})
        return {NOT: inner} if inner else {}
    if kind not in GROUPS or not isinstance(held, list):
        return condition
    parts = [part for one in held if (part := chosen(one))]
    return {kind: parts} if parts else {}
