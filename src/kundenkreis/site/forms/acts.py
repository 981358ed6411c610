"""What a form's buttons do to the data read from the same form: a row or a part more, one less, one place up or down.

An act is "<verb>:<name>", the name as fields are posted: "row:f.limits", "add:c.0", "remove:config.any.1", "up:c.2". Names leave out the
words of a condition's groups: "c.0.1" is the second part of the first part, whatever groups they are.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from kundenkreis.segments.core.tree import GROUPS
from kundenkreis.site.forms.condition_form import NOT, only_key

VERBS = ("row", "add", "group", "remove", "up", "down")
_ACT = re.compile(rf"({'|'.join(VERBS)}):([A-Za-z0-9_.]{{1,400}})")
_MOST_ROWS = 1000
Change = Callable[[Any], Any]


def acted(data: Any, act: str, prefix: str) -> Any:
    """The data after a button was pressed; an act that fits nothing changes nothing.

    Args:
        data: plain data of the form whose names begin with `prefix`.
        act: row (one more row), add (one more part of a condition), group (a group around a condition), remove, up, down.
    """
    match = _ACT.fullmatch(act)
    if match is None or not (match[2] == prefix or match[2].startswith(f"{prefix}.")):
        return data
    verb, steps = match[1], [step for step in match[2][len(prefix) :].split(".") if step]
    if verb in ("row", "add", "group"):
        return _at(data, steps, {"row": _with_row, "add": _with_part, "group": _grouped}[verb])
    if not steps:
        return {} if verb == "remove" and only_key(data)[0] else data
    return _at(data, steps[:-1], lambda parent: _moved(parent, steps[-1], verb))


def _at(data: Any, steps: Sequence[str], change: Change) -> Any:
    """The data with the place at these steps changed; steps that lead nowhere change nothing."""
    if not steps:
        return change(data)
    step, kind = steps[0], only_key(data)[0]
    if isinstance(data, dict) and step.isdigit() and kind in (*GROUPS, NOT):
        if kind == NOT:
            return {NOT: _at(data[NOT], steps[1:], change)} if step == "0" else data
        return {kind: _at(data[kind], steps, change)}
    if isinstance(data, list) and step.isdigit() and int(step) < len(data):
        return [_at(one, steps[1:], change) if place == int(step) else one for place, one in enumerate(data)]
    if isinstance(data, dict) and not step.isdigit():
        before = data.get(step)
        after = _at(before, steps[1:], change)
        return data if after is before or after == before else {**data, step: after}
    return data


def _with_row(held: Any) -> Any:
    if held is not None and not isinstance(held, list):
        return held
    return [*(held or ()), {}][:_MOST_ROWS]


def _with_part(held: Any) -> Any:
    kind, inside = only_key(held)
    if kind in GROUPS and isinstance(inside, list):
        return {kind: [*inside, {}]}
    if kind == NOT:
        return {NOT: {"any": [inside, {}]} if inside else {"any": [{}]}}
    return {"all": [held, {}]} if kind else {"all": [{}]}


def _grouped(held: Any) -> Any:
    return {"all": [held]} if only_key(held)[0] else {"all": [{}]}


def _moved(parent: Any, step: str, verb: str) -> Any:
    """The parent without one of its parts, or with it one place up or down."""
    kind, inside = only_key(parent)
    if kind == NOT and step == "0":
        return {} if verb == "remove" else parent
    if kind in GROUPS and step.isdigit():
        return {kind: _moved(inside, step, verb)}
    if isinstance(parent, dict) and verb == "remove" and only_key(parent.get(step))[0]:
        return {key: value for key, value in parent.items() if key != step}
    if not isinstance(parent, list) or not step.isdigit() or int(step) >= len(parent):
        return parent
    place = int(step)
    parts = list(parent)
    part = parts.pop(place)
    if verb != "remove":
        parts.insert(max(place + (-1 if verb == "up" else 1), 0), part)
    return parts
