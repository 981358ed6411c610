"""A journey as an outline to edit: its settings and each step as a form, with mistakes at their fields. Needs no script."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.drafts import DraftMistake
from kundenkreis.definitions.names import CHANNELS, EVENTS
from kundenkreis.journeys.core.definitions import DateEntry, EventTrigger, ScheduleEntry
from kundenkreis.journeys.core.drawing import Drawing
from kundenkreis.journeys.core.protocol import EXIT
from kundenkreis.journeys.steps.registry import STEPS, kinds_by_name
from kundenkreis.site import formats, journey_words
from kundenkreis.site.field_words import option_label
from kundenkreis.site.formats import language
from kundenkreis.site.mistake_words import mistake_word
from kundenkreis.site.schema_forms import Field, Options, Path, fields_of, read_form

ENTRY_WAYS: dict[str, Any] = {
    "event": EventTrigger, "segment_entered": str, "segment_left": str, "date": DateEntry, "schedule": ScheduleEntry,
}  # fmt: skip
"""Ways in that can be chosen, with their typed configuration. A broadcast is started by a person and is not a journey's own entry."""
_NEW_ENTRY: dict[str, Any] = {
    "event": {"name": ""}, "segment_entered": "", "segment_left": "", "date": {"attribute": ""},
    "schedule": {"every": "day", "at": "10:00", "audience": {}},
}  # fmt: skip
RE_ENTRIES = ("once", "always", "after_exit", "once_per_key", "cooldown")


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
    fields: tuple[Field, ...]
    ways: tuple[Way, ...]
    errors: tuple[str, ...]
    """About the step as a whole."""
    wrong: int
    """Mistakes in it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for the whole journey."""

    names: tuple[Field, ...]
    entry_way: str
    entry_ways: tuple[tuple[str, str], ...]
    entry: tuple[Field, ...]
    entry_if: Field
    re_entry: str
    re_entries: tuple[tuple[str, str], ...]
    cooldown_days: str
    goal_event: Field
    goal_days: str
    goal_ends: bool
    exit_when: Field
    control_percent: str
    priority: str
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


def options_of(definitions: Definitions, document: Mapping[str, Any]) -> Options:
    """What references of this journey may name."""

    def named(kind: str) -> list[tuple[str, str]]:
        found = [
            (name, formats.name_in(one.body.get("name") or {}, name)) for name, one in definitions.of(kind).items()
        ]
        return sorted(found, key=lambda one: one[1].casefold())

    policy = definitions.single("policy")
    purposes = policy.body.get("purposes") or [] if policy is not None else []
    return {
        "content": named("content"),
        "segment": named("segment"),
        "score": named("score"),
        "purpose": [(one["id"], formats.name_in(one.get("name") or {}, one["id"])) for one in purposes],
        "channel": [(name, option_label(name)) for name in CHANNELS],
        "event": [(name, name) for name in EVENTS],
        "attribute": [],
        "step": targets_of(document),
    }


def targets_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Where ways may lead."""
    kinds = kinds_by_name()
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
    options = options_of(definitions, document)
    own = [one for one in mistakes if one.key == f"journey:{document.get('id')}"]
    by_path: dict[Path, list[str]] = defaultdict(list)
    for one in own:
        by_path[one.path].append(mistake_word(one))
    steps = [
        _step(box, document["steps"][box.index], drawing, by_path, options) for box in drawing.boxes if box.index >= 0
    ]
    return Outline(
        settings=_settings(document, by_path, options),
        steps=tuple(sorted(steps, key=lambda step: _place(document, step.id))),
        kinds=tuple((kind.kind, kind.label[language()]) for kind in STEPS),
        targets=tuple(options["step"]),
        elsewhere=tuple(f"{one.key}: {mistake_word(one)}" for one in mistakes if one not in own),
        wrong=len(mistakes),
    )


def _place(document: Mapping[str, Any], name: str) -> int:
    return next(index for index, step in enumerate(document["steps"]) if step.get("id") == name)


def _step(
    box: Any, step: Mapping[str, Any], drawing: Drawing, by_path: Mapping[Path, Sequence[str]], options: Options
) -> OutlineStep:
    kind = kinds_by_name().get(box.kind)
    inside = {path[2:]: said for path, said in by_path.items() if path[:2] == ("steps", box.index)}
    config_errors = {path[1:]: said for path, said in inside.items() if path and path[0] == box.kind and len(path) > 1}
    about = [sentence for path, said in inside.items() if path[1:] not in config_errors for sentence in said]
    fields = fields_of(kind.config, step[box.kind], options=options, errors=config_errors) if kind is not None else ()
    ways = tuple(
        Way(
            name=line.name, label=journey_words.way_word(line.name), target=EXIT if line.target.startswith(f"{EXIT}:") else line.target,
            can_change=line.path[2:] == ("next",),
        )
        for line in drawing.lines if line.source == box.id
    )  # fmt: skip
    return OutlineStep(
        id=box.id, title=box.label.get(language(), box.id), words=box.words.get(language(), ""), icon=box.icon, group=box.group,
        fields=fields, ways=ways, errors=tuple(about), wrong=sum(len(said) for said in inside.values()),
    )  # fmt: skip


def _settings(document: Mapping[str, Any], by_path: Mapping[Path, Sequence[str]], options: Options) -> Settings:
    entry, goal = document.get("entry") or {}, document.get("goal") or {}
    way = next((key for key in ENTRY_WAYS if key in entry), "")
    names = document.get("name") or {}
    mine = {path: said for path, said in by_path.items() if not path or path[0] != "steps"}
    entry_errors = {path[2:]: said for path, said in mine.items() if path[:2] == ("entry", way)}
    re_entry = document.get("re_entry", "once")
    shown = {("goal", "event", "name")} | {("entry", way, *path) for path in entry_errors}
    about = [sentence for path, said in mine.items() if path not in shown for sentence in said]
    return Settings(
        names=tuple(
            Field(name=f"name.{each}", label=label, widget="text", value=str(names.get(each, "")))
            for each, label in (("de", _("Name, German")), ("en", _("Name, English")))
        ),
        entry_way=way,
        entry_ways=tuple(_entry_ways()),
        entry=_entry_fields(way, entry.get(way), options, entry_errors),
        entry_if=_condition("entry_if", _("Only if"), entry.get("if"), options),
        re_entry="cooldown" if isinstance(re_entry, Mapping) else str(re_entry),
        re_entries=tuple(_re_entries()),
        cooldown_days=str(re_entry.get("cooldown_days", "")) if isinstance(re_entry, Mapping) else "",
        goal_event=Field(
            name="goal_event", label=_("Goal: this event"), widget="suggest", value=_event_names(goal), options=tuple(options["event"]),
            errors=tuple(by_path.get(("goal", "event", "name"), ())),
        ),
        goal_days=str(goal.get("within_days", "") or ""), goal_ends=bool(goal.get("exit_on_goal", True)),
        exit_when=_condition("exit_when", _("Leave when"), document.get("exit_when"), options),
        control_percent=f"{(document.get('holdout') or {}).get('percent', 0):g}", priority=str(document.get("priority", 5)),
        errors=tuple(about), wrong=sum(len(said) for said in mine.values()),
    )  # fmt: skip


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


def _entry_fields(way: str, data: Any, options: Options, errors: Mapping[Path, Sequence[str]]) -> tuple[Field, ...]:
    if way in ("segment_entered", "segment_left"):
        return (
            Field(
                name="entry", label=_("Segment"), widget="select", value=str(data or ""), options=tuple(options["segment"]),
                errors=tuple(errors.get((), ())),
            ),
        )  # fmt: skip
    return fields_of(ENTRY_WAYS[way], data, options=options, errors=errors, name="entry") if way else ()


def _condition(name: str, label: str, data: Any, options: Options) -> Field:
    return Field(
        name=name, label=label, widget="condition", value="kept" if data else "", options=tuple(options["segment"]), optional=True
    )  # fmt: skip


def _event_names(goal: Mapping[str, Any]) -> str:
    name = (goal.get("event") or {}).get("name", "")
    return ", ".join(name) if isinstance(name, list) else str(name)


def read_settings(document: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, Any]:
    """The document with the settings of a sent form."""
    changed = dict(document)
    names = {each: text for each in ("de", "en") if (text := sent.get(f"name.{each}", "").strip())}
    changed["name"] = {**(document.get("name") or {}), **names}
    changed["entry"] = _read_entry(document.get("entry") or {}, sent)
    changed["re_entry"] = _read_re_entry(sent)
    _put(changed, "goal", _read_goal(document.get("goal") or {}, sent))
    _put(changed, "exit_when", _chosen(sent.get("exit_when", "keep"), document.get("exit_when")))
    percent = sent.get("control_percent", "").strip().replace(",", ".")
    if percent not in ("", "0"):
        changed["holdout"] = {**(document.get("holdout") or {}), "percent": _number(percent)}
    else:
        changed.pop("holdout", None)
    if priority := sent.get("priority", "").strip():
        changed["priority"] = _number(priority)
    return changed


def _read_entry(entry: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, Any]:
    way = sent.get("entry_way", "")
    if way not in ENTRY_WAYS:
        found = {key: value for key, value in entry.items() if key != "if"}
    elif way not in entry:
        found = {way: _NEW_ENTRY[way]}
    elif ENTRY_WAYS[way] is str:
        found = {way: sent.get("entry", entry[way])}
    else:
        found = {way: read_form(ENTRY_WAYS[way], sent, entry[way], name="entry") or _NEW_ENTRY[way]}
    if "key" in entry and way == "event":
        found["key"] = entry["key"]
    _put(found, "if", _chosen(sent.get("entry_if", "keep"), entry.get("if")))
    return found


def _read_re_entry(sent: Mapping[str, str]) -> Any:
    chosen = sent.get("re_entry", "once")
    return {"cooldown_days": _number(sent.get("cooldown_days", "") or "30")} if chosen == "cooldown" else chosen


def _read_goal(goal: Mapping[str, Any], sent: Mapping[str, str]) -> dict[str, Any] | None:
    names = [name.strip() for name in sent.get("goal_event", "").split(",") if name.strip()]
    if not names and "condition" not in goal:
        return None
    found = dict(goal)
    if names:
        found["event"] = {**(goal.get("event") or {}), "name": names[0] if len(names) == 1 else names}
        found.pop("condition", None)
    days = sent.get("goal_days", "").strip()
    _put(found, "within_days", _number(days) if days else None)
    if "exit_on_goal" in goal or "goal_ends" not in sent:
        found["exit_on_goal"] = "goal_ends" in sent
    return found


def _chosen(said: str, before: Any) -> Any:
    word, _colon, name = said.partition(":")
    if word == "segment":
        return {"segment": {"id": name}}
    if word == "not_segment":
        return {"not": {"segment": {"id": name}}}
    return before if word == "keep" else None


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    if value in (None, ""):
        target.pop(key, None)
    else:
        target[key] = value


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value
