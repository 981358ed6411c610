"""The comparison: random customers per kind, the oracle's answer beside the installation's."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from tests.oracle import points
from tests.oracle.letters import Letters
from tests.oracle.life import Life
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


def ask(installation, data, *, seed, customers, kinds=KINDS):
    """Reports per kind, over as many customers as asked for, chosen by the seed for each kind anew."""
    stored = Stored(data)
    lives = {}
    try:
        reports = []
        for kind in kinds:
            ids = sorted(installation.customers)
            chosen = random.Random(f"{seed}/{kind}").sample(ids, min(customers, len(ids)))
            report = Report(kind, len(chosen))
            for profile_id in chosen:
                life = lives.setdefault(profile_id, Life(installation, installation.customers[profile_id]))
                try:
                    _ASK[kind](report, life, stored)
                except NotCoveredError as reason:
                    report.not_covered[str(reason)] = report.not_covered.get(str(reason), 0) + 1
            reports.append(report)
        return reports
    finally:
        stored.close()


def _intervals(report, life, stored, kinds):
    profile_id = life.customer.profile_id
    for kind, names in kinds.items():
        theirs = stored.intervals(profile_id, kind, life.until_us)
        for name in sorted({*names, *(name for _, name in theirs)}):
            report.compare(
                profile_id, f"{kind} {name}", life.intervals.get((kind, name), {}), theirs.get((kind, name), {})
            )


def _segments(report, life, stored):
    _intervals(report, life, stored, {"segment": life.definitions.segments})


def _phases(report, life, stored):
    table = life.definitions.phases
    subs = [sub["id"] for phase in table for sub in phase.get("sub_states", ())]
    kinds = {"phase": [phase["id"] for phase in table], "sub_state": subs, "situation": life.definitions.situations}
    _intervals(report, life, stored, kinds)


def _scores(report, life, stored):
    profile_id = life.customer.profile_id
    for score_id in sorted(life.definitions.scores):
        ours = sorted(points.ledger(life, score_id)[0])
        report.compare(
            profile_id, f"score {score_id}", ours, sorted(stored.ledger(profile_id, score_id, life.until_us))
        )


def _messages(report, life, stored):
    """Every run with its path, every message with its verdicts, and for every step of a journey that nothing was decided."""
    profile_id = life.customer.profile_id
    letters = Letters(life)
    theirs, named = stored.verdicts(profile_id, life.until_us)
    paths = stored.paths(profile_id, life.until_us)
    runs = {(run.journey["id"], run.run_id): run.path for run in letters.runs}
    named |= {effect_id: (one.message.journey["id"], one.message.step) for effect_id, one in letters.letters.items()}
    sent = stored.letters(profile_id)
    for journey_id, journey in sorted(life.definitions.journeys.items()):
        ours = {one: path for one, path in runs.items() if one[0] == journey_id}
        report.compare(
            profile_id, f"runs of {journey_id}", ours, {o: p for o, p in paths.items() if o[0] == journey_id}
        )
        for step in (step["id"] for step in journey["steps"] if "message" in step):
            about = [effect_id for effect_id, name in named.items() if name == (journey_id, step)]
            for effect_id in about or [b""]:
                said, heard = letters.verdicts.get(effect_id, []), theirs.get(effect_id, [])
                report.compare(profile_id, f"{journey_id}/{step} {effect_id.hex()[:8]}", said, heard)
                handed_over = bool(said) and said[-1][1] == "handed_over"
                report.compare(profile_id, f"{journey_id}/{step} in the mailbox", handed_over, effect_id in sent)


_ASK = {"segment": _segments, "phase": _phases, "score": _scores, "message": _messages}


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
