"""Journeys: every person's way is walked line by line, and what the pages say of all of them is counted on the way."""

from collections import Counter, defaultdict
from itertools import groupby
from typing import Any

from kundenkreis.kernel.zones import DAY
from tests.site.recount.past import Line, Past
from tests.site.recount.start import fates

RULES = frozenset({"exit_when", "stopped", "restarted", "merged", "withheld"})
"""Ends that a rule brought, in the words of the path."""
ONWARD = frozenset({"done", "sent", "withheld", "holdout", "failed"})
SHOWN_DAYS = 56


class Walked:
    """One run, walked from its first line to its last."""

    def __init__(self, lines: list[Line], *, ends_with_goal: bool) -> None:
        self.lines = lines
        self.arrived: Counter[str] = Counter()
        self.left_by: Counter[str] = Counter()
        self.end = ""
        self.ended_at = ""
        """The step at which it ended, where it has ended at one."""
        self._here = ""
        last = [one for one in lines if one.outcome not in ("goal", "exited:merged")][-1]
        for one in lines[1:]:
            if not self.end:
                self._step(one, is_last=one is last, ends_with_goal=ends_with_goal)

    @property
    def is_control(self) -> bool:
        """Whether this person belongs to the control group."""
        return any(one.outcome == "holdout" and not one.step_id for one in self.lines)

    @property
    def standing(self) -> str:
        """The step this run stands at; "" where it is over."""
        return "" if self.end else self._here

    def _step(self, one: Line, *, is_last: bool, ends_with_goal: bool) -> None:
        outcome, step = one.outcome, one.step_id
        self.ended_at = step
        if step and step != self._here:
            self.arrived[step] += 1
            self._here = step
        way = (
            outcome.removeprefix("branch:")
            if outcome.startswith("branch:")
            else "next"
            if step and outcome in ONWARD
            else ""
        )
        if outcome == "failed" and is_last:
            self.end = "failed"
        elif outcome == "goal" and ends_with_goal:
            self.end = "goal"
        elif outcome == "done" and not step:
            self.end = "ended"
        elif outcome.startswith("exited:"):
            self.end = "left" if not step or outcome.removeprefix("exited:") in RULES else "ended"
        elif way:
            self.left_by[f"{step}.{way}"] += 1
            self._here = ""


def journeys(past: Past) -> dict[str, int]:
    """Every figure of the list and of each journey's page."""
    figures: Counter[str] = Counter()
    runs: list[Walked] = []
    documents = {one["id"]: one for one in past.documents if one["kind"] == "journey"}
    for _, group in groupby(past.paths, key=lambda line: line.run_id):
        lines = list(group)
        document = documents[lines[0].journey_id]
        goal = document.get("goal") or {}
        runs.append(Walked(lines, ends_with_goal=goal.get("exit_on_goal", True)))
        _count_run(figures, past, runs[-1], goal)
        _count_return(figures, past, runs[-1], goal)
        _count_cells(figures, past, runs[-1], goal)
    _count_collisions(figures, runs)
    _count_withheld(figures, past)
    return figures


def _count_run(figures: Counter[str], past: Past, run: Walked, goal: dict[str, Any]) -> None:
    name, entered_us = f"journey.{run.lines[0].journey_id}", run.lines[0].at_us
    reached = [one.at_us for one in run.lines if one.outcome == "goal"]
    is_control = run.is_control
    figures[f"{name}.entered"] += 1
    figures[f"{name}.{run.end or 'waiting'}"] += 1
    for part in ("entered", run.end or "waiting"):
        figures[f"{name}.version.{run.lines[0].version}.{part}"] += 1
    figures[f"{name}.goals"] += len(reached)
    for step, count in run.arrived.items():
        figures[f"{name}.step.{step}.arrived"] += count
    for way, count in run.left_by.items():
        figures[f"{name}.way.{way}"] += count
    if run.end and run.ended_at:
        figures[f"{name}.step.{run.ended_at}.ended_here"] += 1
    if run.standing:
        figures[f"{name}.step.{run.standing}.standing"] += 1
    _count_messages(figures, name, run)
    if entered_us <= past.at_us - int(goal.get("within_days") or 0) * DAY:
        group = "control" if is_control else "treated"
        figures[f"{name}.{group}.of"] += 1
        figures[f"{name}.{group}.hits"] += bool(reached)
    else:
        figures[f"{name}.still_open"] += 1
    day = past.zone.day_number(entered_us)
    if day > past.zone.day_number(past.at_us) - SHOWN_DAYS:
        figures[f"{name}.entries.{day}"] += 1
    for at_us in reached:
        figures[f"{name}.to_goal.{(at_us - entered_us) // DAY}"] += 1


def _count_messages(figures: Counter[str], name: str, run: Walked) -> None:
    """What became of messages, by the lines of the path."""
    for one in run.lines:
        for said, outcomes in (
            ("sent", ("sent",)),
            ("withheld", ("withheld", "exited:withheld")),
            ("failed", ("failed",)),
        ):
            if one.outcome in outcomes:
                figures[f"{name}.step.{one.step_id}.{said}"] += 1
                if said != "failed":
                    figures[f"{name}.{said}"] += 1


def _count_return(figures: Counter[str], past: Past, run: Walked, goal: dict[str, Any]) -> None:
    """Orders in the days after an entry, by whoever it is now."""
    span_us, entered_us = int(goal.get("within_days") or 30) * DAY, run.lines[0].at_us
    if entered_us > past.at_us - span_us:
        return
    name = f"journey.{run.lines[0].journey_id}.revenue.{'control' if run.is_control else 'treated'}"
    person = past.person_of(run.lines[0].profile_id)
    figures[f"{name}_people"] += 1
    figures[name] += sum(
        total - refunded
        for profile_id, _, ordered_us, total, refunded, _, status, _ in past.orders
        if past.person_of(profile_id) == person
        and status == "completed"
        and entered_us < ordered_us <= entered_us + span_us
    )


def _count_cells(figures: Counter[str], past: Past, run: Walked, goal: dict[str, Any]) -> None:
    """The phase in which somebody entered, by the log's changes of phase up to then."""
    first = run.lines[0]
    if first.at_us > past.at_us - int(goal.get("within_days") or 0) * DAY:
        return
    changes = [
        row for row in past.events("Phase Changed") if row.profile_id == first.profile_id and row.at_us <= first.at_us
    ]
    name = f"journey.{first.journey_id}.cell.phase.{changes[-1].properties['to']}.{'control' if run.is_control else 'treated'}"
    figures[f"{name}.of"] += 1
    figures[f"{name}.hits"] += any(one.outcome == "goal" for one in run.lines)


def _count_collisions(figures: Counter[str], runs: list[Walked]) -> None:
    entries: dict[int, list[Line]] = defaultdict(list)
    for run in runs:
        entries[run.lines[0].profile_id].append(run.lines[0])
    for mine in entries.values():
        for one in mine:
            others = {
                two.journey_id
                for two in mine
                if two.journey_id != one.journey_id and abs(two.at_us - one.at_us) <= 7 * DAY
            }
            figures[f"journey.{one.journey_id}.near"] += bool(others)
            figures.update(f"journey.{one.journey_id}.near.{other}" for other in others)


def _count_withheld(figures: Counter[str], past: Past) -> None:
    newest = {one.effect_id: one for one in past.verdicts}
    became = fates(past)
    for one in past.verdicts:
        if one.outcome == "handed_over" and one.message_class == "marketing":
            figures[f"journey.{one.journey_id}.handed_over"] += 1
    for one in newest.values():
        figures[f"journey.{one.journey_id}.fate.{one.content_id}.{became[one.effect_id]}"] += 1
        figures[f"journey.{one.journey_id}.displaced"] += one.outcome == "displaced"
        if one.journey_id and one.outcome in ("withheld", "expired", "cancelled"):
            decided = next((reason[0] for reason in one.reasons if not reason[1]), "")
            figures[f"journey.{one.journey_id}.withheld.{one.outcome}.{decided}"] += 1
            figures[f"journey.{one.journey_id}.without_consent"] += decided == "basis"


JOURNEYS = (journeys,)
