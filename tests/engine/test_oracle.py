"""What the whole fold stored, against a brute-force reading of the log; and no instant that its wake-ups do not announce."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.channels.core.policy import judge
from kundenkreis.customers.core.commerce import apply_commerce
from kundenkreis.customers.core.state import CustomerState, decode_state, encode_state
from kundenkreis.customers.core.turn import Turn
from kundenkreis.journeys.core.runs import run_journeys
from kundenkreis.journeys.core.walk import MEASURED
from kundenkreis.kernel.ids import NEVER, partition_of
from kundenkreis.kernel.zones import MINUTE
from tests.engine.company import BERLIN, PLAIN_SEGMENTS, VERSIONS
from tests.engine.stories import ZONE, ZONES, Life, Teller
from tests.segments.oracle import Oracle

pytestmark = pytest.mark.db

SEEDS = range(100, 112)
MINUTES = 5 * 60


def oracle_of(life: Life, state: CustomerState) -> Oracle:
    """The customer's log as the oracle reads it."""
    rows = []
    for event_id, kind, name, happened_us, at_us, origin, body in life.rows(
        "SELECT event_id, type, name, happened_us, at_us, origin, body FROM log WHERE profile_id = ? AND flags & 4 = 0 ORDER BY number",
        state.profile_id,
    ):
        said = msgspec.json.decode(body)
        rows.append({
            "event_id": bytes(event_id), "type": kind, "name": name, "happened_us": happened_us, "at_us": at_us, "origin": origin,
            "properties": said.get("properties") or {}, "traits": said.get("traits") or {},
        })  # fmt: skip
    return Oracle(rows, BERLIN, bucket_key=state.bucket_key, definitions=VERSIONS[0])


def in_force(life: Life, state: CustomerState) -> list[tuple[int, frozenset[str]]]:
    """(instant, segments of the rulebook published then), ascending."""
    rows = life.rows(
        "SELECT at_us, body FROM log WHERE type = 'control' AND partition = ? ORDER BY number",
        partition_of(state.profile_id),
    )
    found = []
    for at_us, body in rows:
        documents = VERSIONS[(msgspec.json.decode(body)["properties"]["version"] - 1) % len(VERSIONS)]
        found.append((at_us, frozenset(one["id"] for one in documents if one["kind"] == "segment")))
    return found


def expected(
    life: Life, state: CustomerState, until_us: int, segments: list[dict[str, Any]]
) -> list[tuple[str, int, int]]:
    """Every stretch of membership, recounted at every instant at which anything can change."""
    oracle, rulebooks = oracle_of(life, state), in_force(life, state)
    created_us = oracle.all_rows[0]["at_us"]
    moments = set(oracle.instants(created_us, until_us, zones=ZONES, hours=(5,)))
    moments |= {at_us for at_us, _ in rulebooks if created_us <= at_us <= until_us}
    since: dict[str, int] = {}
    found = []
    for at_us in sorted(moments):
        oracle.go(at_us)
        known = [names for published_us, names in rulebooks if published_us <= at_us][-1]
        for one in segments:
            name = one["id"]
            is_in = name in known and oracle.holds(one["when"])
            if is_in and name not in since:
                since[name] = at_us
            elif not is_in and name in since:
                found.append((name, since.pop(name), at_us))
    return sorted(found + [(name, from_us, NEVER) for name, from_us in since.items()])


def joined(stretches: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Stretches that touch are one: a timer and an event at the same instant are two inputs, the oracle looks after both."""
    found: list[tuple[str, int, int]] = []
    for name, from_us, until_us in sorted(stretches):
        if found and found[-1][0] == name and found[-1][2] == from_us:
            found[-1] = (name, found[-1][1], until_us)
        else:
            found.append((name, from_us, until_us))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_membership_equals_the_oracle_to_the_microsecond(tmp_path: Path, seed: int) -> None:
    teller = Teller(seed, tmp_path / "a.db")
    _, life = teller.tell()
    merged = {profile for row in life.rows("SELECT loser, winner FROM merges") for profile in row}
    checked = 0
    for profile_id, data in life.rows("SELECT profile_id, state FROM states ORDER BY profile_id"):
        if profile_id in merged or checked == 2:
            continue
        state = decode_state(data)
        scored = life.rows("SELECT 1 FROM log WHERE profile_id = ? AND name = 'Score Added' LIMIT 1", profile_id)
        segments = [one for one in PLAIN_SEGMENTS if one["id"] != "warm" or not scored]
        stored = life.rows(
            "SELECT definition_id, from_us, until_us FROM memberships WHERE profile_id = ? AND kind = 'segment' AND until_us > from_us",
            profile_id,
        )
        names = {one["id"] for one in segments}
        assert joined([row for row in stored if row[0] in names]) == expected(life, state, life.clock(), segments)
        checked += 1
    assert checked
    life.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_changes_before_the_announced_wake_up(tmp_path: Path, seed: int) -> None:
    _, life = Teller(seed, tmp_path / "a.db").tell(finishes=False)
    looked = 0
    for wake_us, data in life.rows("SELECT wake_us, state FROM states ORDER BY profile_id"):
        state = decode_state(data)
        if state.forwarded_to or any(planned.waiting for planned in state.contact.planned):
            continue  # a waiting message is asked again with every input, so a look at it is not without effect
        begins_us = max(state.clock_us, life.clock())
        instants = [at_us for at_us in range(begins_us + 1, begins_us + MINUTES * MINUTE, MINUTE) if at_us < wake_us]
        instants += [wake_us - 1] if begins_us < wake_us < NEVER else []
        for at_us in instants:
            assert look(life, data, at_us) == [], f"seed {seed}, {state.profile_id} at {at_us}, wakes at {wake_us}"
            looked += 1
    assert looked
    life.close()


def look(life: Life, data: bytes, at_us: int) -> list[Any]:
    """Everything asked anew at this instant, announced or not: what would change."""
    state = decode_state(data)
    rulebook = life.rulebooks(state.rulebook_version)
    turn = Turn(state, at_us, row=None, zone=ZONE, rulebook_version=rulebook.version)
    apply_commerce(turn)
    changed = sorted(turn.dirty)
    rulebook.decisions.decide_all(turn)
    run_journeys(rulebook.journeys, turn)
    judge(rulebook.policy, turn)
    if without_measured(state) != without_measured(decode_state(data)):
        changed.append("state")
    return [*changed, *turn.records, *turn.effects, *turn.derived]


def without_measured(state: CustomerState) -> bytes:
    """The bytes without runs that are only measured still: they are dropped at the next input after their window, unannounced."""
    state.runs = [run for run in state.runs if run.waiting_for != MEASURED]
    return encode_state(state)
