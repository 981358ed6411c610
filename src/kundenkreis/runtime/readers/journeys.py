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
from kundenkreis.journeys.core.flow import Counts, Flow, StepFlow, flow_of
from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.core.runs import JOURNEY_STOPPED
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.journeys import (
    ContentFigure,
    DayFigure,
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
SHOWN_DAYS = 56
"""Days of entries on the page; as many again are read, so that the first of them has eight weekdays before it."""
_HALF_HOUR = HOUR // 2
"""Zones are moved by half hours; days are put together from these."""
_REASON_LENGTH = 40
"""Of a verdict's reasons: enough for the rule that decided, which stands first."""
_FINAL = ("withheld", "expired", "cancelled")
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
            counts = _counts(tx, "")
            lines = [self._line(tx, world, name, counts.get(name, {})) for name in world.names()]
        return tuple(sorted(lines, key=lambda line: (_ORDER[line.state], line.id)))

    def read_journey(self, journey_id: str) -> JourneyReport | None:
        """See JourneySource."""
        installation, now_us = self._installation, self._installation.clock.now_us()
        draft = self._drafts.find("journey", journey_id)
        with installation.store.reading() as tx:
            world = _World(tx, installation, {journey_id: draft} if draft is not None else {})
            if journey_id not in world.names():
                return None
            document = world.document(journey_id)
            counts = _counts(tx, journey_id).get(journey_id, {})
            flows = _flows(tx, world, journey_id, counts)
            steps, elsewhere = _steps(flows, counts, document)
            goal_days = int((document.get("goal") or {}).get("within_days") or 0)
            treated, control, still_open = _reached(tx, journey_id, now_us - goal_days * DAY)
            days = _days_to_goal(tx, journey_id)
            return JourneyReport(
                line=self._line(tx, world, journey_id, counts, flows), document=document,
                drawing=draw(document, installed_plugins().steps, world.name_of), steps=steps, elsewhere=elsewhere,
                reached=compare(treated, control), still_open=still_open, days_to_goal=days, quartiles=quartiles(days),
                per_day=_per_day(tx, installation, journey_id, now_us), withheld=_withheld(tx, journey_id),
                contents=_contents(document, steps, world), goal_days=goal_days,
                undo_until_us=world.undo_until_us(journey_id, now_us), before=world.form_before(journey_id),
                as_of_us=now_us,
            )  # fmt: skip

    def find_people(self, journey_id: str, *, step_id: str, outcome: str, cursor: str, limit: int) -> PeoplePage:
        """See JourneySource."""
        standing = outcome == "standing"
        where, params = "journey_id = ? AND outcome = ?", [journey_id, "waiting" if standing else outcome]
        if step_id != "*":
            where += " AND step_id = ?"
            params.append(step_id)
        before, _, run = cursor.partition(".")
        keyset: list[Any] = []
        if before.isascii() and before.isdigit() and len(before) <= _LONGEST_NUMBER and _is_hex(run):
            where += " AND (at_us, run_id) < (?, ?)"
            keyset = [int(before), bytes.fromhex(run)]
        if standing:
            where += (
                " AND NOT EXISTS (SELECT 1 FROM run_entries later WHERE later.run_id = r.run_id AND later.sequence > r.sequence "
                "AND NOT (later.outcome = 'goal' AND later.step_id = r.step_id AND EXISTS (SELECT 1 FROM run_entries after "
                "WHERE after.run_id = r.run_id AND after.sequence > later.sequence)))"
            )
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
                "(SELECT run_id FROM run_entries WHERE profile_id = ? AND journey_id = ?) ORDER BY sequence",
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

    def _line(
        self, tx: Session, world: "_World", name: str, counts: Mapping[int, Counts], flows: Mapping[int, Flow] | None = None
    ) -> JourneyLine:  # fmt: skip
        flows = flows if flows is not None else _flows(tx, world, name, counts)
        total = _total(flows.values())
        changed_us, changed_by = world.changed(name)
        return JourneyLine(
            id=name, names=world.document(name).get("name") or {}, state=world.state(name), where=total, goals=_said(counts, _GOAL),
            sent=_said(counts, _SENT), withheld=_said(counts, _WITHHELD) + _said(counts, "exited:withheld"),
            has_draft=name in world.drafts, changed_us=changed_us, changed_by=changed_by, version=world.version(name),
        )  # fmt: skip


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


def _counts(tx: Session, journey_id: str) -> dict[str, dict[int, dict[tuple[str, str], int]]]:
    """Journey -> version -> (step, outcome) -> lines of paths."""
    where, params = ("WHERE journey_id = ?", (journey_id,)) if journey_id else ("", ())
    found: dict[str, dict[int, dict[tuple[str, str], int]]] = defaultdict(lambda: defaultdict(dict))
    sql = f"SELECT journey_id, version, step_id, outcome, count(*) FROM run_entries {where} GROUP BY 1, 2, 3, 4"
    for name, version, step_id, outcome, count in tx.rows(sql, params):
        found[name][version][step_id, outcome] = count
    return found


def _flows(tx: Session, world: _World, name: str, counts: Mapping[int, Counts]) -> dict[int, Flow]:
    """Version -> where everybody is."""
    failed = _last_lines(tx, name) if any(out == "failed" for part in counts.values() for _, out in part) else {}
    early = _early_goals(tx, name) if any(key == ("", "goal") for part in counts.values() for key in part) else {}
    flows = {}
    for version, counted in counts.items():
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


def _last_lines(tx: Session, name: str) -> dict[int, dict[str, int]]:
    """Version -> step -> paths that end with a failure there."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = tx.rows(
        "SELECT r.version, r.step_id, count(*) FROM run_entries r WHERE r.journey_id = ? AND r.outcome = 'failed' AND NOT EXISTS "
        "(SELECT 1 FROM run_entries l WHERE l.run_id = r.run_id AND l.sequence > r.sequence AND l.outcome NOT IN ('goal', 'exited:merged')) "
        "GROUP BY 1, 2",
        (name,),
    )
    for version, step_id, count in rows:
        found[version][step_id] = count
    return found


def _early_goals(tx: Session, name: str) -> dict[int, int]:
    """Version -> paths that had the goal before their first step: nothing but the entry (and the mark of the control group) before it."""
    rows = tx.rows(
        "SELECT g.version, count(*) FROM run_entries g WHERE g.journey_id = ? AND g.step_id = '' AND g.outcome = 'goal' AND g.sequence <= 2 "
        "AND NOT EXISTS (SELECT 1 FROM run_entries b WHERE b.run_id = g.run_id AND b.sequence < g.sequence "
        "AND b.outcome NOT IN ('entered', 'holdout')) GROUP BY 1",
        (name,),
    )
    return dict(rows)


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


def _reached(tx: Session, name: str, until_us: Micros) -> tuple[Share, Share, int]:
    """(treated, control, people whose time for the goal is not over)."""
    rows = tx.rows(
        "SELECT e.at_us <= ?, h.run_id IS NOT NULL, count(*), count(g.run_id) FROM run_entries e "
        "LEFT JOIN run_entries h ON h.run_id = e.run_id AND h.sequence = 1 AND h.outcome = 'holdout' AND h.step_id = '' "
        "LEFT JOIN run_entries g ON g.run_id = e.run_id AND g.outcome = 'goal' "
        "WHERE e.journey_id = ? AND e.step_id = '' AND e.outcome = 'entered' GROUP BY 1, 2",
        (until_us, name),
    )
    shares = {(bool(over), bool(held)): Share(goals, entered) for over, held, entered, goals in rows}
    still_open = sum(share.of for (over, _), share in shares.items() if not over)
    return shares.get((True, False), Share(0, 0)), shares.get((True, True), Share(0, 0)), still_open


def _days_to_goal(tx: Session, name: str) -> dict[int, int]:
    rows = tx.rows(
        f"SELECT (g.at_us - e.at_us) / {DAY}, count(*) FROM run_entries g JOIN run_entries e ON e.run_id = g.run_id AND e.sequence = 0 "
        "WHERE g.journey_id = ? AND g.outcome = 'goal' GROUP BY 1 ORDER BY 1",
        (name,),
    )
    return {int(day): count for day, count in rows}


def _per_day(tx: Session, installation: Installation, name: str, now_us: Micros) -> tuple[DayFigure, ...]:
    zone = installation.zone
    today = zone.day_number(now_us)
    first = today - 2 * SHOWN_DAYS
    rows = tx.rows(
        f"SELECT at_us / {_HALF_HOUR}, count(*) FROM run_entries WHERE journey_id = ? AND step_id = '' AND outcome = 'entered' "
        "AND at_us >= ? GROUP BY 1",
        (name, zone.day_start_us(first)),
    )
    entries: Counter[int] = Counter()
    for slot, count in rows:
        entries[zone.day_number(int(slot) * _HALF_HOUR)] += count
    begun = min(entries, default=today)
    figures = []
    for day in range(max(today - SHOWN_DAYS + 1, begun), today + 1):
        band = expected([entries[day - 7 * week] for week in range(1, 9) if day - 7 * week >= begun])
        figures.append(
            DayFigure(day=day, entries=entries[day], low=band.low if band else -1, high=band.high if band else -1)
        )
    return tuple(figures)


def _withheld(tx: Session, name: str) -> tuple[WithheldFigure, ...]:
    marks = ", ".join("?" for _ in _FINAL)
    rows = tx.rows(
        f"SELECT v.outcome, substr(v.reasons, 1, {_REASON_LENGTH}), count(*) FROM verdicts v WHERE v.journey_id = ? AND v.outcome IN ({marks}) "
        "AND NOT EXISTS (SELECT 1 FROM verdicts l WHERE l.effect_id = v.effect_id AND l.sequence > v.sequence) GROUP BY 1, 2",
        (name, *_FINAL),
    )
    found: Counter[tuple[str, str]] = Counter()
    for outcome, reasons, count in rows:
        rule = reasons.lstrip("[").partition(",")[0].strip('"]')
        found[outcome, rule] += count
    return tuple(WithheldFigure(outcome=key[0], reason=key[1], count=count) for key, count in found.most_common())


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
