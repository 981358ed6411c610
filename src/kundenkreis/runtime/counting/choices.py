"""How many people each quick filter of the list of customers would show."""

import msgspec

from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.runtime.stores.session import Session

FIGURE = "choices"
QUICK = ("phase", "sub_state", "situation", "segment")
"""Kinds of membership that the list filters by."""


class ChoiceCounts(msgspec.Struct, frozen=True, kw_only=True):
    """People by kind and id of what they are in now; customers and visitors in all."""

    at_us: Micros
    members: dict[str, dict[str, int]]
    known: int
    visitors: int


def count_choices(tx: Session, *, at_us: Micros) -> ChoiceCounts:
    """From the two indexes that the list itself is read by."""
    members: dict[str, dict[str, int]] = {kind: {} for kind in QUICK}
    for kind, found in members.items():
        sql = "SELECT definition_id, count(*) FROM memberships WHERE kind = ? AND until_us = ? GROUP BY definition_id"
        found.update((row[0], int(row[1])) for row in tx.rows(sql, (kind, NEVER)))
    people = {row[0]: int(row[1]) for row in tx.rows("SELECT is_known, count(*) FROM customer_list GROUP BY is_known")}
    return ChoiceCounts(at_us=at_us, members=members, known=people.get(1, 0), visitors=people.get(0, 0))
