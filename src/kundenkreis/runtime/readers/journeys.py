"""Journeys as the pages show them: counted in the store, a fixed number of queries whatever the number of people."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kundenkreis.customers.core.state import decode_state
from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.engine.compiling import journey_versions
from kundenkreis.journeys.core.drawing import draw
from kundenkreis.journeys.core.figures import Share, compare, expected, quartiles
from kundenkreis.journeys.core.flow import ENDINGS, Counts, Flow, StepFlow, flow_of
from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.core.runs import JOURNEY_STOPPED
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.counting.circle import phase_names
from kundenkreis.runtime.counting.journey_effects import FIGURE as EFFECTS
from kundenkreis.runtime.counting.journey_effects import NEAR_DAYS
from kundenkreis.runtime.counting.journeys import FIGURE, SHOWN_DAYS, JourneyCounts, Paths, count_journey, count_paths
from kundenkreis.runtime.counting.kept import is_large, read_family, read_kept
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.journeys import (
    ContentFigure,
    DayFigure,
    Effects,
    JourneyLine,
    JourneyReport,
    JourneyState,
    PathLine,
    PeoplePage,
    PersonInJourney,
    RunPath,
    StepFigures,
    Trace,
    Whereabouts,
    WithheldFigure,
)

UNDO_FOR: Micros = 10 * MINUTE
_SENT, _WITHHELD, _GOAL = "sent", "withheld", "goal"
_ORDER: Mapping[JourneyState, int] = {"live": 0, "paused": 1, "draft": 2, "stopped": 3}

_LONGEST_NUMBER = 18

Document = Mapping[str, Any]


class StoredJourneys:
    """Reads the journeys of one installation (site/ports/journeys.py: JourneySource)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._drafts = StoredDrafts(installation.store)

    def list_journeys(self) -> tuple[JourneyLine, ...]:
        """See JourneySource."""
        drafts = {draft.id: draft for draft in self._drafts.every("journey")}
        with self._installation.store.reading() as tx:
            world = _World(tx, self._installation, drafts)
            paths = _paths(tx, tuple(world.names()))
            lines = [self._line(world, name, _flows(world, name, paths[name]), paths[name]) for name in world.names()]
        return tuple(sorted(lines, key=lambda line: (_ORDER[line.state], line.id)))

    def forms_still_needed(self) -> list[tuple[str, int, bool]]:
        """(journey, rulebook version, is it held) of forms that are not in force but may act still: the last one of a journey that is held,
        and those in which people are under way."""
        with self._installation.store.reading() as tx:
            world = _World(tx, self._installation, {})
            paths = _paths(tx, tuple(world.names()))
            found: list[tuple[str, int, bool]] = []
            for name in world.names():
                newest, state = world.version(name), world.state(name)
                flows = _flows(world, name, paths[name])
                busy = [
                    version for version, flow in flows.items() if flow.waiting and (version, state) != (newest, "live")
                ]
                is_held = state == "paused"
                found += [(name, version, False) for version in busy if not is_held or version != newest]
                found += [(name, newest, True)] if is_held else []
        return found

    def read_journey(self, journey_id: str) -> JourneyReport | None:
        """See JourneySource."""
        installation, now_us = self._installation, self._installation.clock.now_us()
        draft = self._drafts.find("journey", journey_id)
        with installation.store.reading() as tx:
            world = _World(tx, installation, {journey_id: draft} if draft is not None else {})
            if journey_id not in world.names():
                return None
            document = world.document(journey_id)
            goal_days = int((document.get("goal") or {}).get("within_days") or 0)
            counted = read_kept(tx, FIGURE + journey_id, JourneyCounts)
            if counted is None or counted.goal_days != goal_days:
                counted = count_journey(tx, journey_id, goal_days=goal_days, zone=installation.zone, at_us=now_us)
            flows, counts, days = (
                _flows(world, journey_id, counted.paths),
                counted.paths.by_version(),
                counted.days_to_goal,
            )
            steps, elsewhere = _steps(flows, counts, document)
            reached = counted.reached
            effects = read_family(tx, (EFFECTS + journey_id,), Effects).get(EFFECTS + journey_id)
            return JourneyReport(
                line=self._line(world, journey_id, flows, counted.paths), document=document,
                drawing=draw(document, installed_plugins().steps, world.name_of), steps=steps, elsewhere=elsewhere,
                reached=compare(Share(*reached.treated), Share(*reached.control)), still_open=reached.still_open,
                days_to_goal=days, quartiles=quartiles(days), per_day=_per_day(counted, installation.zone.day_number(counted.at_us)),
                withheld=tuple(WithheldFigure(outcome=one[0], reason=one[1], count=one[2]) for one in counted.withheld),
                contents=_contents(document, steps, world), goal_days=goal_days,
                undo_until_us=world.undo_until_us(journey_id, now_us), before=world.form_before(journey_id),
                as_of_us=counted.at_us,
                versions=tuple((version, _total([flows[version]])) for version in sorted(flows, reverse=True)),
                effects=effects, cell_names=_names_in(effects, world) if effects is not None else {},
            )  # fmt: skip

    def find_people(self, journey_id: str, *, step_id: str, outcome: str, cursor: str, limit: int) -> PeoplePage:
        """See JourneySource."""
        with self._installation.store.reading() as tx:
            effects = read_family(tx, (EFFECTS + journey_id,), Effects).get(EFFECTS + journey_id)
        goal_days = effects.goal_days if effects is not None else 0
        said, asked = _said_by_path(outcome, until_us=self._installation.clock.now_us() - goal_days * DAY)
        where = f"journey_id = ? AND {said}"
        params: list[Any] = [journey_id, *asked]
        if step_id != "*":
            where += " AND step_id = ?"
            params.append(step_id)
        before, _, run = cursor.partition(".")
        keyset: list[Any] = []
        if before.isascii() and before.isdigit() and len(before) <= _LONGEST_NUMBER and _is_hex(run):
            where += " AND (at_us, run_id) < (?, ?)"
            keyset = [int(before), bytes.fromhex(run)]
        with self._installation.store.reading() as tx:
            rows = tx.rows(
                f"SELECT run_id, profile_id, at_us FROM run_entries r WHERE {where} ORDER BY at_us DESC, run_id DESC LIMIT ?",
                [*params, *keyset, limit + 1],
            )
            people = _people(tx, [(row[1], row[2]) for row in rows[:limit]])
        last = rows[limit - 1] if len(rows) > limit else None
        return PeoplePage(people=people, next_cursor=f"{last[2]}.{bytes(last[0]).hex()}" if last else "")

    def trace_person(self, journey_id: str, profile_id: int) -> Trace | None:
        """See JourneySource."""
        with self._installation.store.reading() as tx:
            rows = tx.rows(
                "SELECT run_id, version, sequence, step_id, outcome, at_us FROM run_entries WHERE run_id IN "
                "(SELECT run_id FROM runs WHERE profile_id = ?) AND journey_id = ? ORDER BY sequence",
                (profile_id, journey_id),
            )
            if not rows:
                return None
            person = _people(tx, [(profile_id, rows[0][5])])[0]
        runs: dict[bytes, list[Sequence[Any]]] = defaultdict(list)
        for row in rows:
            runs[bytes(row[0])].append(row)
        paths = [_path(run_id, lines) for run_id, lines in runs.items()]
        return Trace(person=person, runs=tuple(sorted(paths, key=lambda path: -path.lines[0].at_us)))

    def _line(self, world: "_World", name: str, flows: Mapping[int, Flow], paths: Paths) -> JourneyLine:
        counts = paths.by_version()
        changed_us, changed_by = world.changed(name)
        return JourneyLine(
            id=name, names=world.document(name).get("name") or {}, state=world.state(name), where=_total(flows.values()),
            goals=_said(counts, _GOAL), sent=_said(counts, _SENT),
            withheld=_said(counts, _WITHHELD) + _said(counts, "exited:withheld"), has_draft=name in world.drafts,
            changed_us=changed_us, changed_by=changed_by, version=world.version(name),
        )  # fmt: skip


def _paths(tx: Session, names: tuple[str, ...]) -> Mapping[str, Paths]:
    """The paths of these journeys as the counter left them, else counted."""
    held = read_family(tx, tuple(FIGURE + name for name in names), JourneyCounts) if is_large(tx) else {}
    kept = {name: held[FIGURE + name].paths for name in names if FIGURE + name in held}
    return {**count_paths(tx, tuple(name for name in names if name not in kept)), **kept}


class _World:
    """What is published and drafted, read once per page."""

    def __init__(self, tx: Session, installation: Installation, drafts: Mapping[str, Draft]) -> None:
        self.drafts = drafts
        rulebooks = installation.rulebooks
        rulebooks.read(tx)
        self._published = {
            row[0]: (row[1], row[2]) for row in tx.rows("SELECT version, published_us, actor FROM rulebooks")
        }
        documents = [rulebooks.documents(version) for version in sorted(self._published)]
        self._newest = {(one["kind"], one.get("id", "")): one for one in documents[-1]} if documents else {}
        self._before: Sequence[Document] = documents[-2] if len(documents) > 1 else ()
        self.versions = journey_versions(documents)
        self._stopped = _stopped(tx)
        self._in_force = {
            version: {one["id"] for one in rulebooks.documents(version) if one["kind"] == "journey"}
            for version in self._published
        }

    def names(self) -> list[str]:
        """Every journey: in force, of earlier versions, and drafted."""
        return sorted({*(name for name, _ in self.versions), *self.drafts})

    def version(self, name: str) -> int:
        """Rulebook version of its newest form, 0 if there is none."""
        return max((version for one, version in self.versions if one == name), default=0)

    def document(self, name: str) -> Document:
        """Its newest published form, else the draft."""
        if version := self.version(name):
            return self.versions[name, version]
        return self.drafts[name].document

    def state(self, name: str) -> JourneyState:
        """What it is doing."""
        if not self.version(name):
            return "draft"
        if ("journey", name) in self._newest:
            return "live"
        return "stopped" if self._is_stopped(name) else "paused"

    def changed(self, name: str) -> tuple[Micros, str]:
        """(when, by whom) it was changed last."""
        found = self._published.get(self.version(name), (0, ""))
        draft = self.drafts.get(name)
        return (draft.edited_us, draft.edited_by) if draft is not None and draft.edited_us > found[0] else found

    def undo_until_us(self, name: str, now_us: Micros) -> Micros:
        """Until when the last publishing can be taken back: for ten minutes, if it changed this journey and did not end its runs."""
        if not self._published or self._is_stopped(name) or self._form_now(name) == self.form_before(name):
            return 0
        until_us = self._published[max(self._published)][0] + UNDO_FOR
        return until_us if now_us < until_us else 0

    def _is_stopped(self, name: str) -> bool:
        """Whether its runs were ended since it was in force last."""
        held = [number for number, names in self._in_force.items() if name in names]
        since_us = min((self._published[one][0] for one in self._published if one > max(held, default=0)), default=0)
        return ("journey", name) not in self._newest and self._stopped.get(name, -1) >= since_us

    def form_before(self, name: str) -> Document | None:
        """What the rulebook before the newest said."""
        return next((one for one in self._before if (one["kind"], one.get("id", "")) == ("journey", name)), None)

    def _form_now(self, name: str) -> Document | None:
        return self._newest.get(("journey", name))

    def phase_names(self) -> dict[str, dict[str, str]]:
        """What phases and their sub-states are called."""
        return phase_names(list(self._newest.values()))

    def name_of(self, kind: str, name: str, language: str) -> str:
        """What people call a definition; its id where it has no name."""
        names = (self._newest.get((kind, name)) or {}).get("name") or {}
        return str(names.get(language) or next(iter(names.values()), name))


def _stopped(tx: Session) -> dict[str, Micros]:
    """Journey -> when a person ended its runs last. The control rows of one partition say the same as those of all others."""
    rows = tx.rows(
        "SELECT body, happened_us FROM log WHERE partition = 0 AND type = 'control' AND name = ? ORDER BY number",
        (JOURNEY_STOPPED,),
    )
    return {str(json.loads(bytes(body))["properties"].get("journey", "")): at_us for body, at_us in rows}


def _flows(world: _World, name: str, paths: Paths) -> dict[int, Flow]:
    """Version -> where everybody is."""
    failed, early = paths.failed_by_version(), dict(paths.early_goals)
    flows = {}
    for version, counted in paths.by_version().items():
        document = world.versions.get((name, version))
        if document is None:
            continue
        nodes = read_nodes(document["steps"], installed_plugins().steps)
        start = document.get("start") or next(iter(nodes), "")
        flows[version] = flow_of(
            counted, nodes, start, exits_on_goal=(document.get("goal") or {}).get("exit_on_goal", True),
            failed_ends=failed.get(version, {}), early_goals=early.get(version, 0),
        )  # fmt: skip
    return flows


def _names_in(effects: Effects, world: "_World") -> dict[str, dict[str, str]]:
    """What the phases, personas and journeys are called that the effects name."""
    asked = [(cell.kind, cell.id) for cell in effects.cells] + [("journey", one.journey_id) for one in effects.others]
    named = {name: {language: world.name_of(kind, name, language) for language in ("de", "en")} for kind, name in asked}
    return named | world.phase_names()


def _total(flows: Any) -> Whereabouts:
    parts = list(flows)

    def added(field: str) -> int:
        return sum(getattr(flow, field) for flow in parts)

    return Whereabouts(
        entered=added("entered"), waiting=added("waiting"), goal=added("goal"), ended=added("ended"), left=added("left"),
        failed=added("failed"), control=added("control"),
    )  # fmt: skip


def _said(counts: Mapping[int, Counts], outcome: str, step_id: str | None = None) -> int:
    return sum(
        count
        for part in counts.values()
        for (step, said), count in part.items()
        if said == outcome and step_id in (None, step)
    )


def _steps(
    flows: Mapping[int, Flow], counts: Mapping[int, Counts], document: Document
) -> tuple[dict[str, StepFigures], int]:
    """(figures per step of the newest form, people who stand at steps that it no longer has)."""
    merged: dict[str, StepFlow] = defaultdict(StepFlow)
    standing: Counter[str] = Counter()
    for flow in flows.values():
        for name, step in flow.steps.items():
            one = merged[name]
            one.arrived, one.ended, one.failed = (
                one.arrived + step.arrived,
                one.ended + step.ended,
                one.failed + step.failed,
            )
            one.out.update(step.out)
            standing[name] += step.standing
    shown = [str(step.get("id")) for step in document.get("steps") or ()]
    figures = {
        name: StepFigures(
            step_id=name, arrived=merged[name].arrived, standing=standing[name], out=dict(merged[name].out), ended=merged[name].ended,
            sent=_said(counts, _SENT, name), withheld=_said(counts, _WITHHELD, name) + _said(counts, "exited:withheld", name),
            spared=_said(counts, "holdout", name), failed=merged[name].failed,
        )
        for name in shown
    }  # fmt: skip
    return figures, sum(count for name, count in standing.items() if name not in figures)


def _per_day(counted: JourneyCounts, today: int) -> tuple[DayFigure, ...]:
    entries = Counter(counted.entries)
    begun = min(entries, default=today)
    figures = []
    for day in range(max(today - SHOWN_DAYS + 1, begun), today + 1):
        band = expected([entries[day - 7 * week] for week in range(1, 9) if day - 7 * week >= begun])
        figures.append(
            DayFigure(day=day, entries=entries[day], low=band.low if band else -1, high=band.high if band else -1)
        )
    return tuple(figures)


def _contents(document: Document, steps: Mapping[str, StepFigures], world: _World) -> tuple[ContentFigure, ...]:
    figures = []
    for step in document.get("steps") or ():
        content = (step.get("message") or {}).get("content")
        if content:
            figure = steps[step["id"]]
            names = {language: world.name_of("content", content, language) for language in ("de", "en")}
            figures.append(ContentFigure(content_id=content, names=names, sent=figure.sent, withheld=figure.withheld))
    return tuple(figures)


def _people(tx: Session, found: Sequence[tuple[int, Micros]]) -> tuple[PersonInJourney, ...]:
    """Names and addresses of some people, in this order."""
    ids = list(dict.fromkeys(profile_id for profile_id, _ in found))
    states = {
        row[0]: decode_state(bytes(row[1]))
        for row in tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", ids)
    }
    people = []
    for profile_id, at_us in found:
        state = states.get(profile_id)
        values = {name: one.value for name, one in state.profile.attributes.items()} if state is not None else {}
        names = [values.get("firstName") or values.get("first_name"), values.get("lastName") or values.get("last_name")]
        people.append(
            PersonInJourney(
                profile_id=profile_id, name=" ".join(str(part) for part in names if part), email=str(values.get("email") or ""),
                at_us=at_us,
            )
        )  # fmt: skip
    return tuple(people)


_STANDS = (
    "outcome = 'waiting' AND NOT EXISTS (SELECT 1 FROM run_entries later WHERE later.run_id = r.run_id AND later.sequence > r.sequence "
    "AND NOT (later.outcome = 'goal' AND later.step_id = r.step_id AND EXISTS (SELECT 1 FROM run_entries after "
    "WHERE after.run_id = r.run_id AND after.sequence > later.sequence)))"
)
_FAILED_FOR_GOOD = (
    "outcome = 'failed' AND NOT EXISTS (SELECT 1 FROM run_entries l WHERE l.run_id = r.run_id AND l.sequence > r.sequence "
    "AND l.outcome NOT IN ('goal', 'exited:merged'))"
)
_BEFORE_ALL = (
    "NOT EXISTS (SELECT 1 FROM run_entries b WHERE b.run_id = r.run_id AND b.sequence < r.sequence "
    "AND b.outcome NOT IN ('entered', 'holdout'))"
)
_MARKS = ", ".join("?" * len(ENDINGS))
_LINES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "standing": (_STANDS, ()),
    "arrived": (
        "NOT EXISTS (SELECT 1 FROM run_entries b WHERE b.run_id = r.run_id AND b.step_id = r.step_id AND b.sequence < r.sequence)",
        (),
    ),
    "withheld": ("outcome IN ('withheld', 'exited:withheld')", ()),
    "with_goal": (f"outcome = 'goal' AND (step_id <> '' OR {_BEFORE_ALL})", ()),
    "ended": (f"(step_id = '' AND outcome = 'done' OR step_id <> '' AND substr(outcome, 1, 7) = 'exited:' AND outcome NOT IN ({_MARKS}))", ENDINGS),
    "left": (
        f"(step_id = '' AND substr(outcome, 1, 7) = 'exited:' AND outcome <> 'exited:merged' OR step_id <> '' AND outcome IN ({_MARKS}))",
        ENDINGS,
    ),
    "failed_end": (_FAILED_FOR_GOOD, ()),
    "ended_here": (f"(outcome = 'goal' OR substr(outcome, 1, 7) = 'exited:' OR {_FAILED_FOR_GOOD})", ()),
    "out:next": (f"(outcome IN ('done', 'sent', 'withheld', 'holdout', 'failed') AND NOT ({_FAILED_FOR_GOOD}))", ()),
}  # fmt: skip
"""What journeys/core/flow.py adds up, as the lines it adds (site/ports/journeys.py: WAYS_TO_COUNT)."""


_ENTERED = "outcome = 'entered' AND step_id = ''"
_NEAR = (
    f"{_ENTERED} AND EXISTS (SELECT 1 FROM runs JOIN run_entries o ON o.run_id = runs.run_id AND o.sequence = 0 "
    f"AND o.profile_id = runs.profile_id WHERE runs.profile_id = r.profile_id AND o.at_us >= r.at_us - {NEAR_DAYS * DAY} "
    f"AND o.at_us <= r.at_us + {NEAR_DAYS * DAY} AND o.outcome = 'entered' AND o.step_id = '' AND o.journey_id <> r.journey_id"
)
_WAS_IN = (
    "EXISTS (SELECT 1 FROM memberships m WHERE m.profile_id = r.profile_id AND m.kind = ? AND m.definition_id = ? "
    "AND m.from_us <= r.at_us AND m.until_us > r.at_us)"
)
_SPARED = "EXISTS (SELECT 1 FROM run_entries h WHERE h.run_id = r.run_id AND h.sequence = 1 AND h.outcome = 'holdout' AND h.step_id = '')"
_GOAL_LINE = "EXISTS (SELECT 1 FROM run_entries g WHERE g.run_id = r.run_id AND g.outcome = 'goal')"


def _cell(asked: Sequence[str], until_us: Micros) -> tuple[str, tuple[Any, ...]]:
    """Those of one cell of the effects whose time for the goal is over."""
    kind, name, group, what = asked
    said = f"{_ENTERED} AND at_us <= ?"
    params: tuple[Any, ...] = (until_us,)
    if kind != "all":
        said, params = f"{said} AND {_WAS_IN}", (*params, kind, name)
    said += f" AND {'' if group == 'control' else 'NOT '}{_SPARED}"
    return said + (f" AND {_GOAL_LINE}" if what == "goal" else ""), params


def _said_by_path(outcome: str, *, until_us: Micros) -> tuple[str, tuple[Any, ...]]:
    """WHERE for the lines behind a number, with its parameters.

    Args:
        until_us: whoever entered later still has time for the goal.
    """
    if outcome.startswith("near:"):
        other = outcome.removeprefix("near:")
        return (f"{_NEAR})", ()) if other == "*" else (f"{_NEAR} AND o.journey_id = ?)", (other,))
    if outcome.startswith("in:") and outcome.count(":") == len(("kind", "id", "group", "what")):
        return _cell(outcome.split(":")[1:], until_us)
    if outcome in _LINES:
        return _LINES[outcome]
    return "outcome = ?", (outcome.replace("out:", "branch:", 1) if outcome.startswith("out:") else outcome,)


def _path(run_id: bytes, rows: Sequence[Sequence[Any]]) -> RunPath:
    return RunPath(
        run_id=run_id.hex(),
        version=rows[0][1],
        in_control_group=any(row[4] == "holdout" and not row[3] for row in rows),
        lines=tuple(PathLine(step_id=row[3], outcome=row[4], at_us=row[5]) for row in rows),
    )


def _is_hex(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False
