"""Properties of the pass over random journeys: no wake-up is missed, batching and the hash seed change nothing.

The oracle asks everything anew every minute: all conditions, all local times, all dates. Everything random lies on whole minutes,
so a wake-up that `next_us` forgot shows as something that happens in the oracle's story and not, or later, in the other.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.customers.core.state import encode_state
from kundenkreis.customers.core.turn import RunEntry
from kundenkreis.journeys.core.compiled import CompiledJourneys
from kundenkreis.journeys.errors import InvalidJourneyError
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import MINUTE
from tests.journeys.driver import Fold, journey, journeys, us

pytestmark = pytest.mark.pure

EVENTS = ("Go", "Reply", "Order Completed", "Told")
MINUTES = 1600
START = us("2026-10-24 14:00")
"""The night on which the clocks go back lies in between."""
ZONES = ("America/New_York", "Asia/Kathmandu", "Europe/London", "nowhere")


def random_condition(rng: random.Random) -> dict[str, Any]:
    low, high = sorted(rng.sample(range(MINUTES), 2))
    between = {"between": [START + low * MINUTE, START + high * MINUTE]}
    return rng.choice([between, between, {"segment": "night"}, {"not": {"segment": "night"}}, {"orders": rng.randrange(3)},
                       {"all": [between, {"not": {"orders": 2}}]}])  # fmt: skip


def random_trigger(rng: random.Random) -> dict[str, Any]:
    return {"name": rng.choice(EVENTS)}


def random_duration(rng: random.Random) -> dict[str, Any]:
    chosen: list[dict[str, Any]] = [
        {"minutes": rng.randrange(1, 300)}, {"hours": rng.randrange(1, 6)}, {"days": 1}, {"at": f"{rng.randrange(24):02}:{rng.randrange(60):02}"},
        {"days": 1, "at": "02:30"}, {"minutes": 90, "at": "02:30"},
    ]  # fmt: skip
    return rng.choice(chosen)


def random_step(rng: random.Random, index: int, targets: list[str]) -> dict[str, Any]:
    kind = rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0] if index else rng.choice(["wait", "wait_for"])
    return {"id": f"s{index}", kind: random_config(rng, kind, index, targets)}


_WEIGHTS = {"wait": 4, "wait_for": 6, "branch": 2, "split": 1, "message": 3, "emit_event": 1}


def random_config(rng: random.Random, kind: str, index: int, targets: list[str]) -> Any:
    target = rng.choice(targets)
    if kind == "wait":
        return rng.choice([random_duration(rng), {"until_weekday": rng.choice(["saturday", "sunday"]), "at": "17:00"}])
    if kind == "wait_for":
        return {
            "any": [{"id": "event", "event": random_trigger(rng), "next": target}, {"id": "condition", "condition": random_condition(rng)}],
            "timeout": random_duration(rng), "on_timeout": rng.choice(targets),
        }  # fmt: skip
    configs: dict[str, Any] = {
        "branch": [{"id": "first", "when": random_condition(rng), "next": target}, {"id": "rest"}],
        "split": {"parts": [{"id": "a", "percent": 30, "next": target}, {"id": "b", "percent": 70}]},
        "message": {"content": f"m{index}", "purpose": "p", "if_withheld": rng.choice(["skip", "wait", "exit"])},
        "emit_event": {"name": "Told"},
    }
    return configs[kind]


def random_journey(rng: random.Random, name: str) -> Any:
    """A journey that compiles: wrong ones (unreachable steps, hasty loops) are thrown again."""
    for _ in range(200):
        count = rng.randrange(2, 6)
        steps = [random_step(rng, i, [*(f"s{j}" for j in range(count)), "exit"]) for i in range(count)]
        entries: list[dict[str, Any]] = [
            {"event": random_trigger(rng)},
            {"event": random_trigger(rng), "if": random_condition(rng)},
            {"segment_entered": "night"},
            {"segment_left": "night"},
            {"schedule": {"every": "day", "at": "02:30", "audience": random_condition(rng)}},
            {"date": {"attribute": "day", "at": "20:15", "yearly": True}, "if": random_condition(rng)},
        ]
        data = {
            "id": name, "entry": rng.choice(entries), "steps": steps,
            "re_entry": rng.choice(["once", "always", "after_exit", {"cooldown_days": 1}]),
        }  # fmt: skip
        if rng.random() < 0.3:
            data["goal"] = {"condition": random_condition(rng), "within_days": 1, "exit_on_goal": rng.random() < 0.5}
        if rng.random() < 0.3:
            data["exit_when"] = rng.choice([random_condition(rng), {"event": random_trigger(rng)}])
        try:
            return journey(data)
        except InvalidJourneyError:
            continue
    raise AssertionError("no journey found")


def random_rulebook(rng: random.Random) -> CompiledJourneys:
    return journeys(*(random_journey(rng, f"j{i}") for i in range(4)))


def random_rows(rng: random.Random) -> list[tuple[Micros, str, dict[str, Any], dict[str, Any]]]:
    """[(instant, name, properties, kind of row), ...] in order: events, zone changes, a date, late rows."""
    rows: list[tuple[Micros, str, dict[str, Any], dict[str, Any]]] = []
    for _ in range(rng.randrange(10, 40)):
        at_us = START + rng.randrange(MINUTES) * MINUTE
        if rng.random() < 0.15:
            rows.append((at_us, "", {"timezone": rng.choice(ZONES)}, {"type": "identify"}))
        elif rng.random() < 0.15:
            rows.append((at_us, "", {"day": rng.choice(["1990-10-24", "25.10.1990", "--10-25"])}, {"type": "identify"}))
        else:
            rows.append((at_us, rng.choice(EVENTS), {}, {"late": rng.random() < 0.1}))
    return sorted(rows, key=lambda row: row[0])


def new_fold(rulebook: CompiledJourneys, seed: int) -> Fold:
    night = {"between": [START + 400 * MINUTE, START + 900 * MINUTE]}
    verdicts = {0: "release", 1: "withhold", 2: "expire"}

    def policy(planned: Any, at_us: Micros) -> str | Micros:
        choice = planned.effect_id[0] % 4
        return verdicts[choice] if choice in verdicts else at_us + 45 * MINUTE

    return Fold(rulebook, policy=policy, segments={"night": night}, bucket_key=f"b{seed}", born_us=START)


def story(customer: Fold) -> list[Any]:
    return [entry for entry in customer.records if isinstance(entry, RunEntry)]


def rows_of(customer: Fold, rng: random.Random) -> list[LogRow]:
    return [customer.row(name, at_us, properties, **kind) for at_us, name, properties, kind in random_rows(rng)]


@pytest.mark.parametrize("seed", range(40))
def test_no_wake_is_missed(seed: int) -> None:
    rng = random.Random(seed)
    rulebook = random_rulebook(rng)
    woken, asked = new_fold(rulebook, seed), new_fold(rulebook, seed)
    rows = rows_of(woken, rng)
    for row in rows:
        woken.feed(row)
    woken.until(START + MINUTES * MINUTE)
    waiting = list(rows)
    for minute in range(MINUTES + 1):
        at_us = START + minute * MINUTE
        asked.until(at_us)
        asked.advance(at_us, None, adopting=True)
        while waiting and waiting[0].at_us == at_us:
            asked.feed(waiting.pop(0))
    assert story(woken) == story(asked)


@pytest.mark.parametrize("seed", range(100, 140))
def test_any_batching_gives_the_same_state(seed: int) -> None:
    rng = random.Random(seed)
    rulebook = random_rulebook(rng)
    lazy, eager = new_fold(rulebook, seed), new_fold(rulebook, seed)
    for row in rows_of(lazy, rng):
        lazy.feed(row)
        for _ in range(rng.randrange(3)):
            eager.until(rng.randrange(eager.state.clock_us, row.at_us + 1))
        eager.feed(row)
    end = START + (MINUTES + 500) * MINUTE
    lazy.until(end)
    eager.until(end)
    assert encode_state(lazy.state) == encode_state(eager.state)
    assert story(lazy) == story(eager)
    assert len({(entry.run_id, entry.sequence) for entry in story(lazy)}) == len(story(lazy))
    assert len({planned.effect_id for planned in lazy.sent}) == len(lazy.sent)


def test_wake_ups_change_something() -> None:
    """At least nine of ten, over all random journeys: what wakes for nothing costs everybody."""
    useful = total = 0
    seen: Counter[str] = Counter()
    for seed in range(200, 320):
        rng = random.Random(seed)
        customer = new_fold(random_rulebook(rng), seed)
        for row in rows_of(customer, rng):
            customer.feed(row)
        changed = {entry.at_us for entry in story(customer)} | {at_us for at_us, _, _ in customer.events}
        useful += sum(wake in changed for wake in customer.wakes)
        total += len(customer.wakes)
        seen.update(entry.outcome.partition(":")[0] for entry in story(customer))
        seen.update(
            entry.outcome
            for entry in story(customer)
            if entry.outcome in ("branch:event", "branch:condition", "branch:timeout")
        )
    assert total > 200
    assert useful / total >= 0.9
    assert {kind: count for kind, count in seen.items() if count < 5} == {}, "the generator leaves something out"


def final_digest() -> str:
    """What a fixed set of stories ends in, for the comparison across processes."""
    parts = []
    for seed in range(300, 312):
        rng = random.Random(seed)
        customer = new_fold(random_rulebook(rng), seed)
        for row in rows_of(customer, rng):
            customer.feed(row)
        parts.append(encode_state(customer.state))
    return hash128(*parts).hex()


def test_the_hash_seed_of_the_process_changes_nothing() -> None:
    root = Path(__file__).parents[3]
    code = "from tests.journeys.core.test_properties import final_digest; print(final_digest())"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == final_digest()
