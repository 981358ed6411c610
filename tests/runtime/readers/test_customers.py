"""List, search, page and timeline equal a recount from the states and the log, on both stores; acts go through the log."""

from collections.abc import Iterator

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from kundenkreis.runtime.customer_acts import StoredCustomerActs
from kundenkreis.runtime.readers import customers as customers_reader
from kundenkreis.runtime.readers.customer import StoredCustomer
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.rebuild import second_store, verify
from kundenkreis.site.ports.customer import TIMELINE_PARTS, Customer, PlannedMessage
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.customers import SORTS, CustomerQuery
from tests.runtime.town import Town, live_through

pytestmark = pytest.mark.db

IDA = Actor(name="Ida", reason="hat angerufen")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    database = ""
    if request.param == "postgres":
        import psycopg

        dsn = request.getfixturevalue("postgres_dsn")
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE DATABASE customers_reader")
        database = dsn.replace("/postgres?", "/customers_reader?", 1)
    town = Town(tmp_path_factory.mktemp("town"), database)
    live_through(town)
    town.send("identify", userId="u1", traits={"firstName": "Jürgen", "lastName": "Groß", "phone": "+49 911 123456"})
    town.send("track", anonymousId="guest-77", event="Product Viewed", properties={"product_id": "p1"})
    town.pass_time(MINUTE)
    yield town
    town.close()


def _list(town: Town) -> StoredCustomers:
    return StoredCustomers(town.installation)


def _profile(town: Town, user: str) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows("SELECT profile_id FROM identifiers WHERE kind = 'user_id' AND value = ?", (user,))[0][0])


def _page(town: Town, user: str) -> Customer:
    found = StoredCustomer(town.installation).find_customer(_profile(town, user))
    assert found is not None
    return found


def _walk(town: Town, query: CustomerQuery) -> list[int]:
    from dataclasses import replace

    found, cursor = [], ""
    while True:
        page = _list(town).find_customers(replace(query, cursor=cursor, limit=3))
        found += [line.profile_id for line in page.lines]
        cursor = page.next_cursor
        if not cursor:
            return found


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_walks_through_everybody_once(town: Town, sort: str) -> None:
    with town.installation.store.reading() as tx:
        rows = tx.rows("SELECT state FROM states")
    everybody = [state for (data,) in rows if not (state := decode_state(bytes(data))).forwarded_to]
    known = {state.profile_id for state in everybody if state.profile.known}
    walked = _walk(town, CustomerQuery(sort=sort))  # type: ignore[arg-type]  # parametrised
    assert (len(walked), set(walked)) == (len(known), known)
    visitors = {state.profile_id for state in everybody if not state.profile.known}
    assert set(_walk(town, CustomerQuery(view="visitors"))) == visitors
    assert (_list(town).read_choices().known, _list(town).read_choices().visitors) == (len(known), len(visitors))


def test_order_by_sales_descends(town: Town) -> None:
    lines = _list(town).find_customers(CustomerQuery(sort="-sales")).lines
    sales = [sum(one.minor for one in line.sales) for line in lines]
    assert sales == sorted(sales, reverse=True)
    assert sales[0] > 0


@pytest.mark.parametrize("query", ["Groß", "gross jürg", "u1@example.com", "u1", "0911 1234", "3456", "jurgen"])
def test_search_finds_by_anything_that_names_somebody(town: Town, query: str) -> None:
    found = _list(town).find_customers(CustomerQuery(text=query))
    assert _profile(town, "u1") in [line.profile_id for line in found.lines]
    assert found.lines[0].name == "Jürgen Groß"


def test_search_finds_visitors_by_their_id_and_nobody_by_nonsense(town: Town) -> None:
    assert [line.is_known for line in _list(town).find_customers(CustomerQuery(text="guest-77")).lines] == [False]
    assert _list(town).find_customers(CustomerQuery(text="nobody")).lines == ()
    assert [one.title for one in _list(town).search("gros", 5)] == ["Jürgen Groß"]


@pytest.mark.parametrize(("few", "stretch"), [(0, 10_000), (0, 2), (20_000, 0)])
def test_quick_filters_equal_the_memberships(
    town: Town, monkeypatch: pytest.MonkeyPatch, few: int, stretch: int
) -> None:
    monkeypatch.setattr(customers_reader, "FEW", few)
    monkeypatch.setattr(customers_reader, "STRETCH", stretch)
    with town.installation.store.reading() as tx:
        rows = tx.rows(
            "SELECT m.kind, m.definition_id, m.profile_id FROM memberships m JOIN customer_list l ON l.profile_id = m.profile_id "
            "WHERE m.until_us = ? AND l.is_known = 1 AND m.kind IN ('phase', 'segment')",
            (NEVER,),
        )
    assert len(rows) > 20
    for kind, definition_id in {(row[0], row[1]) for row in rows}:
        wanted = {row[2] for row in rows if row[:2] == (kind, definition_id)}
        query = CustomerQuery(phase=definition_id) if kind == "phase" else CustomerQuery(segment=definition_id)
        found = set(_walk(town, query))
        # A filter that few match shows visitors too; one that many match keeps to the view.
        assert found & _known(town) == wanted
        assert few or _list(town).find_customers(query).total == len(wanted)


def _known(town: Town) -> set[int]:
    with town.installation.store.reading() as tx:
        return {row[0] for row in tx.rows("SELECT profile_id FROM customer_list WHERE is_known = 1")}


def test_condition_is_asked_of_states_page_by_page(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    condition = {"trait": {"name": "order_count", "op": ">=", "value": 3}}
    wanted = {one for one in _known(town) if _orders(town, one) >= 3}
    assert wanted
    assert set(_walk(town, CustomerQuery(condition=condition))) == wanted
    monkeypatch.setattr(customers_reader, "MOST_ASKED", 4)
    monkeypatch.setattr(customers_reader, "_CHUNK", 2)
    assert set(_walk(town, CustomerQuery(condition=condition))) == wanted
    assert _list(town).find_customers(CustomerQuery(condition=condition)).total_is == "estimate"


def test_a_filter_with_many_members_and_a_condition_find_what_one_with_few_finds(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = CustomerQuery(phase="loyalty", condition={"trait": {"name": "order_count", "op": ">=", "value": 1}})
    found = _list(town).find_customers(query)
    assert found.lines
    monkeypatch.setattr(customers_reader, "FEW", 0)
    assert _list(town).find_customers(query) == found


def _orders(town: Town, profile_id: int) -> int:
    with town.installation.store.reading() as tx:
        data = tx.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))[0][0]
    return decode_state(bytes(data)).commerce.order_count


def test_condition_that_cannot_be_asked_says_why(town: Town) -> None:
    unknown = _list(town).find_customers(CustomerQuery(condition={"segment": {"id": "nothing"}}))
    assert (unknown.problem, unknown.lines) == ("unknown", ())
    uncounted = _list(town).find_customers(CustomerQuery(condition={"event": {"name": "Never Heard Of"}}))
    assert (uncounted.problem, uncounted.problem_detail) == ("not_counted", "Never Heard Of")


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1.2.3", "xzz.1", "9" * 40 + ".1", "1.99999999999999999999", "'; DROP TABLE log"]
)
def test_broken_cursor_begins_anew(town: Town, cursor: str) -> None:
    first = _list(town).find_customers(CustomerQuery(limit=2))
    assert _list(town).find_customers(CustomerQuery(limit=2, cursor=cursor)).lines == first.lines


def test_saved_filters_are_kept_by_name(town: Town) -> None:
    source, condition = _list(town), {"phase": {"is": "loyalty"}}
    filter_id = source.save_filter("Best", {"segment": {"id": "x"}}, actor="Ida")
    assert source.save_filter("best", condition, actor="Ida") == filter_id
    assert [(one.name, one.condition) for one in source.saved_filters()] == [("best", condition)]
    source.delete_filter(filter_id)
    assert source.saved_filters() == ()


def test_page_equals_a_recount(town: Town) -> None:
    page = _page(town, "u1")
    with town.installation.store.reading() as tx:
        ids = [
            page.profile_id,
            *[row[0] for row in tx.rows("SELECT loser FROM merges WHERE winner = ?", (page.profile_id,))],
        ]
        marks = ", ".join("?" * len(ids))
        sums = tx.rows(
            f"SELECT count(*), sum(total_minor), sum(refunded_minor) FROM orders WHERE profile_id IN ({marks}) AND status = 'completed'",
            ids,
        )[0]
        inside = tx.rows(
            "SELECT definition_id FROM memberships WHERE profile_id = ? AND kind = 'segment' AND until_us = ?",
            (page.profile_id, NEVER),
        )
    assert page.rhythm.order_count == sums[0]
    assert {one.named.id for one in page.segments} == {row[0] for row in inside}
    assert page.merged == len(ids) - 1
    assert (page.name, page.kind, page.email) == ("Jürgen Groß", "customer", "u1@example.com")
    email = next(one for one in page.channels if one.channel == "email")
    assert email.lights[0].basis == "express_consent"
    evidence = email.lights[0].evidence
    assert evidence is not None
    assert (evidence.event, evidence.wording, evidence.proof) == ("Consent Confirmed", "News, please", "form 7")
    assert next(one.tone for one in page.channels if one.channel == "call") == "stop"


def test_whoever_was_joined_is_found_as_the_one_that_stayed(town: Town) -> None:
    with town.installation.store.reading() as tx:
        loser, winner = tx.rows("SELECT loser, winner FROM merges LIMIT 1")[0]
    found = StoredCustomer(town.installation).find_customer(loser)
    assert found is not None
    assert found.profile_id == winner
    assert StoredCustomer(town.installation).find_customer(12) is None


def test_timeline_shows_everything_once_and_parts_make_the_whole(town: Town) -> None:
    reader, profile_id = StoredCustomer(town.installation), _profile(town, "u1")
    keys: dict[str, list[str]] = {}
    for part in TIMELINE_PARTS:
        keys[part], cursor = [], ""
        while True:
            page = reader.read_timeline(profile_id, part, cursor=cursor, limit=4)
            keys[part] += [entry.key for entry in page.entries]
            cursor = page.next_cursor
            if not cursor:
                break
    assert len(keys["all"]) == len(set(keys["all"])) > 10
    others = [key for part in TIMELINE_PARTS if part != "all" for key in keys[part]]
    assert (len(others), set(others)) == (len(keys["all"]), set(keys["all"]))
    with town.installation.store.reading() as tx:
        page_ids = [
            profile_id,
            *[row[0] for row in tx.rows("SELECT loser FROM merges WHERE winner = ?", (profile_id,))],
        ]
        marks = ", ".join("?" * len(page_ids))
        messages = tx.rows(f"SELECT DISTINCT effect_id FROM verdicts WHERE profile_id IN ({marks})", page_ids)
    assert set(keys["messages"]) == {f"m{bytes(row[0]).hex()}" for row in messages}
    times = [entry.at_us for entry in reader.read_timeline(profile_id, "all", cursor="", limit=500).entries]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "1.e", "1.z.3", "9" * 30 + ".e.1", "1.m.xyz"])
def test_broken_timeline_cursor_begins_anew(town: Town, cursor: str) -> None:
    reader, profile_id = StoredCustomer(town.installation), _profile(town, "u1")
    first = reader.read_timeline(profile_id, "all", cursor="", limit=3)
    assert reader.read_timeline(profile_id, "all", cursor=cursor, limit=3) == first


def test_why_agrees_with_the_page(town: Town) -> None:
    page = _page(town, "u1")
    reader = StoredCustomer(town.installation)
    for stay in page.segments:
        answer = reader.explain(page.profile_id, "segment", stay.named.id)
        assert answer is not None
        assert (answer["answer"], answer["reason"]["holds"]) == (True, True)
    assert reader.explain(page.profile_id, "segment", "nothing") is None


def test_acts_are_folded_from_the_log(town: Town) -> None:
    acts = StoredCustomerActs(town.installation, patience_seconds=0)
    profile_id = _profile(town, "u2")
    until_us = town.clock.now_us() + 3 * DAY
    assert acts.correct_value(profile_id, "firstName", "Zoë", IDA) is False
    acts.pause_marketing(profile_id, until_us, IDA)
    town.run()
    page = _page(town, "u2")
    assert [(one.text, one.source) for one in page.values if one.name == "firstName"] == [("Zoë", "Ida")]
    assert (page.paused_until_us, page.pause_reason) == (until_us // 1_000_000 * 1_000_000, "hat angerufen")
    assert [line.profile_id for line in _list(town).find_customers(CustomerQuery(text="zoe")).lines] == [profile_id]
    newest = StoredCustomer(town.installation).read_timeline(profile_id, "data", cursor="", limit=1).entries[0]
    assert (newest.name, newest.actor, newest.reason) == ("Attribute Set", "Ida", "hat angerufen")
    acts.resume_marketing(profile_id, IDA)
    town.run()
    assert _page(town, "u2").paused_until_us is None


def test_act_that_is_folded_at_once_says_so(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = StoredCustomerActs(town.installation)
    monkeypatch.setattr("kundenkreis.runtime.customer_acts.time.sleep", lambda seconds: town.run())
    assert acts.correct_value(_profile(town, "u3"), "firstName", "Ada", IDA) is True


def test_planned_message_is_stopped_and_says_by_whom(town: Town) -> None:
    acts = StoredCustomerActs(town.installation, patience_seconds=0)
    town.send("identify", userId="fresh", traits={"email": "fresh@example.com", "country": "DE"})
    town.run()
    # Held up by a pause, the greeting is planned for its end.
    acts.pause_marketing(_profile(town, "fresh"), town.clock.now_us() + 20 * HOUR, IDA)
    consent = {
        "channel": "email", "purpose": "newsletter", "basis": "express_consent", "wording": "News", "proof": "form 7",
    }  # fmt: skip
    town.send("track", userId="fresh", event="Consent Confirmed", properties=consent)
    town.run()
    planned = _waiting(town)
    assert planned
    message_id = planned[0].message_id
    acts.stop_message(_profile(town, "fresh"), message_id, IDA)
    town.run()
    assert message_id not in [one.message_id for one in _waiting(town)]
    timeline = StoredCustomer(town.installation).read_timeline(_profile(town, "fresh"), "messages", cursor="", limit=50)
    stopped = next(entry.message for entry in timeline.entries if entry.key == f"m{message_id}")
    assert stopped is not None
    last = stopped.verdicts[-1]
    assert (last.outcome, last.reasons[0].rule_id, last.reasons[0].detail) == (
        "cancelled",
        "stopped",
        ("Ida", "hat angerufen"),
    )


def _waiting(town: Town) -> list[PlannedMessage]:
    return [one for one in _page(town, "fresh").planned if not one.in_hand_over]


def test_merge_becomes_what_its_preview_showed(town: Town) -> None:
    acts = StoredCustomerActs(town.installation, patience_seconds=0)
    kept, joined = _profile(town, "u8"), _profile(town, "u9")
    preview = acts.preview_merge(kept, joined)
    assert preview is not None
    assert preview.after.order_count == preview.kept.order_count + preview.joined.order_count > 0
    assert acts.preview_merge(kept, kept) is None
    assert acts.preview_merge(kept, 12) is None
    acts.merge(kept, joined, IDA)
    town.run()
    page = _page(town, "u8")
    assert page.rhythm.order_count == preview.after.order_count
    assert (page.rhythm.sales, page.name) == (preview.after.sales, preview.after.name)
    assert {one.named.id for one in page.segments} == {one.id for one in preview.after.segments}
    assert acts.preview_merge(kept, joined) is None


def test_rebuild_finds_no_difference_after_all_this(town: Town) -> None:
    with second_store(None) as second:
        report = verify(town.installation.store, second, zone=town.installation.zone)
    assert (report.differences, report.differing) == ([], 0)


def test_a_consent_that_grants_nothing_says_why(town: Town) -> None:
    for properties in ({"wording": "News, please"}, {"wording": "News, please", "proof": "form 7"}):
        consent = {"channel": "email", "purpose": "newsletter", **properties}
        town.send("track", userId="hopeful", event="Consent Confirmed", properties=consent)
        town.pass_time(MINUTE)
    entries = (
        StoredCustomer(town.installation)
        .read_timeline(_profile(town, "hopeful"), "consent", cursor="", limit=9)
        .entries
    )
    assert [entry.facts.get("idle", "") for entry in entries] == ["", "evidence"]
