"""What publishing would do, counted on copies: the same as what adopting does."""

import pytest

from kundenkreis.customers.core.state import CustomerState, Run, encode_state
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.impact import Impact, JourneyImpact, MembershipImpact, count_impact
from kundenkreis.definitions.load import load_files
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.journeys.core.impact import StepImpact
from kundenkreis.kernel.zones import DAY, Zone
from tests.definitions.samples import accepted

pytestmark = pytest.mark.pure

ZONE = Zone("Europe/Berlin")
AT = 20_000 * DAY


def rules(text: str) -> Definitions:
    """Definitions from YAML."""
    return accepted(load_files([("a.yaml", text.encode())]))


BEFORE = rules(
    "kind: segment\nid: buyers\nname: {de: Käufer}\nwhen: {trait: {name: order_count, op: '>=', value: 1}}\n"
)
AFTER = rules("kind: segment\nid: buyers\nname: {de: Käufer}\nwhen: {trait: {name: order_count, op: '>=', value: 2}}\n")


def person(orders: int, *, inside: bool) -> CustomerState:
    """Somebody with so many orders."""
    state = CustomerState(1, "b", 0, 0, clock_us=AT - DAY)
    state.commerce.order_count = orders
    if inside:
        state.decisions.inside["buyers"] = 5
    return state


def test_who_enters_and_leaves_is_counted() -> None:
    before = compile_rulebook([BEFORE.documents()], zone=ZONE)
    after = compile_rulebook([BEFORE.documents(), AFTER.documents()], zone=ZONE)
    people = [
        person(1, inside=True),
        person(1, inside=True),
        person(3, inside=True),
        person(2, inside=False),
        person(0, inside=False),
    ]
    impact = count_impact([(each, ()) for each in people], before=before, after=after, at_us=AT)
    assert impact == Impact(5, (MembershipImpact("segment", "buyers", 1, 2),), ())


def test_runs_in_replaced_and_deleted_journeys_are_counted() -> None:
    journey = "kind: journey\nid: {}\nname: {{de: A}}\nentry: {{event: {{name: Order Completed}}}}\nsteps: [{{id: pause, wait: {{days: {}}}}}]\n"
    one = rules("---\n".join([journey.format("kept", 1), journey.format("replaced", 1), journey.format("deleted", 1)]))
    two = rules("---\n".join([journey.format("kept", 1), journey.format("replaced", 2)]))
    before, after = (
        compile_rulebook([one.documents()], zone=ZONE),
        compile_rulebook([one.documents(), two.documents()], zone=ZONE),
    )
    state = person(0, inside=False)
    state.runs = [Run(name.encode(), name, 1, "", AT, "pause", AT) for name in ("kept", "replaced", "deleted")]
    # Whoever has taken the last step, and whose goal is only measured, finishes nothing.
    state.runs.append(Run(b"measured", "replaced", 1, "", AT, "", AT, waiting_for="goal"))
    impact = count_impact([(state, ())], before=before, after=after, at_us=AT)
    assert impact.journeys == (
        JourneyImpact("deleted", 0, 1),
        JourneyImpact("replaced", 0, 1, (StepImpact("pause", "changed", 1),)),
    )


def test_people_merged_into_others_are_not_asked() -> None:
    rulebook = compile_rulebook([BEFORE.documents()], zone=ZONE)
    gone = person(1, inside=False)
    gone.forwarded_to = 7
    kept = encode_state(gone)
    assert count_impact([(gone, ())], before=rulebook, after=rulebook, at_us=AT) == Impact(0, (), ())
    assert encode_state(gone) == kept
