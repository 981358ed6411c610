"""What one turn of the decisions pass costs: microseconds of processor time per event for a rulebook of the demo's size.

Run: python benchmarks/decide.py [events]
"""

import sys
import time
from random import Random

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import HOUR, zone
from kundenkreis.segments.core.decisions import CompiledDecisions, compile_decisions, decide, next_us, observe
from kundenkreis.segments.core.definitions import (
    PhasesDefinition,
    ScoreDefinition,
    SegmentDefinition,
    SituationDefinition,
)

BERLIN = zone("Europe/Berlin")
START_US = 1_774_600_000_000_000
TYPES = {
    "segment": SegmentDefinition,
    "score": ScoreDefinition,
    "phases": PhasesDefinition,
    "situation": SituationDefinition,
}


def trait(name: str, op: str, value: object) -> dict[str, object]:
    return {"trait": {"name": name, "op": op, "value": value}}


def rulebook() -> CompiledDecisions:
    """10 segments, 2 scores, 6 phases, 3 situations."""
    viewed = {"event": {"name": "Product Viewed", "count": {"at_least": 5}, "within_days": 7}}
    segments = {
        "lookers": {"all": [viewed, trait("order_count", "=", 0)]},
        "busy": {"event": {"name": "Product Viewed", "count": {"at_least": 20}, "within_hours": 24}},
        "regulars": {"event": {"name": "Order Completed", "count": {"at_least": 3}, "within_days": 90}},
        "big": {"event_sum": {"name": "Order Completed", "property": "total", "op": ">", "value": 200, "within_days": 365}},
        "hot": {"score": {"id": "activity", "op": ">=", "value": 30}},
        "german": {"attribute": {"name": "language", "op": "equals", "value": "de"}},
        "birthday": {"attribute": {"name": "birthday", "op": "anniversary_in_days", "value": 7}},
        "lost": trait("days_since_last_order", ">", 180),
        "calm": {"all": [{"segment": {"id": "regulars"}}, {"not": {"situation": {"is": "complaint"}}}]},
        "half": {"bucket": {"from": 0, "to": 5000}},
    }  # fmt: skip
    documents: list[dict[str, object]] = [
        {"kind": "segment", "id": name, "when": when} for name, when in segments.items()
    ]
    documents += [
        {
            "kind": "score", "id": "activity", "half_life_days": 30, "maximum": 100,
            "rules": [
                {"id": "viewed", "event": {"name": "Product Viewed"}, "points": 1, "at_most": {"points": 9, "per_days": 1}},
                {"id": "ordered", "event": {"name": "Order Completed"}, "points": 15},
            ],
        },
        {"kind": "score", "id": "service", "rules": [{"id": "case", "event": {"name": "Case Opened"}, "points": 5}]},
        {"kind": "situation", "id": "complaint", "begins": {"name": "Case Opened"}, "ends": [{"name": "Case Solved"}]},
        {"kind": "situation", "id": "open_cart", "begins": {"builtin": "open_cart"}},
        {"kind": "situation", "id": "late", "begins": {"builtin": "late"}},
        {
            "kind": "phases",
            "phases": [
                {"id": "winback", "when": {"order_silence": {"factor": 2, "percentile": 90, "floor_days": 42}}},
                {"id": "loyalty", "when": trait("order_count", ">=", 2)},
                {"id": "care", "when": trait("delivered_count", ">=", 1)},
                {"id": "purchase", "when": {"trait": {"name": "has_open_cart", "op": "is_true"}}},
                {"id": "trust", "when": {"trait": {"name": "is_known", "op": "is_true"}}},
                {"id": "attention", "when": {"all": []}},
            ],
        },
    ]  # fmt: skip
    return compile_decisions([msgspec.convert(one, TYPES[str(one["kind"])]) for one in documents], zone=BERLIN)


def rows(count: int, name: str) -> list[LogRow]:
    """Events of one customer, some hours apart."""
    random, at_us, found = Random(1), START_US, []
    for number in range(count):
        at_us += random.randrange(12 * HOUR)
        body = {"properties": {"product_id": "p1", "price": 19.99, "category": "shoes"}}
        found.append(
            LogRow(
                partition=1, number=number, event_id=number.to_bytes(16, "big"), profile_id=257, type="track", name=name,
                happened_us=at_us, received_us=at_us, at_us=at_us, day=BERLIN.day_number(at_us), origin="api", body=body,
            )
        )  # fmt: skip
    return found


def fold(decisions: CompiledDecisions, listed: list[LogRow]) -> tuple[float, float]:
    """(microseconds per event with its share of due instants, due instants per event)."""
    state = CustomerState(257, "somebody", START_US, START_US)
    due = 0
    started = time.process_time()
    for row in listed:
        while (due_us := next_us(decisions, state)) <= row.at_us:
            decide(decisions, Turn(state, due_us, row=None, zone=BERLIN, rulebook_version=1))
            due += 1
        turn = Turn(state, row.at_us, row=row, zone=BERLIN, rulebook_version=1)
        turn.dirty.add("seen")
        observe(decisions, turn)
        decide(decisions, turn)
    return (time.process_time() - started) / len(listed) * 1e6, due / len(listed)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    decisions = rulebook()
    for name in ("Product Viewed", "Order Completed", "Case Opened", "Newsletter Read"):
        spent_us, due = fold(decisions, rows(count, name))
        print(f"{name:16} {spent_us:6.1f} us per event, {due:.2f} wake-ups per event")


if __name__ == "__main__":
    main()
