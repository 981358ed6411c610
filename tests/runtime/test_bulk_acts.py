"""Acts on many customers, on both stores: told before, one event each however often it is written, taken up where it stopped."""

from collections.abc import Iterator

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.bulk_acts import HELD, KEPT, StoredBulkActs, UnknownBulkActError
from kundenkreis.runtime.readers.customer import StoredCustomer
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.site.ports.bulk_acts import Change, Fate
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.customers import CustomerQuery
from tests.runtime.town import Town

pytestmark = pytest.mark.db

IDA = Actor(name="Ida", reason="Streik")
EVERYBODY = CustomerQuery(view="everybody")
PEOPLE = 7


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path_factory.mktemp("town"), database)
    for number in range(PEOPLE):
        traits = {"firstName": f"F{number}", "club": number % 2 == 0, "tags": ["a"], "seats": number}
        town.send("identify", userId=f"u{number}", traits=traits)
    town.run()
    town.pass_time(MINUTE)
    yield town
    town.close()


def acts_of(town: Town, *, most_people: int = 100) -> StoredBulkActs:
    return StoredBulkActs(town.installation, StoredCustomers(town.installation), most_people=most_people)


def do(town: Town, change: Change, query: CustomerQuery = EVERYBODY, *, bulk_id: str = "0a") -> dict[Fate, int]:
    """The whole act, folded; what became of how many."""
    acts = acts_of(town)
    assert acts.begin(bulk_id, change, IDA, account_id=1)
    assert acts.gather(bulk_id, query)
    while people := acts.take(bulk_id):
        acts.perform(bulk_id, people)
    town.run()
    act = acts.find(bulk_id)
    assert act is not None
    assert (act.state, act.is_shown, act.actor) == ("done", True, IDA)
    return {fate: count for fate, count in act.fates.items() if count}


def person(town: Town, user: str) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows("SELECT profile_id FROM identifiers WHERE kind = 'user_id' AND value = ?", (user,))[0][0])


def held(town: Town, name: str) -> dict[str, object]:
    """What stands there, by customer number."""
    with town.installation.store.reading() as tx:
        states = [decode_state(bytes(row[0])) for row in tx.rows("SELECT state FROM states")]
    return {
        dict(state.profile.identifiers)["user_id"]: value.value
        if (value := state.profile.attributes.get(name))
        else None
        for state in states
    }


def events(town: Town, name: str) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows("SELECT count(*) FROM log WHERE name = ? AND origin = 'human'", (name,))[0][0])


def test_what_was_foreseen_comes_true(town: Town) -> None:
    until_us = town.clock.now_us() + 10 * DAY
    change = Change(act="pause", until_us=until_us)
    chosen = CustomerQuery(people=(person(town, "u1"), person(town, "u2")))
    assert acts_of(town).look(chosen, change).fates == {"done": 2, "as_is": 0, "several": 0, "gone": 0}
    assert do(town, change, chosen) == {"done": 2}
    seen = acts_of(town).look(EVERYBODY, change)
    assert (seen.people, seen.is_exact, seen.is_too_many, len(seen.first)) == (PEOPLE, True, False, 5)
    assert seen.fates == {"done": PEOPLE - 2, "as_is": 2, "several": 0, "gone": 0}
    assert do(town, change, bulk_id="0b") == {"done": PEOPLE - 2, "as_is": 2}
    assert events(town, "Marketing Paused") == PEOPLE
    page = StoredCustomer(town.installation).find_customer(person(town, "u5"))
    assert page is not None
    assert (page.paused_until_us, page.pause_reason) == (until_us // 1_000_000 * 1_000_000, "Streik")
    newest = StoredCustomer(town.installation).read_timeline(page.profile_id, "consent", cursor="", limit=1).entries[0]
    assert (newest.name, newest.actor, newest.reason) == ("Marketing Paused", "Ida", "Streik")


def test_only_those_who_are_paused_are_resumed(town: Town) -> None:
    chosen = CustomerQuery(people=(person(town, "u3"),))
    do(town, Change(act="pause", until_us=town.clock.now_us() + DAY), chosen)
    assert do(town, Change(act="resume"), bulk_id="0b") == {"done": 1, "as_is": PEOPLE - 1}
    assert events(town, "Marketing Resumed") == 1


def test_value_keeps_its_kind_and_lists_are_left_out(town: Town) -> None:
    assert do(town, Change(act="set", name="club", value="true")) == {"done": 3, "as_is": 4}
    assert set(held(town, "club").values()) == {True}
    assert do(town, Change(act="set", name="tags", value="b"), bulk_id="0b") == {"several": PEOPLE}
    town.send("identify", userId="new", traits={"firstName": "New"})
    town.run()
    do(town, Change(act="set", name="seats", value="4"), bulk_id="0c")
    assert {type(value) for value in held(town, "seats").values()} == {int}
    do(town, Change(act="set", name="fair", value="4"), bulk_id="0d")
    assert set(held(town, "fair").values()) == {"4"}


def test_doors_lead_to_exactly_those_who_were_counted(town: Town) -> None:
    chosen = CustomerQuery(people=(person(town, "u0"), person(town, "u4")))
    do(town, Change(act="set", name="club", value="false"), chosen)
    customers = StoredCustomers(town.installation)
    changed = customers.find_customers(CustomerQuery(view="everybody", figure="bulk.0a.done"))
    assert {line.profile_id for line in changed.lines} == set(chosen.people)
    assert changed.total == 2
    assert customers.find_customers(CustomerQuery(view="everybody", figure="bulk.0a.as_is")).total == 0
    assert customers.find_customers(CustomerQuery(figure="bulk.0a.nonsense")).problem == "unknown"


def test_what_is_sent_twice_happens_once(town: Town) -> None:
    acts, change = acts_of(town), Change(act="resume")
    do(town, Change(act="pause", until_us=town.clock.now_us() + DAY))
    assert acts.begin("0b", change, IDA, account_id=1)
    assert not acts.begin("0b", change, IDA, account_id=1)
    assert acts.gather("0b", EVERYBODY)
    people = acts.take("0b")
    assert len(people) == PEOPLE
    acts.perform("0b", people[:3])
    acts.perform("0b", people)
    acts.perform("0b", people)
    assert acts.take("0b") == ()
    town.run()
    assert events(town, "Marketing Resumed") == PEOPLE


def test_too_many_are_refused_before_anybody_is_changed(town: Town) -> None:
    acts = acts_of(town, most_people=PEOPLE - 1)
    seen = acts.look(EVERYBODY, Change(act="resume"))
    assert (seen.people, seen.is_too_many, seen.fates) == (PEOPLE, True, {})
    acts.begin("0a", Change(act="set", name="club", value="true"), IDA, account_id=1)
    assert not acts.gather("0a", EVERYBODY)
    assert acts.take("0a") == ()
    act = acts.find("0a")
    assert act is not None
    assert (act.state, act.total, act.is_resting) == ("too_many", 0, False)


def test_what_was_left_is_taken_up_once_it_rests(town: Town) -> None:
    acts = acts_of(town)
    acts.begin("0a", Change(act="set", name="club", value="true"), IDA, account_id=1)
    acts.gather("0a", EVERYBODY)
    people = acts.take("0a")
    acts.perform("0a", people[:2])
    assert not acts.take_up("0a")
    assert [(act.bulk_id, act.is_resting) for act in acts.unfinished()] == [("0a", False)]
    town.pass_time(HELD)
    assert [(act.bulk_id, act.is_resting) for act in acts.unfinished()] == [("0a", True)]
    assert acts.take_up("0a")
    assert not acts.take_up("0a")
    assert set(acts.take("0a")) == set(people[2:])
    acts.stop("0a")
    assert (acts.take("0a"), acts.unfinished()) == ((), ())
    act = acts.find("0a")
    assert act is not None
    assert act.state == "stopped"


def test_whoever_is_erased_or_joined_meanwhile_is_told(town: Town) -> None:
    acts = acts_of(town)
    acts.begin("0a", Change(act="set", name="fair", value="yes"), IDA, account_id=1)
    acts.gather("0a", EVERYBODY)
    town.send("alias", userId="u1", previousId="u2")
    town.run()
    while people := acts.take("0a"):
        acts.perform("0a", people)
    town.run()
    act = acts.find("0a")
    assert act is not None
    assert (act.fates["done"], act.fates["gone"]) == (PEOPLE - 1, 1)


def test_condition_is_asked_of_everybody(town: Town) -> None:
    query = CustomerQuery(condition={"attribute": {"name": "seats", "op": ">=", "value": 5}})
    assert acts_of(town).look(query, None).people == 2
    assert do(town, Change(act="set", name="fair", value="yes"), query) == {"done": 2}
    assert {user for user, value in held(town, "fair").items() if value} == {"u5", "u6"}


def test_acts_are_forgotten_after_their_time(town: Town) -> None:
    acts = acts_of(town)
    do(town, Change(act="resume"))
    town.pass_time(KEPT + MINUTE)
    acts.begin("0b", Change(act="resume"), IDA, account_id=1)
    assert acts.find("0a") is None
    with pytest.raises(UnknownBulkActError):
        acts.gather("0a", EVERYBODY)
