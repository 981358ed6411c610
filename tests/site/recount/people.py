"""Customers, their orders and scores, segments: counted again from states, orders and the log."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal, localcontext
from itertools import pairwise
from statistics import median
from typing import Any

from kundenkreis.kernel.zones import DAY
from tests.site.recount.past import Past

MOST_LINES = 12
"""Of a score's ledger on the page."""


def customers(past: Past) -> dict[str, int]:
    """The list: everybody, and by each quick filter; what the walk of it finds on its pages."""
    figures: Counter[str] = Counter()
    for state in past.states:
        view = "known" if state.profile.known else "visitors"
        figures[f"customers.{view}"] += 1
        figures[f"customers.found.{view}"] += 1
        place = state.decisions.phase
        names = [f"segment.{one}" for one in state.decisions.inside]
        names += [f"situation.{one}" for one, held in state.decisions.situations.items() if held.keys]
        if place is not None:
            names += [f"phase.{place.phase}", *([f"sub_state.{place.sub_state}"] if place.sub_state else [])]
        for name in names:
            figures[f"customers.{name}"] += not name.startswith("segment.")
            figures[f"customers.found.everybody.{name}"] += 1
    return figures


def persons(past: Past) -> dict[str, int]:
    """Each person's sums and gaps, by the orders that stand."""
    figures: Counter[str] = Counter()
    totals: dict[int, int] = defaultdict(int)
    days: dict[int, set[int]] = defaultdict(set)
    for profile_id, order_id, ordered_us, total, refunded, currency, status, _ in past.orders:
        person = past.person_of(profile_id)
        figures[f"order.{order_id}.total"] = total
        figures[f"order.{order_id}.refunded"] = refunded
        if status == "completed":
            figures[f"customer.{person}.orders"] += 1
            figures[f"customer.{person}.sales.{currency}"] += total - refunded
            totals[person] += total - refunded
            days[person].add(past.zone.day_number(ordered_us))
        figures[f"customer.{person}.refunds.{currency}"] += refunded
    for person, total in totals.items():
        figures[f"customer.{person}.average"] = round(total / figures[f"customer.{person}.orders"])
        when = sorted(days[person])
        figures[f"customer.{person}.silent_days"] = past.zone.day_number(past.at_us) - when[-1]
        gaps = [later - earlier for earlier, later in pairwise(when)]
        if len(gaps) > 1:
            figures[f"customer.{person}.usual_gap"] = round(median(gaps))
    return figures


def scores(past: Past) -> dict[str, int]:
    """Balances as of today: what the state holds, shrunk once for each day since; lines of the ledger, the newest first."""
    figures: Counter[str] = Counter()
    half_lives = {one["id"]: one.get("half_life_days") for one in past.documents if one["kind"] == "score"}
    today = past.zone.day_number(past.at_us)
    for state in past.states:
        for score_id, held in state.decisions.scores.items():
            points = held.milli_points
            for _ in range(today - held.day):
                points = points * _part_left(half_lives[score_id]) >> 32
            figures[f"customer.{state.profile_id}.score.{score_id}"] = points
    lines: dict[tuple[int, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in past.ledger:
        lines[past.person_of(row[0]), row[1]].append(row)
    for (person, score_id), rows in lines.items():
        name = f"ledger.{person}.{score_id}"
        figures[f"{name}.lines"] = len(rows) if len(rows) > MOST_LINES else 0
        for place, row in enumerate(reversed(rows[-MOST_LINES:]), start=1):
            figures[f"{name}.{place}.points"], figures[f"{name}.{place}.balance"] = row[4], row[5]
    return figures


def _part_left(half_life_days: int | None) -> int:
    """What is left of a point after a day, over 2**32."""
    if half_life_days is None:
        return 1 << 32
    with localcontext() as exact:
        exact.prec = 60
        return int((1 << 32) * Decimal(2) ** (Decimal(-1) / half_life_days))


def segments(past: Past) -> dict[str, int]:
    """Members by the states; who came and went by the log; who names a segment, by reading every definition through."""
    figures: Counter[str] = Counter()
    for state in past.states:
        for segment in state.decisions.inside:
            figures[f"segment.{segment}.members"] += 1
    for name, way in (("Segment Entered", "entered"), ("Segment Left", "left")):
        for row in past.events(name):
            if row.at_us >= past.at_us - 30 * DAY:
                figures[f"segment.{row.properties['segment']}.{way}"] += 1
    for segment in {one["id"] for one in past.documents if one["kind"] == "segment"}:
        figures[f"segment.{segment}.used_by"] = sum(
            segment in _segments_in(one)
            for one in past.documents
            if (one["kind"], one.get("id")) != ("segment", segment)
        )
        figures[f"segment.{segment}.90_days_before"] = _members_before(past, segment)
    return figures


def _members_before(past: Past, segment: str) -> int:
    """Members at the end of the first of the last 90 days: those of now, walked back."""
    since_us = past.zone.day_start_us(past.zone.day_number(past.at_us) - 88)
    inside = {state.profile_id for state in past.states if segment in state.decisions.inside}
    for row in sorted(past.log, key=lambda row: -row.number):
        if (
            row.at_us >= since_us
            and row.name in ("Segment Entered", "Segment Left")
            and row.properties["segment"] == segment
        ):
            (inside.discard if row.name == "Segment Entered" else inside.add)(row.profile_id)
    return len(inside)


def _segments_in(held: Any, key: str = "") -> Iterator[str]:
    """Every segment that a definition names."""
    if isinstance(held, dict):
        if key == "segment" and "id" in held:
            yield held["id"]
        for name, part in held.items():
            yield from _segments_in(part, name)
    elif isinstance(held, list):
        for part in held:
            yield part if key in ("personas", "segments") and isinstance(part, str) else ""
            yield from _segments_in(part, key)
    elif key in ("segment", "segment_entered", "segment_left"):
        yield held


def rules(past: Past) -> dict[str, int]:
    """Rules of each score, and the other definitions that ask for it by its id."""
    figures: Counter[str] = Counter()
    for score in [one for one in past.documents if one["kind"] == "score"]:
        figures[f"score.{score['id']}.rules"] = len(score["rules"])
        figures[f"score.{score['id']}.used_by"] = sum(
            score["id"] in _scores_in(one) for one in past.documents if one is not score
        )
    return figures


def _scores_in(held: Any, key: str = "") -> Iterator[str]:
    """Every score that a definition names."""
    if key == "score":
        yield held["id"] if isinstance(held, dict) and "id" in held else held
    for name, part in held.items() if isinstance(held, dict) else ():
        yield from _scores_in(part, name)
    for part in held if isinstance(held, list) else ():
        yield from _scores_in(part)


PEOPLE = (customers, persons, scores, rules, segments)
