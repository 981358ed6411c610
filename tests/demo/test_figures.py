import numpy as np

from kundenkreis.demo.figures import recount
from kundenkreis.demo.tables import cents, chosen_households


def test_recount_equals_the_known_figures() -> None:
    figures = recount()
    assert (figures.households, figures.orders, figures.lines) == (2_469, 155_848, 1_469_307)
    assert figures.sales_cents == 459_603_958
    assert figures.coupon_discount_cents == 2_635_990
    assert (figures.memberships, figures.redemptions) == (6_589, 2_102)
    assert sum(figures.orders_by_household.values()) == 155_848
    assert sum(figures.sales_cents_by_household.values()) == 459_603_958
    assert max(figures.sales_cents_by_household.items(), key=lambda pair: pair[1]) == (1023, 2_487_975)


def test_recount_of_some_households_is_their_part_of_the_whole() -> None:
    chosen = chosen_households(25)
    assert chosen is not None
    part, whole = recount(set(chosen.tolist())), recount()
    assert part.households == 25
    assert part.sales_cents_by_household == {
        household: whole.sales_cents_by_household[household] for household in part.sales_cents_by_household
    }
    assert part.orders == sum(whole.orders_by_household[household] for household in chosen.tolist())


def test_cents_of_floats_are_exact() -> None:
    assert cents(np.array([0.1, 0.29, 1.005 - 0.005, 19.99, 840.0])).tolist() == [10, 29, 100, 1999, 84000]
