"""Order, records, derived events, adoption."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from kundenkreis.customers.core.state import decode_state, encode_state
from kundenkreis.customers.core.turn import MembershipChange, ScoreEntry, Turn
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, zone
from kundenkreis.segments.core.decisions import adopt, decide, next_us, observe
from kundenkreis.segments.errors import DefinitionError
from tests.segments.frame import Customer, compiled, log_row, plain_row
from tests.segments.worlds import FIXED, lives

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000


def segment(name, when):
    return {"kind": "segment", "id": name, "when": when}


def seen(count=1, **more):
    return {"event": {"name": "Seen", "count": {"at_least": count}, **more}}


def in_segment(name):
    return {"segment": {"id": name}}


def adopted(customer, decisions, at_us, history=(), previous=None) -> list:
    """Publish other decisions to a customer; returns the records."""
    turn = Turn(customer.state, at_us, row=None, zone=BERLIN, rulebook_version=2)
    adopt(decisions, turn, history, previous=previous)
    customer.decisions = decisions
    return turn.records


def test_order_follows_what_is_read_and_not_how_things_are_listed():
    a, b, c = segment("a", in_segment("c")), segment("b", seen()), segment("c", {"not": in_segment("b")})
    assert compiled(a, b, c).keys == compiled(c, b, a).keys == ("segment:b", "segment:c", "segment:a")


def test_cycles_are_refused_by_name():
    phases = {"kind": "phases", "phases": [{"id": "p", "when": in_segment("a")}]}
    documents = (segment("a", {"any": [in_segment("b"), seen()]}), segment("b", {"phase": {"is": "p"}}), phases)
    with pytest.raises(DefinitionError) as caught:
        compiled(*documents)
    assert caught.value.slug == "cycle"
    assert "segment:a -> segment:b -> phase -> segment:a" in str(caught.value)
    assert caught.value.data["path"] == ["segment", "a"]
    with pytest.raises(DefinitionError, match="segment:a -> segment:a"):
        compiled(segment("a", in_segment("a")))


@pytest.mark.parametrize(
    ("documents", "path"),
    [
        ([segment("a", {"nothing": {}})], ["segment", "a", "when", "nothing"]),
        ([segment("a", seen()), segment("a", seen())], ["segment", "a", "id"]),
        ([{"kind": "trait", "id": "sales", "count": {"name": "A"}}], ["trait", "sales", "id"]),
        ([{"kind": "trait", "id": "t", "sum": {"name": "A"}}], ["trait", "t", "sum", "property"]),
        ([{"kind": "trait", "id": "t"}], ["trait", "t"]),
        (
            [{"kind": "phases", "phases": [{"id": "p", "when": {"all": []}, "sub_states": [{"id": "s", "when": {"x": 1}}]}]}],
            ["phases", "", "phases", 0, "sub_states", 0, "when", "x"],
        ),
        ([{"kind": "situation", "id": "s", "begins": {"name": "A"}}], ["situation", "s"]),
        (
            [{"kind": "situation", "id": "s", "begins": {"name": "A", "where": [{"property": "p", "op": "?"}]}, "ends": [{"name": "B"}]}],
            ["situation", "s", "begins", "where", 0, "op"],
        ),
        ([{"kind": "situation", "id": "s", "begins": {"builtin": "moon"}}], ["situation", "s", "begins", "builtin"]),
        ([{"kind": "score", "id": "s", "half_life_days": 0}], ["score", "s", "half_life_days"]),
        (
            [{"kind": "score", "id": "s", "rules": [{"id": "r", "event": {"name": "A"}, "points": 0.0001}]}],
            ["score", "s", "rules", 0, "points"],
        ),
    ],
)  # fmt: skip
def test_errors_name_the_document(documents, path):
    with pytest.raises(DefinitionError) as caught:
        compiled(*documents)
    assert caught.value.data["path"] == path


def test_entering_and_leaving_is_recorded_with_its_reason_and_told():
    customer = Customer(compiled(segment("now", seen(2, within_days=2))))
    customer.take(plain_row(1, "Seen", T0), plain_row(2, "Seen", T0 + 1)).wait_until(T0 + 9 * DAY)
    left_us = BERLIN.day_start_us(BERLIN.day_number(T0) + 2)
    entered, left = customer.records
    assert entered == MembershipChange(
        "segment", "now", True, T0 + 1, (2).to_bytes(16, "big"),
        ["event", True, {"name": "Seen", "count": {"at_least": 2}, "within_days": 2}, {"count": 2, "last_us": T0 + 1}, [], left_us],
    )  # fmt: skip
    assert (left.entered, left.at_us, left.cause, left.reason[3]) == (False, left_us, b"", {"count": 0})
    assert customer.derived == [
        (T0 + 1, "Segment Entered", {"segment": "now", "key": "now"}),
        (left_us, "Segment Left", {"segment": "now", "key": "now"}),
    ]
    assert customer.due == [(left_us, True)]
    assert next_us(customer.decisions, customer.state) == NEVER


def test_derived_events_can_be_counted():
    customer = Customer(
        compiled(
            segment("now", seen(within_days=1)),
            segment("came_twice", {"event": {"name": "Segment Entered", "count": {"at_least": 2}}}),
        )
    )
    customer.take(plain_row(1, "Seen", T0), plain_row(2, "Seen", T0 + 5 * DAY))
    assert customer.state.decisions.inside == {"now": T0 + 5 * DAY, "came_twice": T0 + 5 * DAY}


def test_first_turn_decides_everything_even_what_no_event_touched():
    customer = Customer(
        compiled(segment("nothing_yet", {"event": {"name": "Order Completed", "count": {"exactly": 0}}}))
    )
    customer.take(plain_row(1, "Seen", T0))
    assert customer.changes("segment") == [(T0, "nothing_yet", True)]
    assert customer.state.decisions.phase.phase == ""


def test_untouched_definitions_are_not_asked():
    decisions = compiled(segment("a", seen()), segment("b", {"event": {"name": "Other"}}))
    customer = Customer(decisions).take(plain_row(1, "Seen", T0))
    asked = []
    for node in decisions._nodes:
        original = node._condition
        node._condition = type(
            "Spy", (), {"answer": lambda _, s, t, o=original, n=node: asked.append(n.key) or o.answer(s, t)}
        )()
    customer.take(plain_row(2, "Seen", T0 + 1), plain_row(3, "Unheard", T0 + 2))
    assert asked == ["segment:a"]


def test_adoption_marks_what_arises_as_publishing():
    customer = Customer(compiled(segment("a", seen()))).take(plain_row(1, "Seen", T0))
    turn = Turn(customer.state, T0 + DAY, row=None, zone=BERLIN, rulebook_version=2)
    adopt(compiled(segment("a", seen()), segment("b", in_segment("a"))), turn)
    assert [(one.definition_id, one.entered, one.publishing) for one in turn.records] == [("b", True, True)]
    assert [(one.name, one.publishing) for one in turn.derived] == [("Segment Entered", True)]


def test_adoption_drops_what_was_deleted():
    score = {"kind": "score", "id": "s", "rules": [{"id": "r", "event": {"name": "Seen"}, "points": 1}]}
    case = {"kind": "situation", "id": "case", "begins": {"name": "Seen"}, "ends": [{"name": "Solved"}]}
    old = compiled(segment("a", seen(within_days=3)), score, case)
    customer = Customer(old).take(plain_row(1, "Seen", T0))
    records = adopted(customer, compiled(segment("b", seen(5))), T0 + DAY)
    assert [(one.kind, one.definition_id, one.entered) for one in records] == [
        ("segment", "a", False),
        ("situation", "case", False),
    ]
    held = customer.state.decisions
    assert (held.inside, held.scores, held.situations, held.recheck_us) == ({}, {}, {}, {})
    assert customer.state.facts == {}


def test_adoption_folds_lacking_facts_from_history_only():
    rows = [plain_row(n, "Seen", T0 + n) for n in range(1, 6)]
    old = compiled(segment("a", seen(2, within_days=90)))
    new = compiled(segment("a", seen(4, within_days=90)), segment("b", seen(5)))
    customer = Customer(old).take(*rows)
    log = [log_row(plain, number, BERLIN) for number, plain in enumerate(rows, start=1)]
    assert [spec.kind for spec in new.lacking(old)] == [spec.kind for spec in new.facts.specs]
    adopted(customer, new, T0 + DAY, log, previous=old)
    fresh = Customer(new).take(*rows)
    assert customer.state.facts == fresh.state.facts
    assert sorted(customer.state.decisions.inside) == ["a", "b"]
    assert new.lacking(new) == ()
    assert old.lacking(new) == ()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=lives())
def test_new_scores_and_situations_begin_as_if_they_had_always_been_there(rows):
    old, new = compiled(segment("a", seen())), compiled(segment("a", seen()), *FIXED)
    at_us = rows[-1]["at_us"] + DAY
    customer = Customer(old, created_us=rows[0]["at_us"]).take(*rows).wait_until(at_us)
    log = [log_row(plain, number, BERLIN) for number, plain in enumerate(rows, start=1)]
    adopted(customer, new, at_us, log, previous=old)
    always = Customer(new, created_us=rows[0]["at_us"]).take(*rows).wait_until(at_us)
    mine, theirs = customer.state.decisions, always.state.decisions
    assert mine.scores == theirs.scores
    assert customer.state.facts == always.state.facts
    assert {kind: (one.keys, one.rests_until_us, one.gentle_until_us) for kind, one in mine.situations.items()} == {
        kind: (new.situations[kind].open_keys(always.state, at_us), one.rests_until_us, one.gentle_until_us)
        for kind, one in theirs.situations.items()
    }
    assert mine.recheck_us == theirs.recheck_us


def test_a_new_score_of_which_nothing_is_left_writes_no_line():
    """A line of the ledger is what the balance changed by: what was taken from nothing, or has decayed, changed nothing."""
    rules = [
        {"id": "seen", "event": {"name": "Seen"}, "points": -1},
        {"id": "met", "event": {"name": "Met"}, "points": 1},
    ]
    score = {"kind": "score", "id": "mood", "half_life_days": 1, "rules": rules}
    for name, points in (("Seen", []), ("Met", [500])):
        old, new = compiled(segment("a", seen())), compiled(segment("a", seen()), score)
        rows = [plain_row(1, name, T0)]
        for days in (1, 40):
            customer = Customer(old).take(*rows)
            records = adopted(customer, new, T0 + days * DAY, [log_row(rows[0], 1, BERLIN)], previous=old)
            lines = [one.balance for one in records if isinstance(one, ScoreEntry)]
            assert lines == (points if days == 1 else [])


def test_a_new_situation_goes_on_resting_after_a_matter_that_ended_before():
    """As if it had always been there: the rest counts from the end of the matter, not from the publishing."""
    resting = {
        "kind": "situation", "id": "trouble", "begins": {"name": "Case Opened"}, "ends": [{"name": "Case Solved"}],
        "after_days": 4, "gentle_days": 9,
    }  # fmt: skip
    old, new = compiled(), compiled(resting)
    rows = [plain_row(1, "Case Opened", T0), plain_row(2, "Case Solved", T0 + DAY), plain_row(3, "Seen", T0 + 2 * DAY)]
    customer = Customer(old).take(*rows)
    adopted(
        customer, new, T0 + 3 * DAY, [log_row(one, number, BERLIN) for number, one in enumerate(rows, start=1)], old
    )
    held = customer.state.decisions.situations["trouble"]
    assert (held.keys, held.rests_until_us, held.gentle_until_us) == ({}, T0 + 5 * DAY, T0 + 14 * DAY)
    assert customer.take(plain_row(4, "Seen", T0 + 14 * DAY)).state.decisions.situations == {}


@pytest.mark.parametrize("looks", [0, 1])
def test_another_half_life_holds_from_its_publishing_on(looks):
    """What was decayed until then follows the old one, whether or not anything touched the score meanwhile."""

    def score(days):
        rules = [
            {"id": "seen", "event": {"name": "Seen"}, "points": 8},
            {"id": "told", "event": {"name": "Told"}, "points": 0.001},
        ]
        return compiled({"kind": "score", "id": "s", "half_life_days": days, "rules": rules})

    old, new = score(1), score(100)
    customer = Customer(old).take(plain_row(1, "Seen", T0), *[plain_row(2, "Told", T0 + 2 * DAY)][:looks])
    adopted(customer, new, T0 + 3 * DAY, previous=old)
    assert customer.state.decisions.scores["s"].milli_points == 1000


def test_what_is_lacking_names_the_events_it_follows_from():
    lacking = compiled(*FIXED).lacking(compiled())
    assert [(spec.kind, spec.property) for spec in lacking if spec.key == 0] == [
        ("score", "activity"), ("score", "flat"), ("score", "slow"), ("situation", "asked"), ("situation", "complaint"),
    ]  # fmt: skip
    assert lacking[-1].names == ("Case Opened", "Case Solved")
    assert compiled(*FIXED).lacking(compiled(*FIXED)) == ()


def test_adoption_shrinks_facts_to_what_is_needed():
    rows = [plain_row(n, "Seen", T0 + n) for n in range(1, 6)]
    customer = Customer(compiled(segment("a", seen(5, within_days=90)))).take(*rows)
    new = compiled(segment("a", seen(2, within_days=90)))
    adopted(customer, new, T0 + DAY)
    assert customer.state.facts == Customer(new).take(*rows).state.facts


def test_ids_of_derived_events_do_not_depend_on_the_batch():
    decisions = compiled(segment("a", seen()), segment("b", in_segment("a")))

    def ids():
        customer = Customer(decisions)
        turn = Turn(
            customer.state, T0, row=log_row(plain_row(1, "Seen", T0), 1, BERLIN), zone=BERLIN, rulebook_version=1
        )
        observe(decisions, turn)
        decide(decisions, turn)
        return [event.event_id for event in turn.derived]

    first = ids()
    assert len(set(first)) == 2
    assert first == ids()


def test_state_is_codec_stable_and_small():
    documents = [segment(f"s{n}", seen(n + 1, within_days=30)) for n in range(20)]
    customer = Customer(compiled(*documents)).take(*(plain_row(n, "Seen", T0 + n) for n in range(1, 400)))
    data = encode_state(customer.state)
    assert encode_state(decode_state(data)) == data
    assert msgspec.msgpack.decode(data) is not None
    assert len(data) < 1500
