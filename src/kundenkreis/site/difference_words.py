"""Where two forms of one definition differ, place by place in words: what publishing changes, and what two people wrote differently."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.site import formats
from kundenkreis.site.condition_words import indented_lines
from kundenkreis.site.event_words import event_word
from kundenkreis.site.forms.field_words import field_word, option_word
from kundenkreis.site.profile_words import attribute_word

_CONDITIONS = frozenset({"when", "if", "exit_when", "condition", "audience"})
"""Keys behind which a condition stands."""
_WITHOUT_WORDS = frozenset({"kind", "id"})
_LONGEST = 160
_AROUND = 24
"""Letters shown before and after the part of a long text that differs."""
_NAMED_BY_ID = "id"
Steps = tuple[tuple[str, str], ...]
"""The way to a place: (key, "") for a part, ("", name) for a row."""
_ABSENT: Any = object()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where two forms differ."""

    where: str
    before: str
    """"" where there is nothing."""
    after: str

    @property
    def line(self) -> str:
        """The same as one line: Days: 3 → 5."""
        if not self.before:
            return _("%(where)s: new, %(value)s") % {"where": self.where, "value": self.after}
        if not self.after:
            return _("%(where)s: removed, %(value)s") % {"where": self.where, "value": self.before}
        return f"{self.where}: {self.before} → {self.after}"


def differences_between(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[Difference]:
    """Every place where two documents of one definition differ, in the order of the document; None: there is none."""
    found = _walk(before or {}, after or {}, ())
    return [
        Difference(where=_place(steps), before=old, after=new)
        for steps, old, new in found
        if steps and not (len(steps) == 1 and steps[0][0] in _WITHOUT_WORDS)
    ]


def change_lines(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    """The same, one line each; one line where there was nothing before or is nothing after."""
    if before is None:
        return [_("All of it is new.")]
    if after is None:
        return [_("It is gone.")]
    return [one.line for one in differences_between(before, after)]


Found = Iterator[tuple[Steps, str, str]]


def _walk(old: Any, new: Any, steps: Steps) -> Found:
    if old is not _ABSENT and new is not _ABSENT and old == new and type(old) is type(new):
        return
    key = steps[-1][0] if steps else ""
    if key in _CONDITIONS and all(one is _ABSENT or one is None or isinstance(one, Mapping) for one in (old, new)):
        yield from _conditions(old, new, steps)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for one in dict.fromkeys([*old, *new]):
            yield from _walk(old.get(one, _ABSENT), new.get(one, _ABSENT), (*steps, (str(one), "")))
    elif _is_rows(old) and _is_rows(new) and (old not in (_ABSENT, []) or new not in (_ABSENT, [])):
        yield from _rows(old if old is not _ABSENT else [], new if new is not _ABSENT else [], steps)
    else:
        yield steps, *_shortened(_value(key, old), _value(key, new))


def _is_rows(value: Any) -> bool:
    return value is _ABSENT or (isinstance(value, list) and all(isinstance(one, Mapping) for one in value))


def _rows(old: list[Any], new: list[Any], steps: Steps) -> Found:
    by_id = all(_NAMED_BY_ID in one for one in [*old, *new])
    left = {_row_name(one, number, by_id=by_id): one for number, one in enumerate(old, 1)}
    right = {_row_name(one, number, by_id=by_id): one for number, one in enumerate(new, 1)}
    for name in dict.fromkeys([*left, *right]):
        before, after = left.get(name, _ABSENT), right.get(name, _ABSENT)
        here = (*steps, ("", name))
        if before is _ABSENT or after is _ABSENT:
            yield here, _row_told(before), _row_told(after)
        else:
            yield from _walk(before, after, here)
    order = [name for name in left if name in right], [name for name in right if name in left]
    if by_id and order[0] != order[1]:
        was, now = (", ".join(_readable(name) for name in one) for one in order)
        yield (*steps, ("order", "")), was, now


def _row_name(row: Mapping[str, Any], number: int, *, by_id: bool) -> str:
    return str(row[_NAMED_BY_ID]) if by_id else str(number)


def _row_told(row: Any) -> str:
    if row is _ABSENT:
        return ""
    said = [
        f"{field_word(key)}: {_value(key, value)}" for key, value in row.items() if key not in ("id", "name", "next")
    ]
    name = formats.name_in(row["name"], "") if isinstance(row.get("name"), Mapping) else ""
    text = name or "; ".join(one for one in said if not one.endswith(": ")) or _("something")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _conditions(old: Any, new: Any, steps: Steps) -> Found:
    """Only the lines of a condition that differ, together."""
    before, after = (indented_lines(one) if isinstance(one, Mapping) and one else [] for one in (old, new))
    gone, come = [], []
    for line in difflib.ndiff(before, after):
        if line.startswith("- "):
            gone.append(line[2:].strip())
        elif line.startswith("+ "):
            come.append(line[2:].strip())
    if gone or come:
        yield steps, " · ".join(gone), " · ".join(come)


def _value(key: str, value: Any) -> str:  # noqa: PLR0911 - one line per type
    if value is _ABSENT or value in (None, ""):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formats.decimal(value)
    if isinstance(value, str):
        return _word(key, value)
    if isinstance(value, list):
        return ", ".join(_value(key, one) for one in value)
    if isinstance(value, Mapping):
        if key in _CONDITIONS and value:
            return " · ".join(line.strip() for line in indented_lines(value))
        parts = ((field_word(str(one)), _value(str(one), held)) for one, held in value.items())
        return "; ".join(f"{word}: {held}" for word, held in parts if held)
    return str(value)


def _word(key: str, text: str) -> str:
    if key in ("next", "on_timeout", "start"):
        return _("End") if text == "exit" else _readable(text)
    words: Mapping[str, Callable[[str], str]] = {"event": event_word, "name": event_word, "attribute": attribute_word}
    return words[key](text) if key in words else option_word(key, text)


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _shortened(old: str, new: str) -> tuple[str, str]:
    """Long texts without the beginning and end that both share."""
    if max(len(old), len(new)) <= _LONGEST:
        return old, new
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    start = max(same - _AROUND, 0)
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    cut = text[start : start + _LONGEST]
    return f"{'…' if start else ''}{cut}{'…' if len(text) > start + _LONGEST else ''}"


def _place(steps: Steps) -> str:
    """The way in words: Step “pause” · Days."""
    said: list[str] = []
    plain: list[str] = []
    kinds = installed_plugins().steps
    for key, row in steps:
        if row:
            said[-1:] = [_row_word(plain[-1] if plain else "", row)]
        elif key in kinds and plain[-1:] == ["steps"]:
            continue  # what a step does stands in its name
        else:
            plain.append(key)
            said.append(_part_word(plain))
    return " · ".join(said)


def _row_word(part: str, row: str) -> str:
    if part == "steps":
        return _("Step “%(step)s”") % {"step": _readable(row)}
    if part == "blocks":
        return _("Block %(number)s") % {"number": row}
    return f"{field_word(part)} · {_readable(row)}"


def _part_word(plain: list[str]) -> str:
    known = {
        "steps": _("Steps"),
        "order": _("Order"),
        "entry": _("Entry"),
        "holdout": _("Control group"),
        "re_entry": _("How often"),
        "start": _("First step"),
        "when": _("Condition"),
        "variants": _("Variants"),
        "blocks": _("Blocks"),
        "subject": _("Subject"),
        "preheader": _("Preview line"),
        "why": _("Why this mail came"),
        "text": _("Text"),
        "call_to_action": _("Call to action"),
        "up_to_date_until": _("Up to date until"),
    }
    last = plain[-1]
    if plain == ["value"]:
        return _("What it gives the reader")
    placed = field_word(".".join(plain))
    return known.get(last, placed) if len(plain) == 1 or plain[0] in ("steps", "variants", "entry") else placed
