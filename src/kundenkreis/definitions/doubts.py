"""Notes: what is possible but can hardly be meant, because nothing ever comes of it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import DefinitionError, Path, Problem
from kundenkreis.events.core.messages import is_usable_key
from kundenkreis.journeys.core.definitions import trigger_of
from kundenkreis.segments.core.leaf import names_of


def doubts(definitions: Definitions, *, channels: Collection[str]) -> list[DefinitionError]:
    """What is worth a note; `channels` are those by which this installation can send."""
    asked: tuple[tuple[str, Callable[[Definition], Iterator[Problem]]], ...] = (
        ("score", _thresholds_out_of_reach),
        ("score", _points_for_every_event),
        ("situation", _matters_of_every_event),
        ("content", _placeholders_of_others),
        ("journey", _attributes_of_others),
        ("journey", _triggers_on_every_event),
        ("journey", lambda journey: _nobody_sends(journey, channels)),
    )
    return [
        each.mistake(problem) for kind, ask in asked for each in definitions.of(kind).values() for problem in ask(each)
    ]


def _thresholds_out_of_reach(score: Definition) -> Iterator[Problem]:
    maximum = score.config.maximum
    for index, threshold in enumerate(score.config.thresholds):
        if threshold <= 0 or (maximum is not None and threshold > maximum):
            where = f"above 0 and up to {maximum:g}" if maximum is not None else "above 0"
            yield Problem(
                path=("thresholds", index), code="threshold_out_of_reach", what=f"the score never crosses {threshold:g}",
                remedy=f"Possible are points {where}",
            )  # fmt: skip


_FOREIGN = re.compile(r"\*\|\w+\|\*|%%\w+%%|\[\[\s*\w+\s*\]\]|(?<![{\w])\{\s*[A-Za-z_][\w.]*\s*\}(?!\})")
"""Placeholders of Mailchimp (`*|FNAME|*`), Salesforce (`%%name%%`), CleverReach and others; they would be sent as they stand."""


def _placeholders_of_others(content: Definition) -> Iterator[Problem]:
    for key, variant in content.body["variants"].items():
        for part, text in _texts(variant, ()):
            if found := _FOREIGN.search(text):
                yield Problem(
                    path=("variants", key, *part), code="foreign_placeholder", what=f"`{found.group()}` is sent as it stands",
                    remedy="Values of the person are written like {{ customer.first_name }}", line=text.count("\n", 0, found.start()) + 1,
                )  # fmt: skip


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a variant, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping | list):
        for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _texts(one, (*path, key))


def _attributes_of_others(journey: Definition) -> Iterator[Problem]:
    for index, step in enumerate(journey.body["steps"]):
        name = step.get("set_attribute", {}).get("name", "")
        if name and not is_usable_key(name):
            yield Problem(
                path=("steps", index, "set_attribute", "name"), code="attribute_not_settable", what=f"the attribute `{name}` cannot be set",
                remedy="Choose another name: letters, digits and _ . $ -, and none of consent, suppression or our own; what is set here is passed over",
            )  # fmt: skip


def _triggers_on_every_event(journey: Definition) -> Iterator[Problem]:
    """`*` is every event where events are counted; what a journey waits for is an event by its name."""
    body = journey.body
    leave = body.get("exit_when", {})
    triggers: list[tuple[tuple[str | int, ...], Mapping[str, Any] | None]] = [
        (("entry", "event"), body["entry"].get("event")),
        (("goal", "event"), body.get("goal", {}).get("event")),
        (("exit_when", "event"), trigger_of(leave)),
    ]
    for index, step in enumerate(body["steps"]):
        for way, awaited in enumerate(step.get("wait_for", {}).get("any", ())):
            triggers.append((("steps", index, "wait_for", "any", way, "event"), awaited.get("event")))
    yield from _on_every_event(triggers)


def _points_for_every_event(score: Definition) -> Iterator[Problem]:
    """Points are given for events by their names."""
    yield from _on_every_event(
        (("rules", index, "event"), rule["event"]) for index, rule in enumerate(score.body.get("rules", ()))
    )


def _matters_of_every_event(situation: Definition) -> Iterator[Problem]:
    """A matter begins and ends with events by their names."""
    begins = situation.body["begins"]
    if isinstance(begins, list):
        yield from _on_every_event((("begins", index), one) for index, one in enumerate(begins))
    elif "name" in begins:
        yield from _on_every_event([(("begins",), begins)])
    yield from _on_every_event((("ends", index), one) for index, one in enumerate(situation.body.get("ends", ())))


def _on_every_event(
    triggers: Iterable[tuple[tuple[str | int, ...], Mapping[str, Any] | None]],
) -> Iterator[Problem]:
    for path, trigger in triggers:
        if trigger is not None and "*" in names_of(trigger["name"]):
            yield Problem(
                path=(*path, "name"), code="never_triggers", what="no event is called `*`",
                remedy="Name the event, or several as a list; `*` means every event only where events are counted",
            )  # fmt: skip


def _nobody_sends(journey: Definition, channels: Collection[str]) -> Iterator[Problem]:
    for index, step in enumerate(journey.body["steps"]):
        channel = step.get("message", {}).get("channel", "")
        if channel and channel not in channels:
            yield Problem(
                path=("steps", index, "message", "channel"), code="nobody_sends", what=f"nothing here sends by `{channel}`",
                remedy=f"Its messages will fail; what sends is {', '.join(sorted(channels))}, and channels installed beside it",
            )  # fmt: skip
