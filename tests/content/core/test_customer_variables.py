"""What messages know of a person: exactly what the check before publishing knows, and what each of it says."""

from typing import Any

import pytest

from kundenkreis.content.core.customer_variables import SAID, TRAITS, customer_variables, language_of
from kundenkreis.content.core.templates import DEFAULT_NAMES
from kundenkreis.customers.core.state import Attribute, CustomerState, Phase

pytestmark = pytest.mark.pure


def person(**attributes: Any) -> CustomerState:
    state = CustomerState(profile_id=4711, bucket_key="key", created_us=0, first_seen_us=0)
    state.profile.attributes = {name: Attribute(value, 0, b"", "shop") for name, value in attributes.items()}
    return state


def test_what_the_check_knows_is_what_a_message_can_hold() -> None:
    """Of somebody unknown what Kundenkreis says itself; of somebody who stated everything all of it."""
    assert DEFAULT_NAMES.customer == TRAITS | SAID
    assert set(customer_variables(person())) == SAID
    assert set(customer_variables(person(**dict.fromkeys(TRAITS, "x")))) == DEFAULT_NAMES.customer
    assert set(customer_variables(person(shoe_size=42))) == SAID | {"shoe_size"}


def test_what_it_says_of_somebody() -> None:
    state = person(firstName="Anna", last_name="Muster", country="at", language="de-AT", shoe_size=42, gone=None)
    state.decisions.phase = Phase("care", "fresh", 0, 0)
    assert customer_variables(state) == {
        "id": "4711", "name": "Anna Muster", "firstName": "Anna", "first_name": "Anna", "lastName": "Muster", "last_name": "Muster",
        "greeting": "Guten Tag Anna Muster", "phase": "care", "sub_state": "fresh", "zone": "Europe/Vienna", "country": "at",
        "language": "de-AT", "shoe_size": 42,
    }  # fmt: skip


def test_of_somebody_unknown_it_says_nothing_but_the_number() -> None:
    found = customer_variables(person())
    assert {name: value for name, value in found.items() if value} == {"id": "4711", "greeting": "Guten Tag"}


@pytest.mark.parametrize(
    ("attributes", "name", "greeting"),
    [
        ({"name": "Dr. Anna Muster", "firstName": "Anna"}, "Dr. Anna Muster", "Guten Tag Anna"),
        ({"name": "Anna Muster"}, "Anna Muster", "Guten Tag Anna Muster"),
        ({"firstName": "Anna", "form_of_address": "du"}, "Anna", "Hallo Anna"),
        ({"name": "Anna Muster", "form_of_address": "du"}, "Anna Muster", "Hallo"),
        ({"firstName": 7, "locale": "en-GB"}, "", "Hello"),
    ],
)
def test_how_somebody_is_called(attributes: dict[str, Any], name: str, greeting: str) -> None:
    found = customer_variables(person(**attributes))
    assert (found["name"], found["greeting"]) == (name, greeting)


@pytest.mark.parametrize(
    "name",
    ["Anna Muster", "J.R.R. Tolkien", "St.Pierre", "Dr. med. Anna O'Neil-Šimić", "Anna M. von u. zu Hof", "李小龍"],
)
def test_names_of_every_kind_stand_in_the_greeting(name: str) -> None:
    assert customer_variables(person(name=name))["greeting"] == f"Guten Tag {name}"


@pytest.mark.parametrize(
    "name",
    ["Win now https://x.example", "www.x.example", "buy at spam.example/now", "Anna\nMuster", "A" * 81, "free.money"],
)
def test_what_is_no_name_stands_in_no_greeting(name: str) -> None:
    """Who signs others up for mails writes there what the mail is to carry."""
    assert customer_variables(person(name=name))["greeting"] == "Guten Tag"


def test_what_kundenkreis_says_stands_before_an_attribute_of_the_same_name() -> None:
    found = customer_variables(person(id="A-7", phase="full moon", sub_state="waxing", greeting="Ahoy"))
    assert [found[name] for name in ("id", "phase", "sub_state", "greeting")] == ["4711", "", "", "Guten Tag"]


def test_a_greeting_in_the_language_and_form_of_a_variant() -> None:
    found = customer_variables(person(firstName="Anna", language="de"), language="en", form_of_address="du")
    assert found["greeting"] == "Hello Anna"


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("en", "en"), ("EN", "en"), ("en_GB", "en-GB"), ("en-gb", "en-GB"), (" de ", "de"), ("DE_at", "de-AT"),
        ("zh-Hant-TW", "zh-Hant-TW"), ("", ""),
    ],
)  # fmt: skip
def test_a_language_is_understood_however_it_is_written(stated: str, language: str) -> None:
    assert (language_of(person(language=stated)), language_of(person(locale=stated))) == (language, language)
    assert customer_variables(person(language="EN_us"))["greeting"] == "Hello"
