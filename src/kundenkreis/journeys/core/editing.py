"""Changes to a journey as written: what an editor does to a document, step by step, whether it is sound or not.

Every function takes a document and gives a new one; nothing else in it is touched, so that a comparison shows what was meant and no more.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.core.protocol import EXIT, Path, StepKind
from kundenkreis.kernel.errors import CallerError

Document = Mapping[str, Any]
Kinds = Mapping[str, StepKind]


class EditError(CallerError):
    """This change does not fit the journey as it is now; look at it again."""

    code = "journey_edit"


def insert_step(document: Document, kinds: Kinds, *, kind: str, source: str, way: str) -> tuple[dict[str, Any], str]:
    """(document with a new step on the way out of `source`, id of the new step). `source` "": before the first step.

    Raises:
        EditError: there is no such kind, step or way.
    """
    if kind not in kinds:
        raise EditError
    changed = _copy(document)
    steps: list[dict[str, Any]] = changed.setdefault("steps", [])
    name = _free_id(kind, steps)
    step = {"id": name, kind: deepcopy(kinds[kind].sample)}
    if not source:
        step["next"] = _start(changed) or EXIT
        steps.insert(0, step)
        changed.pop("start", None)
        _drop_plain_next(changed, kinds, name)
        return changed, name
    target = _target(changed, kinds, source, way)
    _state_all(changed, kinds)
    step["next"] = target
    steps.insert(_index(steps, source) + 1, step)
    _set_target(changed, kinds, source, way, name)
    _unstate_unchanged(document, changed, kinds)
    return changed, name


def remove_step(document: Document, kinds: Kinds, name: str) -> dict[str, Any]:
    """The document without a step: ways that led to it lead to where it led.

    Raises:
        EditError: there is no such step.
    """
    changed = _copy(document)
    steps: list[dict[str, Any]] = changed.get("steps", [])
    index = _index(steps, name)
    nodes = read_nodes(steps, kinds)
    onward = nodes[name].next if nodes[name].next != name else EXIT
    _state_all(changed, kinds)
    for step in steps:
        for path in _paths(step, kinds):
            if _at(step, path) == name:
                _put(step, path, onward)
    del steps[index]
    if changed.get("start") == name:
        changed.pop("start")
        if onward != EXIT and steps and steps[0]["id"] != onward:
            changed["start"] = onward
    _unstate_unchanged(document, changed, kinds)
    return changed


def change_step(document: Document, kinds: Kinds, name: str, config: Any) -> dict[str, Any]:
    """The document with another configuration of a step. Raises EditError."""
    changed = _copy(document)
    step = changed["steps"][_index(changed.get("steps", []), name)]
    kind = next((key for key in step if key in kinds), None)
    if kind is None:
        raise EditError
    step[kind] = config
    return changed


def connect(document: Document, kinds: Kinds, *, source: str, way: str, target: str) -> dict[str, Any]:
    """The document with a way that leads elsewhere: to a step, or to "exit". Raises EditError."""
    changed = _copy(document)
    steps = changed.get("steps", [])
    if target != EXIT:
        _index(steps, target)
    _set_target(changed, kinds, source, way, target)
    return changed


def _copy(document: Document) -> dict[str, Any]:
    return deepcopy(dict(document))


def _free_id(kind: str, steps: Sequence[Mapping[str, Any]]) -> str:
    taken = {step.get("id") for step in steps}
    number = 1
    while f"{kind}_{number}" in taken:
        number += 1
    return f"{kind}_{number}"


def _start(document: Document) -> str:
    steps = document.get("steps") or []
    return str(document.get("start") or (steps[0].get("id") if steps else ""))


def _index(steps: Sequence[Mapping[str, Any]], name: str) -> int:
    for index, step in enumerate(steps):
        if step.get("id") == name:
            return index
    raise EditError


def _target(document: Document, kinds: Kinds, source: str, way: str) -> str:
    node = read_nodes(document["steps"], kinds).get(source)
    edge = next((edge for edge in node.step.edges if edge.name == way), None) if node is not None else None
    if node is None or edge is None:
        raise EditError
    return edge.target or node.next


def _set_target(document: dict[str, Any], kinds: Kinds, source: str, way: str, target: str) -> None:
    node = read_nodes(document["steps"], kinds).get(source)
    edge = next((edge for edge in node.step.edges if edge.name == way), None) if node is not None else None
    if edge is None:
        raise EditError
    _put(document["steps"][_index(document["steps"], source)], edge.path, target)


def _paths(step: Mapping[str, Any], kinds: Kinds) -> list[Path]:
    """Where a step names targets: its default way and those of its own ways that are stated."""
    node = next(iter(read_nodes([step], kinds).values()), None)
    stated = [edge.path for edge in node.step.edges if edge.target] if node is not None else []
    return [("next",), *(path for path in stated if path != ("next",))]


def _state_all(document: dict[str, Any], kinds: Kinds) -> None:
    """Write down where every step leads, so that putting steps in or taking them out moves nobody else."""
    for name, node in read_nodes(document["steps"], kinds).items():
        document["steps"][_index(document["steps"], name)].setdefault("next", node.next)


def _unstate_unchanged(before: Document, after: dict[str, Any], kinds: Kinds) -> None:
    """Take back what `_state_all` wrote wherever the order of the steps says the same, unless it stood there before."""
    stated = {step.get("id") for step in before.get("steps", []) if "next" in step}
    for step in after["steps"]:
        if step.get("id") not in stated:
            _drop_plain_next(after, kinds, str(step.get("id")))


def _drop_plain_next(document: dict[str, Any], kinds: Kinds, name: str) -> None:
    steps = document["steps"]
    index = _index(steps, name)
    following = steps[index + 1]["id"] if index + 1 < len(steps) else EXIT
    if steps[index].get("next") == following:
        del steps[index]["next"]


def _at(value: Any, path: Path) -> Any:
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _put(step: dict[str, Any], path: Path, value: Any) -> None:
    inner: Any = step
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
