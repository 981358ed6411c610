"""A journey as an outline to edit: its settings and each step as a form, with mistakes at their fields. Needs no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.drafts import DraftMistake
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.journeys.core.definitions import Cooldown, Entry, Holdout, JourneyDefinition
from kundenkreis.journeys.core.drawing import Drawing
from kundenkreis.journeys.core.protocol import EXIT
from kundenkreis.site import journey_words
from kundenkreis.site.formats import language
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.as_before import as_before
from kundenkreis.site.forms.condition_form import ConditionForms
from kundenkreis.site.forms.offers import condition_forms, offered, options_of
from kundenkreis.site.forms.typed_fields import Errors, Options, Path, TypedField, errors_below, fields_of
from kundenkreis.site.forms.typed_reading import Data, read_config
from kundenkreis.site.mistake_words import mistake_word, mistakes_at

ENTRY_WAYS = ("event", "segment_entered", "segment_left", "date", "schedule")
"""Ways in that can be chosen. A broadcast is started by a person and is not a journey's own entry."""
_NEW_ENTRY: dict[str, Any] = {
    "event": {"name": ""}, "segment_entered": "", "segment_left": "", "date": {"attribute": ""},
    "schedule": {"every": "day", "at": "10:00", "audience": {}},
}  # fmt: skip
RE_ENTRIES = ("once", "always", "after_exit", "once_per_key", "cooldown")
STEP, WHOLE = "config", "j"
"""What the names of a step's fields begin with, and those of the whole journey."""
_OF_THE_WHOLE = ("name", "goal", "exit_when", "priority")
_NONE: tuple[Any, ...] = (None, "", 0)


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way out of a step."""

    name: str
    label: str
    target: str
    can_change: bool
    """Whether its target is chosen here; otherwise its field stands in the step's form."""


@dataclass(frozen=True, kw_only=True)
class OutlineStep:
    """One step as a form."""

    id: str
    title: str
    words: str
    icon: str
    group: str
    fields: Sequence[TypedField]
    ways: tuple[Way, ...]
    errors: tuple[str, ...]
    """About the step as a whole."""
    wrong: int
    """Mistakes in it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for the whole journey."""

    name: TypedField
    entry_way: str
    entry_ways: tuple[tuple[str, str], ...]
    entry: Sequence[TypedField]
    re_entry: str
    re_entries: tuple[tuple[str, str], ...]
    cooldown: Sequence[TypedField]
    rest: Sequence[TypedField]
    """Goal, when to leave, control group, priority."""
    errors: tuple[str, ...]
    wrong: int


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The whole journey."""

    settings: Settings
    steps: tuple[OutlineStep, ...]
    kinds: tuple[tuple[str, str], ...]
    targets: tuple[tuple[str, str], ...]
    elsewhere: tuple[str, ...]
    """Mistakes that the draft brings about in other definitions."""
    wrong: int


def targets_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where ways may lead."""
    kinds = installed_plugins().steps
    found = []
    for step in document.get("steps") or ():
        kind = next((kinds[key] for key in step if key in kinds), None)
        word = kind.label[language()] if kind is not None else ""
        found.append((str(step.get("id")), f"{word}: {str(step.get('id')).replace('_', ' ')}"))
    return [*found, (EXIT, _("End"))]


def outline_of(
    document: Mapping[str, Any], drawing: Drawing, mistakes: Sequence[DraftMistake], definitions: Definitions
) -> Outline:
    """The journey as forms, every mistake where it belongs."""
    targets = targets_of(document)
    maker = _Maker(options_of(offered(definitions) | {"step": targets}))
    own = [one for one in mistakes if one.key == f"journey:{document.get('id')}"]
    errors = mistakes_at(own, document)
    steps = [maker.step(box, document["steps"][box.index], drawing, errors) for box in drawing.boxes if box.index >= 0]
    return Outline(
        settings=maker.settings(document, errors),
        steps=tuple(sorted(steps, key=lambda step: _place(document, step.id))),
        kinds=tuple((kind.kind, kind.label[language()]) for kind in installed_plugins().steps.values()),
        targets=tuple(targets),
        elsewhere=tuple(f"{one.key}: {mistake_word(one)}" for one in mistakes if one not in own),
        wrong=len(mistakes),
    )


def _place(document: Mapping[str, Any], name: str) -> int:
    return next(index for index, step in enumerate(document["steps"]) if step.get("id") == name)


class _Maker:
    def __init__(self, options: Options) -> None:
        self._options, self._conditions = options, condition_forms(options)

    def _fields(
        self, config: Any, data: Any, prefix: str, errors: Errors, only: Sequence[str] | None = None
    ) -> list[TypedField]:
        return fields_of(
            config, data, prefix, options=self._options, errors=errors, conditions=self._conditions, only=only
        )

    def step(self, box: Any, step: Mapping[str, Any], drawing: Drawing, errors: Errors) -> OutlineStep:
        """One step, where its box stands in the drawing."""
        kind = installed_plugins().steps.get(box.kind)
        inside = errors_below(errors, "steps", box.index)
        of_config = errors_below(inside, box.kind)
        fields = self._fields(kind.config, step[box.kind], STEP, of_config) if kind is not None else []
        shown = {
            (box.kind, *path) for path in of_config if fields and (_is_listed(fields) or path[:1] in _keys(fields))
        }
        ways = tuple(
            Way(
                name=line.name, label=journey_words.way_word(line.name), target=EXIT if line.target.startswith(f"{EXIT}:") else line.target,
                can_change=line.path[2:] == ("next",),
            )
            for line in drawing.lines if line.source == box.id
        )  # fmt: skip
        return OutlineStep(
            id=box.id, title=box.label.get(language(), box.id), words=box.words.get(language(), ""), icon=box.icon, group=box.group,
            fields=fields, ways=ways, errors=tuple(said for path, said in inside.items() if path not in shown), wrong=len(inside),
        )  # fmt: skip

    def settings(self, document: Mapping[str, Any], errors: Errors) -> Settings:
        """What holds for the whole journey."""
        entry, re_entry = document.get("entry") or {}, document.get("re_entry", "once")
        way = next((key for key in ENTRY_WAYS if key in entry), "")
        whole = {one.key: one for one in self._fields(JourneyDefinition, document, WHOLE, errors, _OF_THE_WHOLE)}
        control = {"percent": 0, **(document.get("holdout") or {})}
        of_entry = _entry_parts(way)
        mine = {path: said for path, said in errors.items() if not path or path[0] != "steps"}
        shown = {(one,) for one in _OF_THE_WHOLE} | {("holdout",)} | {("entry", one) for one in of_entry}
        shown |= {("re_entry", "cooldown_days")}
        return Settings(
            name=whole["name"],
            entry_way=way,
            entry_ways=tuple(_entry_ways()),
            entry=[
                _without_key(one)
                for one in self._fields(Entry, entry, f"{WHOLE}.entry", errors_below(errors, "entry"), of_entry)
            ],
            re_entry="cooldown" if isinstance(re_entry, Mapping) else str(re_entry),
            re_entries=tuple(_re_entries()),
            cooldown=self._fields(
                Cooldown, re_entry if isinstance(re_entry, Mapping) else {}, f"{WHOLE}.re_entry", errors_below(errors, "re_entry")
            ),
            rest=[
                whole["goal"], whole["exit_when"],
                *self._fields(Holdout, control, f"{WHOLE}.holdout", errors_below(errors, "holdout"), ("percent",)), whole["priority"],
            ],
            errors=tuple(said for path, said in mine.items() if path[:1] not in shown and path[:2] not in shown),
            wrong=len(mine),
        )  # fmt: skip


def _without_key(field: TypedField) -> TypedField:
    """The event that lets people in has no key of its own: the entry's tells runs apart."""
    return replace(field, parts=[part for part in field.parts if part.key != "key"])


def _keys(fields: Sequence[TypedField]) -> set[Path]:
    return {(one.key,) for one in fields}


def _is_listed(fields: Sequence[TypedField]) -> bool:
    """Whether the configuration is one list."""
    return len(fields) == 1 and not fields[0].key


def _entry_parts(way: str) -> tuple[str, ...]:
    return (*((way,) if way else ()), *(("key",) if way == "event" else ()), "if")


def _entry_ways() -> list[tuple[str, str]]:
    return [
        ("event", _("after an event")),
        ("segment_entered", _("when somebody enters a segment")),
        ("segment_left", _("when somebody leaves a segment")),
        ("date", _("at a date of the profile")),
        ("schedule", _("again and again")),
    ]


def _re_entries() -> list[tuple[str, str]]:
    return [
        ("once", _("once in a life")),
        ("always", _("always; it starts over")),
        ("after_exit", _("again, after the end")),
        ("once_per_key", _("once per order, cart or voucher")),
        ("cooldown", _("again after a pause of days")),
    ]


def read_step(config: Any, sent: Data, before: Any) -> Any:
    """A step's configuration as a sent form says it, after the form's button."""
    kinds = installed_plugins().conditions
    read = as_before(config, read_config(config, sent, STEP, conditions=ConditionForms(kinds)), before, kinds)
    return acted(read, sent.get("act", ""), STEP)


def read_settings(document: Mapping[str, Any], sent: Data) -> dict[str, Any]:
    """The document with the settings of a sent form, after the form's button."""
    kinds = installed_plugins().conditions
    conditions = ConditionForms(kinds)
    whole: dict[str, Any] = read_config(JourneyDefinition, sent, WHOLE, conditions=conditions, only=_OF_THE_WHOLE)
    changed = {key: value for key, value in document.items() if key not in (*_OF_THE_WHOLE, "holdout")} | whole
    changed["entry"] = _read_entry(document.get("entry") or {}, sent, conditions)
    changed["re_entry"] = _read_re_entry(sent, conditions)
    control = read_config(Holdout, sent, f"{WHOLE}.holdout", conditions=conditions, only=("percent",))
    if control["percent"] not in _NONE:
        changed["holdout"] = {**(document.get("holdout") or {}), **control}
    found: dict[str, Any] = acted(as_before(JourneyDefinition, changed, document, kinds), sent.get("act", ""), WHOLE)
    return found


def _read_entry(entry: Mapping[str, Any], sent: Data, conditions: ConditionForms) -> dict[str, Any]:
    way = sent.get("entry_way", "")
    read: dict[str, Any] = read_config(Entry, sent, f"{WHOLE}.entry", conditions=conditions, only=_entry_parts(way))
    if way not in ENTRY_WAYS:
        return {key: value for key, value in entry.items() if key != "if"} | read
    if way not in entry:
        return {**read, way: _NEW_ENTRY[way]}
    kept = {"key": entry[way]["key"]} if way == "event" and "key" in entry[way] else {}
    held = read.get(way, _NEW_ENTRY[way])
    return {**read, way: {**held, **kept} if kept else held}


def _read_re_entry(sent: Data, conditions: ConditionForms) -> Any:
    chosen = sent.get("re_entry", "once")
    if chosen != "cooldown":
        return chosen
    days: dict[str, Any] = read_config(Cooldown, sent, f"{WHOLE}.re_entry", conditions=conditions)
    return days if days["cooldown_days"] != "" else {"cooldown_days": 30}
