"""Computed traits: what each is, read from the state without a fact of its own, or from the facts of a trait document.

A trait is a number (an exact ratio), an instant (compared by its installation day), a number of days that grows by one each day,
or a yes/no. Missing is None.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.money import ZERO_DECIMAL
from kundenkreis.segments.core.definitions import Measured, TraitDefinition
from kundenkreis.segments.core.facts import THOUSANDTHS, fact
from kundenkreis.segments.core.leaf import names_of
from kundenkreis.segments.core.protocol import FactSpec
from kundenkreis.segments.errors import DefinitionError

Ratio = tuple[int, int]
"""Numerator and positive denominator."""
MOST_DAYS_KEPT = 64


class Trait(NamedTuple):
    """How a trait is read: exactly one of the readers, by its type."""

    type: Literal["number", "instant", "days_since", "yes_no"]
    reads: tuple[str, ...] = ()
    number: Callable[[CustomerState], Ratio | None] = lambda _state: None
    instant: Callable[[CustomerState], Micros | None] = lambda _state: None
    """Also the start of days_since."""
    yes_no: Callable[[CustomerState], bool] = lambda _state: False
    facts: tuple[FactSpec, ...] = ()


def _major(sums: dict[str, int]) -> Ratio | None:
    """Major units of the one currency; 0 without any, missing with several."""
    if not sums:
        return 0, 1
    if len(sums) > 1:
        return None
    ((currency, minor),) = sums.items()
    return minor, 1 if currency in ZERO_DECIMAL else 100


def _average_order(state: CustomerState) -> Ratio | None:
    sales, count = _major(state.commerce.sales), state.commerce.order_count
    return None if sales is None or count <= 0 else (sales[0], sales[1] * count)


def _average_gap(days: list[int]) -> Ratio | None:
    return (days[-1] - days[0], len(days) - 1) if len(days) > 1 else None


def _cart_value(state: CustomerState) -> Ratio | None:
    cart = state.commerce.cart
    if cart is None:
        return None
    minor = sum(quantity * price for quantity, price in cart.lines.values())
    return minor, 1 if cart.currency in ZERO_DECIMAL else 100


def _known(at_us: Micros) -> Micros | None:
    return None if at_us < 0 or at_us >= NEVER else at_us


ORDERS, DELIVERIES = ("orders",), ("deliveries",)
CART = ("cart",)
SEEN, FIRST_SEEN = ("seen",), ("first_seen",)

BUILT_IN: dict[str, Trait] = {
    "order_count": Trait("number", ORDERS, number=lambda s: (s.commerce.order_count, 1)),
    "delivered_count": Trait("number", DELIVERIES, number=lambda s: (s.commerce.delivered_count, 1)),
    "sales": Trait("number", ORDERS, number=lambda s: _major(s.commerce.sales)),
    "refunded": Trait("number", ORDERS, number=lambda s: _major(s.commerce.refunded)),
    "average_order": Trait("number", ORDERS, number=_average_order),
    "first_order_at": Trait("instant", ORDERS, instant=lambda s: _known(s.commerce.first_order_us)),
    "last_order_at": Trait("instant", ORDERS, instant=lambda s: _known(s.commerce.last_order_us)),
    "first_delivered_at": Trait("instant", DELIVERIES, instant=lambda s: _known(s.commerce.first_delivered_us)),
    "days_since_last_order": Trait("days_since", ORDERS, instant=lambda s: _known(s.commerce.last_order_us)),
    "days_since_first_delivery": Trait(
        "days_since", DELIVERIES, instant=lambda s: _known(s.commerce.first_delivered_us)
    ),
    "purchase_day_count": Trait("number", ORDERS, number=lambda s: (len(s.commerce.purchase_days), 1)),
    "average_gap_days": Trait("number", ORDERS, number=lambda s: _average_gap(s.commerce.purchase_days)),
    "open_order_count": Trait("number", DELIVERIES, number=lambda s: (len(s.commerce.open_orders), 1)),
    "cart_value": Trait("number", CART, number=_cart_value),
    "cart_changed_at": Trait(
        "instant", CART, instant=lambda s: None if s.commerce.cart is None else s.commerce.cart.changed_us
    ),
    "has_open_cart": Trait("yes_no", CART, yes_no=lambda s: s.commerce.cart is not None),
    "first_seen_at": Trait("instant", FIRST_SEEN, instant=lambda s: _known(s.first_seen_us)),
    "last_seen_at": Trait("instant", SEEN, instant=lambda s: _known(s.last_seen_us)),
    "is_known": Trait("yes_no", ("identifier",), yes_no=lambda s: s.profile.known),
}
"""Name -> trait. `sales` are the completed orders before refunds; `average_order` is `sales` by `order_count`."""


def defined_trait(definition: TraitDefinition) -> Trait:
    """A trait as a document defines it.

    Raises:
        DefinitionError: not exactly one measure, or a sum without its property.
    """
    measures = ("count", "sum", "first", "last", "average_gap")
    given = [name for name in measures if getattr(definition, name) is not None]
    if len(given) != 1:
        raise DefinitionError((), "A trait has exactly one of " + ", ".join(f"`{name}`" for name in measures) + ".")
    measure = given[0]
    measured: Measured = getattr(definition, measure)
    if not names_of(measured.name) or not all(names_of(measured.name)):
        raise DefinitionError((measure, "name"), "Name at least one event.")
    if (measure == "sum") != bool(measured.property):
        raise DefinitionError((measure, "property"), "`sum` needs a property, the other measures take none.")
    kind = {"count": "total", "sum": "total", "first": "first", "last": "last", "average_gap": "days"}[measure]
    spec = fact(
        kind,
        names_of(measured.name),
        where=measured.where,
        property_=measured.property,
        size=MOST_DAYS_KEPT if kind == "days" else 0,
    )
    key = spec.key
    match measure:
        case "count":
            return Trait("number", number=lambda s: (s.facts.get(key, 0), 1), facts=(spec,))
        case "sum":
            return Trait("number", number=lambda s: (s.facts.get(key, 0), THOUSANDTHS), facts=(spec,))
        case "average_gap":
            return Trait("number", number=lambda s: _average_gap(s.facts.get(key, [])), facts=(spec,))
        case _:
            return Trait("instant", instant=lambda s: s.facts.get(key), facts=(spec,))
