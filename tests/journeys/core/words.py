"""Short words in which the tests of runs are told."""

from typing import Any

from kundenkreis.customers.core.turn import RunEntry
from tests.journeys.driver import Fold, journey, journeys, local, simple

HELLO: dict[str, Any] = {"id": "hello", "message": {"content": "hello", "purpose": "newsletter"}}
WAIT: dict[str, Any] = {"id": "pause", "wait": {"days": 10}}
LATER: dict[str, Any] = {"id": "later", "message": {"content": "later", "purpose": "newsletter"}}
GOAL = {"event": {"name": "Order Completed"}, "within_days": 30}
BIRTHDAY = simple(
    entry={"date": {"attribute": "birthday", "offset_days": -7, "at": "10:00", "yearly": True}}, re_entry="always"
)


def fold(*parts: dict[str, Any], **more: Any) -> Fold:
    """Somebody among these journeys."""
    return Fold(journeys(*(journey(part) for part in parts)), **more)


def outcomes(customer: Fold) -> list[str]:
    """How each line of the path ended."""
    return [outcome for _, outcome in customer.path]


def entries(customer: Fold) -> list[str]:
    """Local times of all entries."""
    return [local(e.at_us) for e in customer.records if isinstance(e, RunEntry) and e.outcome == "entered"]
