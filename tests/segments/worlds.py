"""Random worlds: rows of a customer's life, and conditions about them."""

from hypothesis import strategies as st

from tests.segments.frame import plain_row

HOUR = 3_600_000_000
DAY = 24 * HOUR
MINUTE = 60_000_000
STARTS = (
    1_774_600_000_000_000,  # 27 March 2026: summer time begins in Europe on the 29th
    1_792_700_000_000_000,  # 22 October 2026: it ends on the 25th
    1_709_000_000_000_000,  # 27 February 2024: a 29 February follows
    1_767_000_000_000_000,  # 29 December 2025: a year ends
)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "America/Santiago", "Pacific/Apia")
NAMES = ("Product Viewed", "Order Completed", "Case Opened", "Case Solved")
CHANNELS = ("web", "till", "WEB", "app")

gaps = st.one_of(
    st.integers(0, 3 * HOUR),
    st.integers(0, 5 * DAY),
    st.integers(0, 60 * DAY),
    st.sampled_from((0, 1, HOUR, DAY, 7 * DAY, 24 * HOUR - 1)),
)
delays = st.one_of(st.just(0), st.just(0), st.integers(-5 * MINUTE, 40 * DAY), st.integers(0, 2 * DAY))
amounts = st.one_of(
    st.integers(0, 100), st.decimals(0, 200, places=2).map(float), st.sampled_from((0.125, 19.99, 20, 20.005, 0.1))
)
traits = st.fixed_dictionaries(
    {},
    optional={
        "birthday": st.sampled_from(
            (
                "1990-03-29",
                "2000-02-29",
                "1985-10-25",
                "1999-12-31",
                "--02-29",
                "30.03.1990",
                "2027-03-29",
                "1990-03-28T23:30:00Z",
                "never",
                None,
            )
        ),
        "timezone": st.sampled_from(("Asia/Tokyo", "America/New_York", "Pacific/Apia", "Mars/Base", None)),
        "country": st.sampled_from(("DE", "AT", "XX", None)),
        "language": st.sampled_from(("de", "DE", "en", 5, True, None)),
        "age": st.sampled_from((17, 18, 18.0, "18", True, None)),
        "tags": st.sampled_from((["Red", "blue"], ["red", 5], [], "red", [True], None)),
        "contract_ends": st.sampled_from(
            ("2026-04-10", "2026-11-02T23:30:00+00:00", "2026-03-29T00:30:00", "15.04.2026", "soon")
        ),
        "address": st.sampled_from(({"city": "Bonn"}, {"city": "BERLIN", "zip": 5}, {}, "Bonn")),
    },
)


@st.composite
def lives(draw, *, most=14):
    """Rows in log order: late, early, at the same instant, around changes of clocks."""
    at_us = draw(st.sampled_from(STARTS)) + draw(st.integers(0, 3 * DAY))
    spoken = draw(st.sampled_from((NAMES, NAMES[:1], NAMES[1:2], NAMES[2:])))
    rows = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        at_us += draw(gaps)
        happened_us = at_us - draw(delays)
        if draw(st.integers(0, 5)) == 0:
            rows.append(plain_row(number, "", at_us, happened_us=happened_us, traits=draw(traits)))
            continue
        name = draw(st.sampled_from(spoken))
        properties = {"channel": draw(st.sampled_from(CHANNELS)), "size": draw(amounts)}
        if name == "Order Completed":
            properties = {
                "order_id": str(number), "channel": "till", "total": draw(amounts.filter(lambda one: round(one, 2) == one)),
                "currency": "EUR", "size": draw(amounts),
            }  # fmt: skip
        elif name != "Product Viewed":
            properties["case_id"] = draw(st.sampled_from(("a", "b", 7, None)))
        rows.append(plain_row(number, name, at_us, happened_us=happened_us, **properties))
    return rows


wheres = st.one_of(
    st.just([]),
    st.just([]).map(list),
    st.sampled_from(
        (
            [{"property": "channel", "op": "equals", "value": "web"}],
            [{"property": "channel", "op": "not_in", "value": ["till", "app"]}],
            [{"property": "size", "op": ">=", "value": 20}],
            [{"property": "size", "op": "between", "value": [0.1, 19.99]}, {"property": "channel", "op": "exists"}],
            [{"property": "case_id", "op": "=", "value": 7}],
        )
    ),
)
names = st.one_of(st.sampled_from(NAMES), st.just(list(NAMES)), st.just("*"))
windows = st.sampled_from((1, 2, 7, 30, 90))
counts = st.sampled_from(
    ({"at_least": 1}, {"at_least": 2}, {"at_least": 3}, {"at_most": 0}, {"at_most": 1}, {"exactly": 0},
     {"exactly": 1}, {"exactly": 2}, {"at_least": 1, "at_most": 2}, {"at_least": 0}, {"at_least": 60}, {"at_most": 55})
)  # fmt: skip
number_ops = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))


def leaf(kind, required, optional=None):
    return st.fixed_dictionaries(required, optional=optional or {}).map(lambda config: {kind: config})


days_back = st.sampled_from((1, 2, 7, 30, 90))
dates = st.sampled_from(
    ("2026-03-28", "2026-03-29", "2026-04-15", "2026-10-25", "2026-11-20", "2024-03-01", "2026-01-01")
)
relative = st.sampled_from(("within_last_days", "more_than_days_ago", "within_next_days"))
absolute = st.sampled_from(("before", "after", "on"))

attribute_leaves = st.one_of(
    leaf("attribute", {"name": st.just("birthday"), "op": st.just("anniversary_in_days"), "value": st.integers(0, 40)}),
    leaf("attribute", {"name": st.just("contract_ends"), "op": relative, "value": days_back}),
    leaf("attribute", {"name": st.just("contract_ends"), "op": absolute, "value": dates}),
    leaf("attribute", {"name": st.just("age"), "op": number_ops, "value": st.sampled_from((17, 18, 18.5))}),
    leaf("attribute", {"name": st.sampled_from(("age", "tags", "address.city")), "op": st.sampled_from(("exists", "not_exists"))}),
    leaf("attribute", {"name": st.sampled_from(("language", "age", "address.city")),
                       "op": st.sampled_from(("equals", "not_equals", "equals_exactly", "contains", "starts_with", "ends_with")),
                       "value": st.sampled_from(("de", "18", "berlin", "b"))}),
    leaf("attribute", {"name": st.just("tags"), "op": st.sampled_from(("includes", "not_includes")),
                       "value": st.sampled_from(("red", 5, True))}),
    leaf("attribute", {"name": st.sampled_from(("age", "language")), "op": st.sampled_from(("is_true", "is_false"))}),
)  # fmt: skip
event_leaves = st.one_of(
    leaf("event", {"name": names, "count": counts, "where": wheres}, {"within_days": windows}),
    leaf("event", {"name": names, "count": counts, "where": wheres, "within_days": windows}),
    leaf("event", {"name": names, "count": counts, "where": wheres, "within_hours": st.sampled_from((1, 24, 168))}),
    leaf("event_sum", {"name": names, "property": st.sampled_from(("size", "total")), "op": number_ops,
                       "value": st.sampled_from((0, 19.99, 20, 100, 0.1)), "where": wheres}, {"within_days": windows}),
    leaf("event_time", {"name": names, "which": st.sampled_from(("first", "last")), "op": relative, "value": days_back, "where": wheres}),
    leaf("event_time", {"name": names, "which": st.sampled_from(("first", "last")), "op": absolute, "value": dates}),
)  # fmt: skip
trait_leaves = st.one_of(
    leaf("trait", {"name": st.sampled_from(("order_count", "sales", "average_order", "purchase_day_count", "average_gap_days",
                                            "days_since_last_order", "big_orders", "spent", "rhythm")),
                   "op": number_ops, "value": st.sampled_from((0, 1, 2, 7, 19.99, 30, 3.5))}),
    leaf("trait", {"name": st.sampled_from(("first_order_at", "last_order_at", "first_view", "last_view")), "op": relative, "value": days_back}),
    leaf("trait", {"name": st.sampled_from(("last_order_at", "average_order", "days_since_last_order", "last_view")),
                   "op": st.sampled_from(("exists", "not_exists"))}),
    leaf("order_silence", {"factor": st.sampled_from((0, 1, 1.5, 2)), "percentile": st.sampled_from((1, 50, 90, 100)),
                           "floor_days": st.sampled_from((0, 3, 30)), "min_purchase_days": st.sampled_from((1, 2, 3))},
         {"at_most_days": st.sampled_from((31, 45, 365))}),
)  # fmt: skip
other_leaves = st.one_of(
    leaf("score", {"id": st.sampled_from(("activity", "slow", "flat")), "op": number_ops, "value": st.sampled_from((0, 1, 5, 14.5, 20))}),
    leaf("score", {"id": st.just("activity"), "op": st.just("between"), "value": st.just([2, 10])}),
    leaf("situation", {"is": st.sampled_from(("complaint", "asked", ["complaint", "asked"]))}),
    leaf("bucket", {"from": st.sampled_from((0, 2000)), "to": st.sampled_from((3000, 9000)), "salt": st.sampled_from(("", "x"))}),
)  # fmt: skip
FAMILIES = {"attribute": attribute_leaves, "event": event_leaves, "trait": trait_leaves, "other": other_leaves}
leaves = st.one_of(*FAMILIES.values())


def trees(of):
    """Conditions up to three levels deep."""
    return st.recursive(
        of,
        lambda part: st.one_of(
            st.lists(part, min_size=0, max_size=4).map(lambda parts: {"all": parts}),
            st.lists(part, min_size=0, max_size=4).map(lambda parts: {"any": parts}),
            st.lists(part, min_size=1, max_size=3).map(lambda parts: {"none": parts}),
            part.map(lambda one: {"not": one}),
        ),
        max_leaves=8,
    )


FIXED = (
    {"kind": "trait", "id": "big_orders", "count": {"name": "Order Completed", "where": [{"property": "total", "op": ">=", "value": 20}]}},
    {"kind": "trait", "id": "spent", "sum": {"name": "Order Completed", "property": "total"}},
    {"kind": "trait", "id": "rhythm", "average_gap": {"name": ["Product Viewed", "Case Opened"]}},
    {"kind": "trait", "id": "first_view", "first": {"name": "Product Viewed"}},
    {"kind": "trait", "id": "last_view", "last": {"name": "Product Viewed"}},
    {
        "kind": "score", "id": "activity", "half_life_days": 3, "maximum": 25,
        "rules": [
            {"id": "viewed", "event": {"name": "Product Viewed"}, "points": 1.5, "at_most": {"points": 4, "per_days": 2}},
            {"id": "bought", "event": {"name": "Order Completed", "where": [{"property": "total", "op": ">=", "value": 20}]}, "points": 15},
            {"id": "annoyed", "event": {"name": "Case Opened"}, "points": -2},
        ],
    },
    {"kind": "score", "id": "slow", "half_life_days": 30, "rules": [{"id": "any", "event": {"name": list(NAMES)}, "points": 7}]},
    {"kind": "score", "id": "flat", "rules": [{"id": "any", "event": {"name": "Product Viewed"}, "points": 5}]},
    {
        "kind": "situation", "id": "complaint", "begins": {"name": "Case Opened"}, "ends": [{"name": "Case Solved"}],
        "key": "case_id", "expires_days": 10,
    },
    {
        "kind": "situation", "id": "asked", "ends": [{"name": "Order Completed"}, {"name": "Case Solved"}],
        "begins": [{"name": "Product Viewed", "where": [{"property": "channel", "op": "equals", "value": "app"}]}],
    },
)  # fmt: skip
"""What the random conditions refer to."""
