"""What stands open at the end of the year, read from the messages alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kundenkreis.demo.overlay.cast import EACH, ENDINGS

_END = datetime(2026, 11, 16, 5, tzinfo=UTC)
Bodies = list[dict[str, Any]]


def _open(decoded: Bodies, begins: str, ends: Iterable[str], key: str, **where: str) -> set[str]:
    """Users with a matter that began and has not ended."""
    running: dict[str, str] = {}
    for body in decoded:
        properties = body.get("properties", {})
        if body.get("event") == begins and where.items() <= properties.items():
            running[properties.get(key, "")] = body["userId"]
        elif body.get("event") in set(ends):
            running.pop(properties.get(key, ""), None)
    return set(running.values())


def _orders(decoded: Bodies) -> dict[str, list[datetime]]:
    days: dict[str, list[datetime]] = defaultdict(list)
    for body in decoded:
        if body.get("event") == "Order Completed":
            days[body["userId"]].append(datetime.fromisoformat(body["timestamp"]))
    return days


@pytest.mark.parametrize(
    ("begins", "ends", "key", "where"),
    [
        ("Order Shipped", ["Order Delivered"], "order_id", {}),
        ("Order Delayed", ["Order Delivered"], "order_id", {}),
        ("Return Announced", ["Order Refunded"], "order_id", {}),
        ("Case Opened", ["Case Solved"], "case_id", {"kind": "complaint"}),
        ("Case Opened", ["Case Answered"], "case_id", {"kind": "question"}),
        ("Payment Failed", ["Payment Settled"], "order_id", {}),
        ("Deal Created", ["Deal Won", "Deal Lost"], "deal_id", {}),
        ("Bereavement Reported", [], "", {}),
        ("Rights Request Opened", ["Rights Request Closed"], "request_id", {}),
    ],
)
def test_every_situation_stands_open(
    decoded: Bodies, begins: str, ends: list[str], key: str, where: dict[str, str]
) -> None:
    if key:
        assert len(_open(decoded, begins, ends, key, **where)) >= EACH
    else:
        assert sum(body.get("event") == begins for body in decoded) == EACH
    if ends:  # and it does end for others
        assert sum(body.get("event") in ends for body in decoded) >= 1


def test_carts_stand_open(decoded: Bodies) -> None:
    carts: dict[str, datetime] = {}
    for body in decoded:
        if body.get("event") == "Product Added":
            carts[body["userId"]] = datetime.fromisoformat(body["timestamp"])
        elif body.get("event") == "Order Completed":
            carts.pop(body["userId"], None)
    assert sum(_END - at < timedelta(days=2) for at in carts.values()) >= EACH


def test_every_phase_has_people(decoded: Bodies) -> None:
    orders = _orders(decoded)
    silence = {user: (_END - max(days)).days for user, days in orders.items()}
    one_order = {user for user, days in orders.items() if len(days) == 1}
    confirmed = {body["userId"] for body in decoded if body.get("event") == "Consent Confirmed"}
    anonymous = {body["anonymousId"] for body in decoded if body["type"] == "page"}
    joined = {body.get("anonymousId") or body.get("previousId") for body in decoded if "userId" in body}
    found = {
        "attention": len(anonymous - joined),
        "trust": len(confirmed - set(orders)),
        "fresh": sum(silence[user] < 80 for user in one_order),
        "one_time": sum(100 < silence[user] < 360 for user in one_order),
        "loyal": sum(len(days) > 1 and silence[user] < 14 for user, days in orders.items()),
        "at_risk": sum(len(set(days)) > 2 and 120 < silence[user] < 360 for user, days in orders.items()),
        "sleeping": sum(366 < days < 729 for days in silence.values()),
        "former": sum(days > 731 for days in silence.values()),
    }
    assert {phase: count for phase, count in found.items() if count < EACH} == {}


def test_sign_ups_are_confirmed_after_they_were_asked_for_and_some_never(decoded: Bodies) -> None:
    asked = {
        body["userId"]: datetime.fromisoformat(body["timestamp"])
        for body in decoded
        if body.get("event") == "Consent Requested"
    }
    confirmed = {
        body["userId"]: datetime.fromisoformat(body["timestamp"])
        for body in decoded
        if body.get("event") == "Consent Confirmed" and body["userId"] in asked
    }
    assert [user for user, at in confirmed.items() if at <= asked[user]] == []
    assert 0.5 < len(confirmed) / len(asked) < 0.95


def test_anonymous_browsing_is_joined_both_ways(decoded: Bodies) -> None:
    visited = {body["anonymousId"] for body in decoded if body["type"] == "page"}
    by_identify = [body["anonymousId"] for body in decoded if body["type"] == "identify" and "anonymousId" in body]
    by_alias = [body["previousId"] for body in decoded if body["type"] == "alias"]
    assert len(by_identify) >= 1
    assert len(by_alias) >= 1
    assert {*by_identify, *by_alias} - visited == set()


def test_history_is_older_than_the_year_and_comes_with_it(decoded: Bodies) -> None:
    old = [
        body["userId"]
        for body in decoded
        if body.get("event") == "Order Completed" and body["timestamp"] < "2025-11-16"
    ]
    assert len(set(old)) >= 2 * EACH
    assert {user.startswith("erfunden-") for user in old} == {True}


def test_the_cast_shows_every_ending(decoded: Bodies) -> None:
    cast = {f"{10_000 + n}" for n in range(EACH * len(ENDINGS))}
    seen = Counter((body.get("userId") or body["anonymousId"]).rsplit("-", 1)[-1] for body in decoded)
    assert {number for number in cast if seen[number] == 0} == set()


def test_consent_names_its_evidence_and_that_it_is_invented(decoded: Bodies) -> None:
    consents = [body["properties"] for body in decoded if body.get("event") == "Consent Confirmed"]
    needed = {"channel", "purpose", "basis", "wording", "text_version", "form", "language", "ip", "invented"}
    assert [properties for properties in consents if needed - set(properties)] == []
    assert {properties["basis"] for properties in consents} == {"express_consent"}
    assert {properties["purpose"] for properties in consents} == {"newsletter", "birthday"}
