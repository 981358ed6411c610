"""Every number of the pages equals a recount from log and states.

The pages of a small installation are walked; each element with `data-figure` says in `data-value` what it shows. A page that shows a
number where figures stand, but does not say which figure it is, fails; so does a figure that nobody counts again, and a door that leads to
other people than were counted.
"""

import re
from collections.abc import Iterator

import pytest

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.kernel.zones import DAY, HOUR, SECOND
from kundenkreis.runtime.counting.counter import Counter
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.role_file import RoleProcess, write_roles
from tests.runtime.town import Town, live_through
from tests.site.conftest import Site
from tests.site.recount.journeys import JOURNEYS
from tests.site.recount.pages import FIGURED, FiguresOf, Shown, walked
from tests.site.recount.past import Past, read_past
from tests.site.recount.people import PEOPLE
from tests.site.recount.start import START
from tests.site.recount.works import WORKS

pytestmark = pytest.mark.db

RECOUNTS = (*START, *PEOPLE, *JOURNEYS, *WORKS)
CONSENT = {
    "channel": "email",
    "purpose": "newsletter",
    "basis": "express_consent",
    "wording": "News, please",
    "proof": "form 7",
}
LEFT_IN_THE_INBOX = {"status.inbox": 1, "status.lag": 5 * SECOND, "status.restarts.worker": 3}
"""What the fixture leaves where no recount can read it."""
UNSEEN = re.compile(r"^(behind|circle|order|ledger|customer)\.|\.way\.|\.ended_here$|\.version\.")
"""Of these the walk sees some: people whose pages it opens, phases that the circle draws, ways that carry their name."""
SHOWN = {
    "circle", "content", "customer", "customers", "event", "journey", "ledger", "mailbox", "map", "messages", "order", "pressure",
    "quarantine", "reach", "revenue", "rights", "score", "second", "segment", "sending", "status", "today",
}  # fmt: skip
"""First parts of the names of all figures."""
MOST_SHOWN = 50
"""People on one page behind a number."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """An installation with a past: orders, refunds, merges, messages that went out and that did not, silence."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database_of_module")
    town = Town(tmp_path_factory.mktemp("town"), database)
    live_through(town)
    town.pass_time(20 * DAY)
    for number in range(30):
        town.send("track", anonymousId=f"late-{number}", event="Product Viewed", properties={"product_id": "p1"})
        town.send("identify", userId=f"new-{number % 7}", traits={"email": f"new-{number % 7}@example.com"})
    for number in range(4):
        town.order(f"new-{number}", f"first-{number}", 10.0 + number)
        town.send("track", userId=f"new-{number}", event="Consent Confirmed", properties=CONSENT)
    town.run()
    hand_over(town)
    town.send("identify", userId="new-0", anonymousId="late-3")  # joined within every period
    town.run()
    town.send("track", userId="u1", event="Product Viewed", properties={"product_id": "p1"})
    town.clock.advance_to(town.clock.now_us() + 5 * SECOND)
    write_roles(town.settings.data_dir, [RoleProcess("worker", 1, town.clock.now_us(), 3)])
    Counter(town.installation).count_all()
    yield town
    town.close()


def hand_over(town: Town) -> None:
    """Three days on which messages go out when they are due, and what became of them is folded."""
    dispatcher = Dispatcher(build_world(town.installation), "test")
    for _ in range(3 * 12):
        while dispatcher.run_once().claimed:
            pass
        town.pass_time(2 * HOUR)
    dispatcher.close()


@pytest.fixture(scope="module")
def past(town: Town) -> Past:
    """The same installation, row by row."""
    return read_past(town.installation)


@pytest.fixture(scope="module")
def walked_once(town: Town) -> dict[str, list[Shown]]:
    """What `figures` has found: the walk is the same for every test of a town."""
    return {}


@pytest.fixture
def figures(site: Site, town: Town, past: Past, walked_once: dict[str, list[Shown]]) -> dict[str, list[Shown]]:
    """Path -> figures on that page; and no number without one."""
    site.mount_stored(town.installation)
    found = walked_once
    if found:
        return found
    insider = site.insider()
    without: dict[str, list[str]] = {}
    people = people_to_visit(past)
    for address, paths in walked(past, examples(past, people), people).items():
        for path in paths:
            answer = insider.get(path)
            assert answer.status_code == 200, path
            page = FiguresOf(answer.content.decode())
            without |= {path: page.without} if page.without else {}
            found[path] = page.shown
            assert bool(page.shown) or address not in FIGURED or len(paths) > 1, path
            assert address in FIGURED or not page.shown, path
    assert without == {}
    return found


def people_to_visit(past: Past) -> list[int]:
    """Somebody joined from two, somebody with a refund, somebody new, an anonymous visitor."""
    by_user = {
        value: state.profile_id
        for state in past.states
        for kind, value in state.profile.identifiers
        if kind == "user_id"
    }
    visitor = next(state.profile_id for state in past.states if not state.profile.known)
    return [by_user["u1"], by_user["u3"], by_user["u6"], by_user["new-0"], visitor]


def examples(past: Past, people: list[int]) -> dict[str, object]:
    """One of each kind that an address names."""
    from kundenkreis.site.models import Account

    ids = {one["kind"]: one["id"] for one in past.documents if "id" in one}
    on_the_way = past.paths[0]
    return ids | {
        "customer": people[0], "phase": "care", "message": next(iter(past.kept)).hex(), "event": 1,
        "journey": on_the_way.journey_id, "person_in_journey": past.person_of(on_the_way.profile_id),
        "account": Account.objects.all()[0].pk,
    }  # fmt: skip


def test_every_figure_equals_its_recount(figures: dict[str, list[Shown]], past: Past) -> None:
    shown: dict[str, int] = {}
    for path, page in figures.items():
        for one in page:
            assert shown.setdefault(one.name, one.value) == one.value, (path, one.name)
    counted = dict(LEFT_IN_THE_INBOX)
    for recount in RECOUNTS:
        counted |= recount(past)
    expected = {name for name in counted if not UNSEEN.search(name)} | shown.keys()
    differ = {
        name: (shown.get(name, 0), counted.get(name, 0))
        for name in sorted(expected)
        if shown.get(name, 0) != counted.get(name, 0)
    }
    assert differ == {}
    # A town where nothing happens would prove nothing.
    assert {name.partition(".")[0] for name, value in shown.items() if value} == SHOWN


def test_every_door_leads_to_those_who_were_counted(
    site: Site, town: Town, figures: dict[str, list[Shown]], past: Past
) -> None:
    site.mount_stored(town.installation)
    insider = site.insider()
    counted = {name: value for recount in RECOUNTS for name, value in recount(past).items()}
    doors = {
        (
            one.name,
            min(one.value, MOST_SHOWN) if "customers" not in one.href else one.value,
            one.href if one.href.startswith("/") else f"{path.partition('?')[0]}{one.href}",
        )
        for path, page in figures.items()
        for one in page
        if one.href
    }
    behind: dict[str, int] = {}
    for href in {href for _, _, href in doors}:
        answer = insider.get(href)
        assert answer.status_code == 200, href
        behind[href] = counted_behind(answer.content.decode())
    wrong = {
        (name, href): (value, behind[href])
        for name, value, href in doors
        if behind[href] != (value if "/customers/" not in href else counted.get(f"behind.{name}", value))
    }
    assert wrong == {}
    assert {href.split("/")[1] for href in behind} == {"customers", "journeys", "messages", "events"}


def counted_behind(html: str) -> int:
    """How many a list says it found, or shows."""
    said = [one.value for one in FiguresOf(html).shown if one.name.startswith(("customers.found.", "quarantine."))]
    return said[0] if said else len(re.findall(r'<a class="row"', html))
