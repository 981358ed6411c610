"""What makes a journey unfit to run: loops without a wait, shares that are not 100 %, a remainder that is not last, dead ends."""

from collections.abc import Iterator
from typing import Any

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import DefinitionError, Path, Problem

_DURATIONS = ("minutes", "hours", "days", "weeks")


def check_journeys(definitions: Definitions) -> tuple[list[DefinitionError], list[DefinitionError]]:
    """(mistakes, notes) of all journeys."""
    mistakes, notes = [], []
    for journey in definitions.of("journey").values():
        steps = journey.body["steps"]
        problems = [*_waits(steps), *_branches(steps), *_splits(steps), *_loops(steps), *_classes(steps, definitions)]
        mistakes += [journey.mistake(problem) for problem in problems]
        notes += [journey.mistake(problem) for problem in _unreachable(journey)]
    return mistakes, notes


def _waits(steps: list[dict[str, Any]]) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        if "wait" in step:
            yield from _wait(step["wait"], ("steps", index, "wait"))
        if "wait_for" in step:
            timeout = step["wait_for"]["timeout"]
            yield from _wait(timeout, ("steps", index, "wait_for", "timeout"))


def _wait(wait: dict[str, Any], path: Path) -> Iterator[Problem]:
    forms: list[str] = [form for form in ("until", "until_weekday", "until_property") if form in wait]
    if any(unit in wait for unit in _DURATIONS):
        forms.insert(0, "a duration")
    if len(forms) != 1:
        what = "the wait says nothing" if not forms else f"the wait says {' and '.join(forms)} at once"
        remedy = "Write minutes, hours, days or weeks, or one of until, until_weekday, until_property"
        yield Problem(path=path, code="wait", what=what, remedy=remedy)
    elif "offset_days" in wait and "until_property" not in wait:
        yield Problem(
            path=(*path, "offset_days"),
            code="wait",
            what="`offset_days` belongs to `until_property`",
            remedy="Delete it, or add `until_property`",
            at_key=True,
        )


def _branches(steps: list[dict[str, Any]]) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        parts = step.get("branch", [])
        for number, part in enumerate(parts[:-1]):
            if "when" not in part:
                what = f"the remainder `{part['id']}` (a branch without `when`) is not the last one"
                remedy = "Put it last, or give it a `when`: the branches behind it are never reached"
                yield Problem(
                    path=("steps", index, "branch", number), code="remainder_not_last", what=what, remedy=remedy
                )


def _splits(steps: list[dict[str, Any]]) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        if "split" not in step:
            continue
        total = sum(round(part["percent"] * 100) for part in step["split"]["parts"]) / 100
        if total != 100:
            remedy = "Change the shares so that together they give 100; who should get nothing needs a part with `next: exit`"
            path: Path = ("steps", index, "split", "parts")
            yield Problem(
                path=path,
                code="split_not_100",
                what=f"the parts of the split give {total:g} %",
                remedy=remedy,
                at_key=True,
            )


def _classes(steps: list[dict[str, Any]], definitions: Definitions) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        message = step.get("message")
        content = definitions.of("content").get(message["content"]) if message else None
        if message and content is not None and message["message_class"] != content.body["message_class"]:
            what = f"the step sends `{content.id}` as {message['message_class']}, but that content is {content.body['message_class']}"
            remedy = f"Write `message_class: {content.body['message_class']}` here, or choose another content"
            yield Problem(
                path=("steps", index, "message", "message_class"), code="message_class", what=what, remedy=remedy
            )


def ways_on(steps: list[dict[str, Any]], index: int) -> Iterator[tuple[str, bool, Path]]:
    """(next step or "exit", whether at least a minute passes on the way, where that stands) for every way out of a step.

    An event or a date that may lie in the past is no wait: only durations, timeouts by duration and the next weekday are.
    """
    step = steps[index]
    follows = steps[index + 1]["id"] if index + 1 < len(steps) else "exit"
    onward = step.get("next", follows)
    path: Path = ("steps", index)
    if "exit" in step:
        yield "exit", False, path
    elif "branch" in step:
        for number, part in enumerate(step["branch"]):
            yield part["next"], False, (*path, "branch", number, "next")
        if all("when" in part for part in step["branch"]):
            yield onward, False, path
    elif "split" in step:
        for number, part in enumerate(step["split"]["parts"]):
            yield part["next"], False, (*path, "split", "parts", number, "next")
    elif "wait_for" in step:
        for number, awaited in enumerate(step["wait_for"]["any"]):
            yield awaited.get("next", onward), False, (*path, "wait_for", "any", number)
        yield step["wait_for"].get("on_timeout", onward), _takes_time(step["wait_for"]["timeout"]), (*path, "wait_for")
    else:
        yield onward, "wait" in step and _takes_time(step["wait"]), (*path, "next") if "next" in step else path


def _takes_time(wait: dict[str, Any]) -> bool:
    return "until_weekday" in wait or any(unit in wait for unit in _DURATIONS)


def _loops(steps: list[dict[str, Any]]) -> Iterator[Problem]:
    """Every circle of steps in which no minute need pass; one problem per circle."""
    where = {step["id"]: index for index, step in enumerate(steps)}
    settled: set[str] = set()
    for start in where:
        if start in settled:
            continue
        circle = _circle(steps, where, start)
        if circle:
            settled.update(step for step, _ in circle)
            way = " -> ".join([*(step for step, _ in circle), start])
            remedy = "Put a step with `wait: {minutes: 1}` or longer into the circle"
            yield Problem(
                path=circle[-1][1],
                code="loop_without_wait",
                what=f"the journey goes in a circle without waiting: {way}",
                remedy=remedy,
            )


def _circle(steps: list[dict[str, Any]], where: dict[str, int], start: str) -> list[tuple[str, Path]]:
    """[(step, where its way on stands), ...] of the shortest circle through a step, [] if there is none."""
    came: dict[str, tuple[str, Path]] = {}
    queue = [start]
    for name in queue:
        for target, waits, path in ways_on(steps, where[name]):
            if waits or target not in where:
                continue
            if target == start:
                circle = [(name, path)]
                while circle[-1][0] != start:
                    circle.append(came[circle[-1][0]])
                return circle[::-1]
            if target not in came:
                came[target] = (name, path)
                queue.append(target)
    return []


def _unreachable(journey: Definition) -> Iterator[Problem]:
    steps = journey.body["steps"]
    where = {step["id"]: index for index, step in enumerate(steps)}
    queue = [journey.body.get("start", steps[0]["id"])]
    reached = set(queue)
    for name in queue:
        if name in where:
            ahead = [target for target, _, _ in ways_on(steps, where[name]) if target not in reached]
            reached.update(ahead)
            queue += ahead
    for step in steps:
        if step["id"] not in reached:
            path: Path = ("steps", where[step["id"]], "id")
            yield Problem(
                path=path,
                code="unreachable",
                what=f"no way leads to the step `{step['id']}`",
                remedy="Name it behind a `next`, or delete it",
            )
