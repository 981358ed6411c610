"""The whole overlay: everything invented around the real households, as drafts."""

from kundenkreis.demo.calendar import MovedYear
from kundenkreis.demo.households import Households
from kundenkreis.demo.message import Draft
from kundenkreis.demo.orders import Orders
from kundenkreis.demo.overlay.cast import cast
from kundenkreis.demo.overlay.service import incidents
from kundenkreis.demo.overlay.shoppers import buyers, former_customers
from kundenkreis.demo.overlay.stage import raise_stage
from kundenkreis.demo.overlay.visits import sign_ups, visitors
from kundenkreis.demo.overlay.web_orders import around_orders


def drafts(year: MovedYear, orders: Orders, real: Households) -> list[Draft]:
    """Every invented story, unsorted. The cast comes first, so that it is the same people in a demo of any size."""
    stage = raise_stage(year, orders, len(real.people))
    stories = cast(stage)
    signed_up = sign_ups(stage)
    stories += buyers(stage, signed_up)
    stories += [sign_up.story for sign_up in signed_up]
    stories += former_customers(stage) + visitors(stage)
    stories += around_orders(stage, orders, real.people)
    stories += incidents(stage, list(real.people.values()))
    return [draft for story in stories for draft in story.drafts]
