"""The known figures, counted again straight from the parquet files: one side of the three-way check."""

from dataclasses import dataclass

import numpy as np

from kundenkreis.demo.tables import baskets, read


@dataclass(frozen=True)
class Figures:
    """What must come out of log and states for the real households."""

    households: int
    orders: int
    lines: int
    sales_cents: int
    coupon_discount_cents: int
    memberships: int
    redemptions: int
    orders_by_household: dict[int, int]
    sales_cents_by_household: dict[int, int]


def recount(only: set[int] | None = None) -> Figures:
    """Count everything, or what belongs to the households in `only`. Uses none of the message code."""
    wanted = None if only is None else np.array(sorted(only), dtype=np.int64)
    rows = baskets(wanted)
    totals = rows.total_cents()
    households, position = np.unique(rows.household, return_inverse=True)
    sales = np.zeros(len(households), dtype=np.int64)
    np.add.at(sales, position, totals)
    members = read("campaigns", ["household_id"])["household_id"]
    redeemers = read("coupon_redemptions", ["household_id"])["household_id"]
    if wanted is not None:
        members, redeemers = members[np.isin(members, wanted)], redeemers[np.isin(redeemers, wanted)]
    ids = households.tolist()
    return Figures(
        households=len(ids),
        orders=len(rows.basket),
        lines=len(rows.product),
        sales_cents=int(totals.sum()),
        coupon_discount_cents=int(rows.coupon_cents.sum()),
        memberships=len(members),
        redemptions=len(redeemers),
        orders_by_household=dict(zip(ids, np.bincount(position, minlength=len(ids)).tolist(), strict=True)),
        sales_cents_by_household=dict(zip(ids, sales.tolist(), strict=True)),
    )
