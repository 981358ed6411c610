"""The comparison: random customers per kind, the oracle's answer beside the installation's."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from tests.oracle import points
from tests.oracle.letters import Letters
from tests.oracle.life import LAST, Life, Moment
from tests.oracle.local_time import EPOCH
from tests.oracle.permission import NEVER
from tests.oracle.stored import Stored
from tests.oracle.world import NotCoveredError

KINDS = ("segment", "phase", "score", "message")


@dataclass
class Report:
    """What came of one kind."""

    kind: str
    customers: int = 0
    compared: int = 0
    """Answers compared: one per customer and definition, "never" included."""
    positive: int = 0
    """Of those, the ones where something was ever the case."""
    not_covered: dict = field(default_factory=dict)
    disagreements: list = field(default_factory=list)

    def compare(self, profile_id, about, ours, theirs):
        """Note one answer."""
        self.compared += 1
        self.positive += bool(theirs or ours)
        if ours != theirs:
            self.disagreements.append(f"{self.kind} of customer {profile_id}, {about}: {_difference(ours, theirs)}")


def ask(installation, other, *, seed, customers, kinds=KINDS):
    """Reports per kind, over as many customers as asked for, chosen by the seed for each kind anew.

    Args:
        other: `Stored` tables, compared whole; or `Explained`, asked at the end and at a past instant chosen by the seed.
    """
    questions = _STORED if isinstance(other, Stored) else _EXPLAINED
    lives, reports = {}, []
    for kind in kinds:
        chance = random.Random(f"{seed}/{kind}")
        ids = sorted(installation.customers)
        if questions is _EXPLAINED:  # who was joined into another is answered for as that other
            ids = [one for one in ids if not installation.customers[one].surrendered]
        report = Report(kind, min(customers, len(ids)))
        for profile_id in chance.sample(ids, report.customers):
            life = lives.setdefault(profile_id, Life(installation, installation.customers[profile_id]))
            try:
                questions[kind](report, life, other, chance)
            except NotCoveredError as reason:
                report.not_covered[str(reason)] = report.not_covered.get(str(reason), 0) + 1
        reports.append(report)
    return reports


# Against the tables ---------------------------------------------------------------------------------------------------


def _intervals(report, life, stored, kinds):
    profile_id = life.customer.profile_id
    for kind, names in kinds.items():
        theirs = stored.intervals(profile_id, kind, life.until_us)
        for name in sorted({*names, *(name for _, name in theirs)}):
            report.compare(
                profile_id, f"{kind} {name}", life.intervals.get((kind, name), {}), theirs.get((kind, name), {})
            )


def _segments(report, life, stored, _chance):
    _intervals(report, life, stored, {"segment": life.installation.ids("segments")})


def _phases(report, life, stored, _chance):
    table = [phase for one in life.installation.rulebooks.values() for phase in one.phases]
    subs = [sub["id"] for phase in table for sub in phase.get("sub_states", ())]
    kinds = {
        "phase": [phase["id"] for phase in table],
        "sub_state": subs,
        "situation": life.installation.ids("situations"),
    }
    _intervals(report, life, stored, kinds)


def _scores(report, life, stored, _chance):
    profile_id = life.customer.profile_id
    for score_id in life.installation.ids("scores"):
        ours = sorted(points.ledger(life, score_id).lines)
        report.compare(
            profile_id, f"score {score_id}", ours, sorted(stored.ledger(profile_id, score_id, life.until_us))
        )


def _messages(report, life, stored, _chance):
    """Every run with its path, every message with its verdicts, and for every step of a journey that nothing was decided."""
    profile_id = life.customer.profile_id
    letters = Letters(life)
    theirs, named = stored.verdicts(profile_id, life.until_us)
    paths = stored.paths(profile_id, life.until_us)
    runs = {(run.journey["id"], run.run_id): run.path for run in letters.runs}
    named |= {effect_id: (one.message.journey["id"], one.message.step) for effect_id, one in letters.letters.items()}
    sent = stored.letters(profile_id)
    steps = _steps(life.installation.rulebooks.values())
    for journey_id in life.installation.ids("journeys"):
        ours = {one: path for one, path in runs.items() if one[0] == journey_id}
        report.compare(
            profile_id, f"runs of {journey_id}", ours, {o: p for o, p in paths.items() if o[0] == journey_id}
        )
        for step in sorted(steps[journey_id]):
            about = [effect_id for effect_id, name in named.items() if name == (journey_id, step)]
            for effect_id in about or [b""]:
                said, heard = letters.verdicts.get(effect_id, []), theirs.get(effect_id, [])
                report.compare(profile_id, f"{journey_id}/{step} {effect_id.hex()[:8]}", said, heard)
                handed_over = bool(said) and said[-1][1] == "handed_over"
                report.compare(profile_id, f"{journey_id}/{step} in the mailbox", handed_over, effect_id in sent)


def _steps(rulebooks):
    """Journey -> its steps that send, in any version."""
    found = {}
    for journey in (one for rulebook in rulebooks for one in rulebook.journeys.values()):
        found.setdefault(journey["id"], set()).update(one["id"] for one in journey["steps"] if "message" in one)
    return found


_STORED = {"segment": _segments, "phase": _phases, "score": _scores, "message": _messages}


# Against explain ------------------------------------------------------------------------------------------------------


def _end_of(life, at_us):
    """The moment when all is done that an instant brings."""
    return Moment(at_us, LAST, 0, life.before(at_us + 1))


def _instants(life, chance):
    """The end, and one instant of the past."""
    first_us = life.customer.rows[0].at_us
    return [life.until_us, chance.randint(min(first_us, life.until_us), life.until_us)]


def _until(intervals, at_us):
    return {from_us: ends if ends <= at_us else NEVER for from_us, ends in intervals.items() if from_us <= at_us}


def _explained_segments(report, life, other, chance):
    for at_us in _instants(life, chance):
        theirs = other.at(life.customer.profile_id, at_us)
        for name in sorted(life.in_force(_end_of(life, at_us)).segments):
            ours = _until(life.intervals.get(("segment", name), {}), at_us)
            answer, history = theirs.segment(name)
            report.compare(life.customer.profile_id, f"{name} at {_readable(at_us)}", ours, history)
            report.compare(life.customer.profile_id, f"{name} at {_readable(at_us)}", NEVER in ours.values(), answer)


def _explained_phases(report, life, other, chance):
    profile_id = life.customer.profile_id
    for at_us in _instants(life, chance):
        ours = {thing: _until(intervals, at_us) for thing, intervals in life.intervals.items()}
        standing = sorted(thing for thing, intervals in ours.items() if NEVER in intervals.values())
        place, situations, history = other.at(profile_id, at_us).place()
        names = {kind: [name for one, name in standing if one == kind] for kind in ("phase", "sub_state", "situation")}
        where = (names["phase"][0], (names["sub_state"] or [""])[0])
        report.compare(profile_id, f"place at {_readable(at_us)}", where, place)
        report.compare(profile_id, f"situations at {_readable(at_us)}", names["situation"], situations)
        for thing in sorted({*(one for one in ours if one[0] in ("phase", "sub_state")), *history}):
            about = f"{' '.join(thing)} at {_readable(at_us)}"
            report.compare(profile_id, about, ours.get(thing, {}), history.get(thing, {}))


def _explained_scores(report, life, other, chance):
    profile_id = life.customer.profile_id
    for at_us in _instants(life, chance):
        theirs = other.at(profile_id, at_us)
        now = _end_of(life, at_us)
        for score_id in sorted(life.in_force(now).scores):
            milli, lines = theirs.score(score_id)
            ours = sorted(line for line in points.ledger(life, score_id).lines if line[0] <= at_us)
            report.compare(profile_id, f"{score_id} at {_readable(at_us)}", ours, lines)
            balance = points.balance(life, score_id, at_us, now.position, life.edition(now.key))
            report.compare(profile_id, f"{score_id} at {_readable(at_us)}", [balance], [milli])


def _explained_messages(report, life, other, chance):
    profile_id, letters = life.customer.profile_id, Letters(life)
    for at_us in _instants(life, chance):
        theirs = other.at(profile_id, at_us)
        now = _end_of(life, at_us)
        for journey_id, journey in sorted(life.in_force(now).journeys.items()):
            about = f"{journey_id} at {_readable(at_us)}"
            paths = {run.run_id: run.path_until(at_us) for run in letters.runs if run.journey["id"] == journey_id}
            ours = {run_id: path for run_id, path in paths.items() if path}
            report.compare(profile_id, f"runs of {about}", ours, theirs.journey(journey_id))
            for config in (step["message"] for step in journey["steps"] if "message" in step):
                said = letters.about(config["content"], at_us)
                heard, refusals = theirs.content(config["content"])
                report.compare(profile_id, f"{config['content']} in {about}", said, heard)
                if not said:
                    ours = letters.refusal(journey, now, "")
                    report.compare(
                        profile_id, f"why no {config['content']} in {about}", [ours], [refusals.get(journey_id)]
                    )


_EXPLAINED = {
    "segment": _explained_segments,
    "phase": _explained_phases,
    "score": _explained_scores,
    "message": _explained_messages,
}


def _difference(ours, theirs):
    """The first lines that differ, readable."""
    if isinstance(ours, bool):
        return f"oracle {ours}, installation {theirs}"
    ours = sorted(ours.items()) if isinstance(ours, dict) else list(ours)
    theirs = sorted(theirs.items()) if isinstance(theirs, dict) else list(theirs)
    only_ours = [_readable(one) for one in ours if one not in theirs][:4]
    only_theirs = [_readable(one) for one in theirs if one not in ours][:4]
    return f"oracle only {only_ours}, installation only {only_theirs}"


def _readable(value):
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_readable(one) for one in value) + ")"
    if isinstance(value, int) and 10**15 < value < 10**17:
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    if value == NEVER:
        return "still"
    return value.hex() if isinstance(value, bytes) else str(value)
