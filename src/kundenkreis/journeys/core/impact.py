"""What publishing a new version of a journey changes, and for whom: shown before anybody says yes (design: Publishing).

Running people stay on the version they entered, so a removed step moves nobody; it means that so many people still go through
texts and rules that the new version no longer shows.
"""

from collections.abc import Mapping

import msgspec

from kundenkreis.journeys.core.definitions import JourneyDefinition


class StepImpact(msgspec.Struct, frozen=True):
    """One step that differs, and who stands in it."""

    step_id: str
    change: str
    """added, removed, changed."""
    standing: int
    """People in the old version who wait in this step now (0 for added steps)."""


class JourneyImpact(msgspec.Struct, frozen=True):
    """The difference between two versions of one journey."""

    journey_id: str
    steps: list[StepImpact]
    """In the order of the new version, removed ones behind."""
    changed: list[str]
    """Other parts that differ: entry, goal, exit_when, holdout, re_entry, priority, start, name, description."""
    running: int
    """People in runs of the old version: they finish it as it was."""
    starts_new_people_only: bool
    """False only when entry or re-entry differ, so that people who have been through may come again."""


def compare_versions(old: JourneyDefinition, new: JourneyDefinition, *, standing: Mapping[str, int]) -> JourneyImpact:
    """What differs between the published and the new version.

    Args:
        standing: step id -> people whose run of the old version stands there now.
    """
    before = {str(step.get("id")): _with_next(old, index) for index, step in enumerate(old.steps)}
    after = {str(step.get("id")): _with_next(new, index) for index, step in enumerate(new.steps)}
    steps = [
        StepImpact(step_id, "changed" if step_id in before else "added", standing.get(step_id, 0))
        for step_id, step in after.items()
        if before.get(step_id) != step
    ]
    steps += [StepImpact(step_id, "removed", standing.get(step_id, 0)) for step_id in before if step_id not in after]
    parts = ("entry", "goal", "exit_when", "holdout", "re_entry", "priority", "start", "name", "description")
    changed = [part for part in parts if getattr(old, part) != getattr(new, part)]
    return JourneyImpact(
        new.id, steps, changed, sum(standing.values()), not ("entry" in changed or "re_entry" in changed)
    )


def _with_next(definition: JourneyDefinition, index: int) -> dict[str, object]:
    """The step with the target it has by its place, so that moving a step counts as a change of where it leads."""
    steps = definition.steps
    following = steps[index + 1].get("id") if index + 1 < len(steps) else "exit"
    return {"next": following, **steps[index]}
