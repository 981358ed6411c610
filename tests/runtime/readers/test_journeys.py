"""Every number of a journey equals a recount from the states and the log, on SQLite and PostgreSQL."""

from collections import Counter
from collections.abc import Iterator

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.definitions.use_cases.edit_drafts import save_draft
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.journeys import StoredJourneys
from kundenkreis.site.ports.journeys import JourneyReport
from tests.runtime.town import Town, live_through

pytestmark = pytest.mark.db


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_dsn") if request.param == "postgres" else ""
    if database:
        import psycopg

        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE DATABASE journeys_of_a_town")
        database = database.replace("/postgres?", "/journeys_of_a_town?", 1)
    town = Town(tmp_path_factory.mktemp("town"), database)
    live_through(town)
    newcomers(town)
    yield town
    town.close()


def newcomers(town: Town) -> None:
    """People who are still on their way when the story ends: one confirms a day; one of them orders, one withdraws."""
    for number in range(20, 30):
        town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com", "country": "DE"})
        consent = {
            "channel": "email",
            "purpose": "newsletter",
            "basis": "express_consent",
            "wording": "News",
            "proof": "form 7",
        }
        town.send("track", userId=f"u{number}", event="Consent Confirmed", properties=consent)
        town.pass_time(DAY)
    town.order("u27", "new-1", 12.0)
    town.send(
        "track", userId="u26", event="Consent Withdrawn", properties={"channel": "email", "purpose": "newsletter"}
    )
    town.pass_time(HOUR)


def standing(town: Town) -> Counter[tuple[str, str]]:
    """(journey, step) -> runs that stand there, from the states themselves."""
    found: Counter[tuple[str, str]] = Counter()
    with town.installation.store.reading() as tx:
        for (data,) in tx.rows("SELECT state FROM states"):
            state = decode_state(bytes(data))
            if not state.forwarded_to:
                found.update((run.journey_id, run.step_id) for run in state.runs if run.waiting_for != "goal")
    return found


def read(town: Town, journey_id: str) -> JourneyReport:
    report = StoredJourneys(town.installation).read_journey(journey_id)
    assert report is not None
    return report


def test_where_people_are_equals_the_states(town: Town) -> None:
    recount = standing(town)
    lines = StoredJourneys(town.installation).list_journeys()
    assert len(lines) == 5
    assert sum(line.where.waiting for line in lines) == recount.total() > 5
    for line in lines:
        report = read(town, line.id)
        assert {(line.id, name): step.standing for name, step in report.steps.items() if step.standing} == {
            key: count for key, count in recount.items() if key[0] == line.id
        }
        where = line.where
        assert where.entered == where.waiting + where.goal + where.ended + where.left + where.failed
        assert (report.line, report.elsewhere) == (line, 0)


def test_entries_per_day_are_those_of_the_last_weeks(town: Town) -> None:
    source, zone = StoredJourneys(town.installation), town.installation.zone
    entered = source.find_people("welcome", step_id="", outcome="entered", cursor="", limit=1000).people
    per_day = read(town, "welcome").per_day
    recount = Counter(zone.day_number(person.at_us) for person in entered)
    assert {one.day: one.entries for one in per_day if one.entries} == {
        day: count for day, count in recount.items() if day >= per_day[0].day
    }
    assert sum(one.entries for one in per_day) >= 10
    assert len(per_day) == 56


def test_people_behind_a_number_are_as_many(town: Town) -> None:
    source = StoredJourneys(town.installation)
    for line in source.list_journeys():
        report = read(town, line.id)
        for name, step in report.steps.items():
            for outcome, count in (("standing", step.standing), ("sent", step.sent)):
                found = source.find_people(line.id, step_id=name, outcome=outcome, cursor="", limit=1000)
                assert (len(found.people), found.next_cursor) == (count, "")
        entered = source.find_people(line.id, step_id="", outcome="entered", cursor="", limit=1000)
        assert len(entered.people) == line.where.entered
        anywhere = source.find_people(line.id, step_id="*", outcome="standing", cursor="", limit=1000)
        assert len(anywhere.people) == line.where.waiting


def test_a_long_list_goes_on_where_it_ended(town: Town) -> None:
    source = StoredJourneys(town.installation)
    whole = source.find_people("welcome", step_id="", outcome="entered", cursor="", limit=1000).people
    assert len(whole) > 6
    first = source.find_people("welcome", step_id="", outcome="entered", cursor="", limit=5)
    rest = source.find_people("welcome", step_id="", outcome="entered", cursor=first.next_cursor, limit=1000)
    assert (*first.people, *rest.people) == whole
    assert source.find_people("welcome", step_id="", outcome="entered", cursor="no.cursor", limit=1000).people == whole


def test_one_persons_way_is_the_path_of_the_log(town: Town) -> None:
    source = StoredJourneys(town.installation)
    person = source.find_people("welcome", step_id="hello", outcome="sent", cursor="", limit=1).people[0]
    trace = source.trace_person("welcome", person.profile_id)
    assert trace is not None
    assert trace.person.email == person.email != ""
    assert [line.outcome for line in trace.runs[0].lines[:4]] == ["entered", "branch:newcomer", "waiting", "sent"]
    assert source.trace_person("welcome", 1) is None
    assert source.read_journey("nosuch") is None


def test_goals_are_counted_by_group(town: Town) -> None:
    for line in StoredJourneys(town.installation).list_journeys():
        report = read(town, line.id)
        both = (report.reached.treated, report.reached.control)
        assert sum(share.of for share in both) + report.still_open == line.where.entered
        assert sum(share.hits for share in both) <= line.goals == sum(report.days_to_goal.values())


def test_what_was_withheld_has_a_reason(town: Town) -> None:
    found = {line.id: read(town, line.id) for line in StoredJourneys(town.installation).list_journeys()}
    assert any(report.withheld for report in found.values())
    for report in found.values():
        assert all(one.count > 0 and one.reason.replace("_", "").isalpha() for one in report.withheld)
        assert [one.sent for one in report.contents] == [
            step.sent for name, step in report.steps.items() if any(name == each["id"] and "message" in each for each in report.document["steps"])
        ]  # fmt: skip


def test_a_draft_is_a_journey_that_is_not_in_force(town: Town) -> None:
    drafts, publisher = StoredDrafts(town.installation.store), StorePublisher(town.installation)
    document = {
        "kind": "journey",
        "id": "thanks",
        "name": {"de": "Danke"},
        "steps": [{"id": "pause", "wait": {"days": 1}}],
    }
    save_draft(document, drafts, publisher, revision=0, actor="anna", at_us=town.clock.now_us())
    try:
        line = next(one for one in StoredJourneys(town.installation).list_journeys() if one.id == "thanks")
        assert (line.state, line.has_draft, line.changed_by, line.where.entered) == ("draft", True, "anna", 0)
        assert [box.id for box in read(town, "thanks").drawing.boxes] == ["pause", "exit:0"]
    finally:
        drafts.remove("journey", "thanks", revision=1)
