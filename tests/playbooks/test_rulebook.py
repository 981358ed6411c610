"""The shipped definitions as a whole: they load, compile, speak both languages, and listen to events that happen."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

import kundenkreis.playbooks
from kundenkreis.content.core.templates import KnownNames, Rendered, compile_content, render
from kundenkreis.definitions.content_checks import default_brand, known_names, names_for, source_of
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.load import load_directory
from kundenkreis.demo.year import messages
from kundenkreis.events.core.catalogue import EVENTS
from kundenkreis.events.core.property_names import PROPERTIES

PLAYBOOKS = Path(kundenkreis.playbooks.__file__).parent
JOURNEYS = {"welcome", "second_purchase", "birthday_anniversary", "voucher", "churn_winback"}


@pytest.fixture(scope="module")
def rulebook() -> Definitions:
    loaded = load_directory(PLAYBOOKS)
    assert not isinstance(loaded, list), "\n".join(str(mistake) for mistake in loaded)
    return loaded


def _rendered(rulebook: Definitions, language: str, greeting: str) -> dict[str, Rendered]:
    brand = default_brand(rulebook)
    assert brand is not None
    known: KnownNames = known_names(rulebook)
    variables: dict[str, Any] = {
        "customer": {"greeting": greeting, "address": {"city": "Köln"}},
        "event": {"coupons": 12, "valid_until": "2026-11-29"},
        "brand": {"name": "Kreisladen", "imprint": brand.body["imprint"][language]},
        "message": {},
        "unsubscribe_url": "https://kreisladen.example/ab",
        "preferences_url": "https://kreisladen.example/wahl",
    }
    results = {}
    for name, content in rulebook.of("content").items():
        found = render(compile_content(source_of(content, brand), known=known), variables, language)
        assert isinstance(found, Rendered), found
        results[name] = found
    return results


def test_it_holds_what_a_newcomer_is_promised(rulebook: Definitions) -> None:
    assert set(rulebook.of("journey")) == JOURNEYS
    assert len(rulebook.of("segment")) >= 8
    assert set(rulebook.of("score")) == {"activity", "coupon_affinity"}
    (phases,) = rulebook.of("phases").values()
    subs = {phase["id"]: [sub["id"] for sub in phase.get("sub_states", [])] for phase in phases.body["phases"]}
    assert subs == {
        "winback": ["former", "sleeping", "at_risk"],
        "loyalty": [],
        "care": ["fresh", "one_time"],
        "purchase": [],
        "trust": [],
        "attention": [],
    }
    assert set(rulebook.of("situation")) == {
        "open_cart",
        "order_in_transit",
        "late",
        "return",
        "question",
        "complaint",
        "trifle",
        "payment_open",
        "negotiation",
        "bereavement",
        "rights_request",
    }


def test_every_name_is_given_in_both_languages(rulebook: Definitions) -> None:
    nameless = [
        (definition.kind, definition.id)
        for definition in rulebook
        if definition.kind not in {"brand", "policy", "phases"} and set(definition.body["name"]) != {"de", "en"}
    ]
    assert nameless == []


def test_every_playbook_has_its_page(rulebook: Definitions) -> None:
    assert {folder.name for folder in PLAYBOOKS.iterdir() if (folder / "README.md").exists()} == JOURNEYS


@pytest.mark.parametrize("language", ["de", "en"])
def test_contents_read_whole_in_each_language(rulebook: Definitions, language: str) -> None:
    greeting = {"de": "Guten Tag Anna Muster", "en": "Hello Anna Muster"}[language]
    for name, message in _rendered(rulebook, language, greeting).items():
        assert message.language == language, name
        for part in (message.html, message.text):
            assert greeting + "," in part, name
            assert "https://kreisladen.example/ab" in part, name
            assert "Kreisladen GmbH" in part, name
            assert not re.search(r"\{\{|\{%|}}|%}|None|  ,", part), name
        assert 0 < len(message.subject) <= 60, name


def test_german_says_sie(rulebook: Definitions) -> None:
    for name, message in _rendered(rulebook, "de", "Guten Tag").items():
        found = re.findall(
            r"\b(?:[Dd]u|[Dd]ich|[Dd]ir|[Dd]eine?[mnrs]?|[Ee]uch|[Ee]uer)\b", message.subject + message.text
        )
        assert found == [], name
        assert re.search(r"\b(?:Sie|Ihr|Ihre|Ihrem|Ihren|Ihnen)\b", message.text), name


def test_an_unknown_name_reads_well(rulebook: Definitions) -> None:
    for name, message in _rendered(rulebook, "de", "Guten Tag").items():
        assert message.text.startswith("Guten Tag,\n\n"), name


@pytest.mark.parametrize("language", ["de", "en"])
def test_nothing_is_promised_that_the_page_of_topics_does_not_offer(rulebook: Definitions, language: str) -> None:
    """Topics can be left there; how often somebody hears from us cannot be chosen."""
    for name, message in _rendered(rulebook, language, "Hallo").items():
        for part in (message.html, message.text):
            assert re.findall(r"(?i)häufigkeit|seltener|frequency|less often", part) == [], name


def test_links_lead_to_the_shop_or_are_the_persons_own(rulebook: Definitions) -> None:
    for name, message in _rendered(rulebook, "en", "Hello").items():
        links = set(re.findall(r'href="([^"]+)"', message.html))
        strange = [link for link in links if not re.match(r"https://(www\.)?kreisladen\.example/", link)]
        assert strange == [], name


def _events_named(value: Any) -> set[str]:
    """Every event name in a definition: what stands under `name` beside `where`, or in an event pattern."""
    found: set[str] = set()
    if isinstance(value, dict):
        for key, item in value.items():
            if key in {"event", "event_sum", "event_time", "begins", "ends"}:
                for pattern in item if isinstance(item, list) else [item]:
                    names = pattern.get("name", [])
                    found |= {names} if isinstance(names, str) else set(names)
            found |= _events_named(item)
    elif isinstance(value, list):
        for item in value:
            found |= _events_named(item)
    return found


def test_it_listens_to_events_of_the_catalogue_and_most_happen_in_the_demo(rulebook: Definitions) -> None:
    named = set().union(*(_events_named(definition.body) for definition in rulebook if definition.kind != "content"))
    by_people = {"Bereavement Reported", "Bereavement Cleared", "Rights Request Opened", "Rights Request Closed"}
    assert named - set(EVENTS) - by_people == set()
    year = messages(ends_on=date(2026, 11, 21), households=60)
    happening = {msgspec.json.decode(message.body).get("event") for message in year}
    assert named - happening == {
        "Bereavement Cleared",
        "Lead Accepted",
        "Order Cancelled",
        "Order Line Refunded",
        "Order Picked Up",
        "Survey Answered",
        "Withdrawal Declared",
    }


def test_a_content_is_offered_the_event_that_its_journey_begins_with_and_what_it_names_already(
    rulebook: Definitions,
) -> None:
    def of_event(content_id: str) -> list[str]:
        return [name.removeprefix("event.") for name in names_for(rulebook, content_id) if name.startswith("event.")]

    # The welcome journey begins with a consent, the voucher's with an event that carries more than the catalogue says.
    assert of_event("welcome_hello") == list(EVENTS["Consent Confirmed"].properties)
    assert set(of_event("voucher_reminder")) >= {"coupons", "valid_until"}
    assert of_event("no_such_content") == list(PROPERTIES)
    assert names_for(rulebook, "welcome_hello")[:3] == (
        "customer.greeting",
        "customer.first_name",
        "customer.last_name",
    )
