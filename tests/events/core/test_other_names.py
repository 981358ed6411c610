"""Names of other conventions lead to those of the catalogue; names of its own, and what means something else, to none."""

import pytest

from kundenkreis.events.core.catalogue import EVENTS
from kundenkreis.events.core.other_names import _ELSEWHERE, _words, known_name

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Completed Order", "Order Completed"),
        ("order_completed", "Order Completed"),
        ("orderCompleted", "Order Completed"),
        ("ORDER COMPLETED", "Order Completed"),
        ("order-completed", "Order Completed"),
        ("order:completed", "Order Completed"),
        ("purchase", "Order Completed"),
        ("Placed Order", "Order Completed"),
        ("add_to_cart", "Product Added"),
        ("product_viewed", "Product Viewed"),
        ("begin_checkout", "Checkout Started"),
        ("Viewed Product", "Product Viewed"),
        ("Order Completed", ""),
        ("Order", ""),
        ("Order Completed Again", ""),
        ("", ""),
        ("!?", ""),
        ("Bestellung abgeschlossen", ""),
        ("order completed " * 100, ""),
    ],
)
def test_what_is_meant(name: str, meant: str) -> None:
    assert known_name(name) == meant


def test_each_leads_to_an_event_of_the_catalogue_and_no_two_of_it_are_alike() -> None:
    assert set(_ELSEWHERE.values()) <= set(EVENTS)
    assert len({_words(name) for name in EVENTS}) == len(EVENTS)
    assert {_words(name) for name in EVENTS}.isdisjoint(_words(name) for name in _ELSEWHERE)
