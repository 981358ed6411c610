"""Compiling conditions, their errors, trees and flips, and the leaves that look at consent."""

from typing import ClassVar

import msgspec
import pytest

from kundenkreis.customers.core.state import Attribute, CustomerState, Grant
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, zone
from kundenkreis.segments.conditions.registry import KINDS, SHIPPED, kinds_by_name
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Known, Purpose
from kundenkreis.segments.core.tree import compile_condition, deciding
from kundenkreis.segments.errors import DefinitionError
from tests.segments.frame import compiled

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000
ALWAYS, NEVER_HOLDS = {"all": []}, {"any": []}
KNOWN = Known(
    segments=frozenset({"vip"}),
    situations=frozenset({"late"}),
    phases={"care": frozenset({"fresh"}), "trust": frozenset()},
    multipliers={"fit": 1 << 32},
    purposes={"newsletter": Purpose(("express_consent",)), "goods": Purpose(("existing_customer",), ("*",))},
)


def somebody(**attributes) -> CustomerState:
    state = CustomerState(257, "somebody", T0, T0)
    for name, value in attributes.items():
        state.profile.attributes[name] = Attribute(value, T0, b"", "")
    return state


def answer(condition, state=None, at_us=T0, known=KNOWN):
    return compile_condition(condition, zone=BERLIN, known=known).answer(state or somebody(), at_us)


@pytest.mark.parametrize(
    ("condition", "path", "slug"),
    [
        ({}, [], "definition"),
        ([], [], "definition"),
        ({"all": [], "any": []}, [], "definition"),
        ({"all": {}}, ["all"], "definition"),
        ({"every": []}, ["every"], "unknown_condition"),
        ({"all": [ALWAYS, {"not": {"any": [{"evnt": {}}]}}]}, ["all", 1, "not", "any", 0, "evnt"], "unknown_condition"),
        ({"event": {}}, ["event"], "bad_value"),
        ({"event": {"name": "A", "nme": 1}}, ["event", "nme"], "bad_value"),
        ({"event": {"name": "A", "count": {"at_least": "2"}}}, ["event", "count", "at_least"], "bad_value"),
        ({"event": {"name": "A", "count": {"at_least": True}}}, ["event", "count", "at_least"], "bad_value"),
        ({"event": {"name": "A", "count": {}}}, ["event", "count"], "definition"),
        ({"event": {"name": "A", "count": {"at_least": 3, "at_most": 2}}}, ["event", "count"], "definition"),
        ({"event": {"name": "A", "within_days": 0}}, ["event", "within_days"], "definition"),
        ({"event": {"name": "A", "within_hours": 169}}, ["event", "within_hours"], "definition"),
        ({"event": {"name": "A", "within_hours": 1, "within_days": 1}}, ["event", "within_hours"], "definition"),
        ({"event": {"name": []}}, ["event", "name"], "definition"),
        ({"event": {"name": ["A", "*"]}}, ["event", "name"], "definition"),
        (
            {"event": {"name": "A", "where": [{"property": "a", "op": "=", "value": 1}, {"property": "b", "op": "~"}]}},
            ["event", "where", 1, "op"],
            "unknown_operator",
        ),
        (
            {"event": {"name": "A", "where": [{"property": "b", "op": "anniversary_in_days", "value": 1}]}},
            ["event", "where", 0, "op"],
            "definition",
        ),
        (
            {"event_sum": {"name": "A", "property": "total", "op": "equals", "value": 1}},
            ["event_sum", "op"],
            "definition",
        ),
        ({"event_time": {"name": "A", "which": "first", "op": "=", "value": 1}}, ["event_time", "op"], "definition"),
        ({"event_time": {"name": "A", "which": "next", "op": "on", "value": 1}}, ["event_time", "which"], "bad_value"),
        ({"attribute": {"name": "a", "op": "before", "value": "1.2.26"}}, ["attribute", "value"], "definition"),
        ({"attribute": {"name": "a", "op": "within_last_days", "value": -1}}, ["attribute", "value"], "definition"),
        ({"trait": {"name": "wealth", "op": "=", "value": 1}}, ["trait", "name"], "unknown_id"),
        ({"trait": {"name": "order_count", "op": "is_true"}}, ["trait", "op"], "definition"),
        ({"segment": {"id": "nobody"}}, ["segment", "id"], "unknown_id"),
        ({"phase": {"is": ["care", "nowhere"]}}, ["phase", "is"], "unknown_id"),
        ({"phase": {"is": "trust", "sub_state": "fresh"}}, ["phase", "sub_state"], "unknown_id"),
        ({"score": {"id": "luck", "op": ">", "value": 1}}, ["score", "id"], "unknown_id"),
        ({"score": {"id": "fit", "op": ">", "value": "1"}}, ["score", "value"], "definition"),
        ({"situation": {"is": "early"}}, ["situation", "is"], "unknown_id"),
        ({"consent": {"channel": "email", "purpose": "fun"}}, ["consent", "purpose"], "unknown_id"),
        (
            {"consent": {"channel": "email", "purpose": "goods", "basis": ["hope"]}},
            ["consent", "basis", 0],
            "definition",
        ),
        ({"reachable": {"channel": "email", "message_class": "spam"}}, ["reachable", "message_class"], "bad_value"),
        ({"bucket": {"from": 5, "to": 5}}, ["bucket", "to"], "definition"),
        (
            {"order_silence": {"factor": 2, "percentile": 0, "floor_days": 1}},
            ["order_silence", "percentile"],
            "definition",
        ),
        (
            {"order_silence": {"factor": 2, "percentile": 9, "floor_days": 9, "at_most_days": 9}},
            ["order_silence", "at_most_days"],
            "definition",
        ),
    ],
)
def test_errors_carry_the_path(condition, path, slug):
    with pytest.raises(DefinitionError) as caught:
        answer(condition)
    assert (caught.value.data["path"], caught.value.slug) == (path, slug)


def test_errors_begin_with_the_path_given():
    with pytest.raises(DefinitionError) as caught:
        compile_condition({"not": {"nothing": {}}}, zone=BERLIN, path=("segment", "s", "when"))
    assert caught.value.path == ("segment", "s", "when", "not", "nothing")


def test_too_deep_a_tree_is_refused():
    condition = ALWAYS
    for _ in range(200):
        condition = {"not": condition}
    with pytest.raises(DefinitionError, match="nested too deeply"):
        answer(condition)


def test_every_kind_has_a_schema_and_one_name():
    names = [kind.kind for kind in KINDS]
    schemas, _ = msgspec.json.schema_components([kind.config for kind in KINDS])
    assert len(schemas) == len(set(names)) == len(SHIPPED) == 13


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"all": []}, True),
        ({"any": []}, False),
        ({"none": []}, True),
        ({"not": ALWAYS}, False),
        ({"all": [ALWAYS, NEVER_HOLDS]}, False),
        ({"any": [ALWAYS, NEVER_HOLDS]}, True),
        ({"none": [NEVER_HOLDS, NEVER_HOLDS]}, True),
        ({"none": [NEVER_HOLDS, ALWAYS]}, False),
    ],
)
def test_trees(condition, holds):
    assert answer(condition) == (holds, NEVER)
    reason = compile_condition(condition, zone=BERLIN).explain(somebody(), T0)
    assert reason.holds is holds
    assert deciding(reason).holds is holds


def birthday_in(days):
    return {"attribute": {"name": "birthday", "op": "anniversary_in_days", "value": days}}


def test_a_tree_skips_instants_at_which_it_does_not_flip():
    """Two birthdays that never meet: the tree says NEVER or something far off, not every single birthday."""
    state = somebody(birthday="1990-06-10")
    both = {"all": [birthday_in(3), birthday_in(5)]}
    holds, flips_us = answer(both, state)
    assert holds is False
    assert flips_us > T0 + 20 * 365 * DAY
    either = {"any": [birthday_in(4), birthday_in(5)]}
    _, first_us = answer(either, state)
    assert BERLIN.date(first_us).isoformat() == "2026-06-05"
    assert answer(either, state, first_us) == (True, first_us + 2 * DAY)


def test_birthday_is_the_customers_own_day():
    state = somebody(birthday="1990-06-10", timezone="Asia/Tokyo")
    assert answer(birthday_in(0), state)[1] == zone("Asia/Tokyo").day_start_us(BERLIN.day_number(T0) + 75)
    state = somebody(birthday="1990-06-10", country="AT")
    _, flips_us = answer(birthday_in(0), state)
    assert zone("Europe/Vienna").local_parts(flips_us)[1] == 0


def test_birthday_of_somebody_of_unknown_home_is_the_brands_day():
    tokyo = zone("Asia/Tokyo")
    document = {"kind": "segment", "id": "a", "when": birthday_in(0)}
    condition = compiled(document, home=tokyo).segments["a"]
    flips_us = condition.answer(somebody(birthday="1990-06-10"), T0)[1]
    assert flips_us == tokyo.day_start_us(BERLIN.day_number(T0) + 75)


def test_deciding_parts_only():
    condition = {"all": [{"attribute": {"name": "a", "op": "exists"}}, {"any": [ALWAYS, NEVER_HOLDS]}]}
    reason = compile_condition(condition, zone=BERLIN).explain(somebody(), T0)
    assert msgspec.to_builtins(deciding(reason)) == [
        "all",
        False,
        {},
        {},
        [["attribute", False, {"name": "a", "op": "exists"}, {"value": None}, [], NEVER]],
        NEVER,
    ]


def test_hour_window_ends_to_the_microsecond():
    condition = {"event": {"name": "Seen", "within_hours": 24}}
    compiled = compile_condition(condition, zone=BERLIN)
    state = somebody()
    state.facts[compiled.facts[0].key] = [T0]
    assert compiled.answer(state, T0) == (True, T0 + 24 * HOUR)
    assert compiled.answer(state, T0 + 24 * HOUR - 1) == (True, T0 + 24 * HOUR)
    assert compiled.answer(state, T0 + 24 * HOUR) == (False, NEVER)


def test_percentile_is_nearest_rank():
    state = somebody()
    state.commerce.purchase_days = [100, 110, 115, 135, 136]  # gaps in order 1, 5, 10, 20
    for percentile, gap in ((25, 1), (26, 5), (50, 5), (75, 10), (76, 20), (90, 20), (100, 20)):
        compiled = compile_condition(
            {"order_silence": {"factor": 1, "percentile": percentile, "floor_days": 0}}, zone=BERLIN
        )
        assert compiled.explain(state, T0).found["usual_days"] == gap


def granted(basis, **fields) -> CustomerState:
    state = somebody(email="anna@example.com")
    state.consent.grants["email|newsletter"] = Grant(basis, fields.pop("granted", True), T0, b"1", **fields)
    return state


CONSENT = {"consent": {"channel": "email", "purpose": "newsletter"}}
REACHABLE = {"reachable": {"channel": "email", "purpose": "newsletter"}}


def test_consent_stands_until_it_expires():
    assert answer(CONSENT) == (False, NEVER)
    assert answer(CONSENT, granted("express_consent", expires_us=T0 + DAY)) == (True, T0 + DAY)
    assert answer(CONSENT, granted("express_consent", expires_us=T0 + DAY), T0 + DAY) == (False, NEVER)
    assert answer(CONSENT, granted("express_consent", granted=False)) == (False, NEVER)
    only = {"consent": {**CONSENT["consent"], "basis": ["existing_customer"]}}
    assert answer(only, granted("express_consent")) == (False, NEVER)


def test_a_later_withdrawal_of_everything_ends_a_consent():
    state = granted("express_consent")
    state.consent.grants["*|*"] = Grant("express_consent", False, T0 + 1, b"2")
    assert answer(CONSENT, state) == (False, NEVER)
    # One before it is lifted by proof alone, as for the gate.
    state.consent.grants["*|*"] = Grant("express_consent", False, T0 - 1, b"2")
    assert answer(CONSENT, state) == (False, NEVER)
    for grant in state.consent.grants.values():
        grant.proven = grant.granted
    assert answer(CONSENT, state) == (True, NEVER)


def test_reachable_asks_what_the_policy_asks():
    assert answer(REACHABLE)[0] is False
    assert answer(REACHABLE, granted("express_consent")) == (True, NEVER)
    assert answer(REACHABLE, granted("express_consent", expires_us=T0 + DAY)) == (True, T0 + DAY)
    assert answer(REACHABLE, granted("existing_customer"))[0] is False
    assert answer({"reachable": {"channel": "email"}}, granted("express_consent"))[0] is True
    assert answer({"reachable": {"channel": "email", "message_class": "transactional"}})[0] is True
    objected = granted("express_consent")
    objected.consent.objections["marketing"] = T0
    assert answer(REACHABLE, objected) == (False, NEVER)


def test_a_kind_of_a_third_party_is_one_class():
    """Every second profile id: a throw-away kind, as a plug-in would bring it."""

    class EvenConfig(msgspec.Struct, frozen=True, kw_only=True):
        even: bool

    class Even(Leaf):
        def answer(self, state, at_us):
            return (state.profile_id % 2 == 0) is self._config.even, NEVER

        def found(self, state, at_us):
            return {"profile_id": state.profile_id}

    class EvenKind:
        kind = "even"
        label: ClassVar[dict[str, str]] = {"de": "Gerade", "en": "Even"}
        config = EvenConfig

        def compile(self, config, *, zone, known):
            return Even("even", config)

    kinds = kinds_by_name((*KINDS, EvenKind()))
    compiled = compile_condition({"not": {"even": {"even": True}}}, zone=BERLIN, kinds=kinds)
    assert compiled.answer(somebody(), T0) == (True, NEVER)
    assert compiled.explain(somebody(), T0).parts[0].found == {"profile_id": 257}
