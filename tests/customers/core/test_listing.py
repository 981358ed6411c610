"""Whoever is searched for is found, however it is written; the list's keys follow from the state."""

import random

import pytest

from kundenkreis.customers.core.listing import (
    LONGEST_TERM,
    MOST_TERMS,
    Line,
    after_prefix,
    display_name,
    fold_text,
    is_found_otherwise,
    line_changes,
    line_of,
    listed,
    terms_of,
    wanted,
)
from kundenkreis.customers.core.state import Attribute, Commerce, CustomerState, Profile

pytestmark = pytest.mark.pure

HOUR = 3_600_000_000


def person(*identifiers: tuple[str, str], **attributes: object) -> CustomerState:
    """Somebody with these attributes, seen at the third minute of the second hour."""
    held = {name: Attribute(value, 1, b"e", "shop") for name, value in attributes.items()}
    profile = Profile(held, [list(pair) for pair in identifiers], known=True)
    return CustomerState(7, "k", 5, 6, last_seen_us=2 * HOUR + 180_000_000, profile=profile)


def finds(query: str, state: CustomerState) -> bool:
    """Whether a search for these words finds this customer: every word of one reading begins a term."""
    terms = terms_of(listed(state))
    return any(
        all(any(word <= term < after_prefix(word) for term in terms) for word in reading)
        for reading in wanted(query).readings
    )


JURGEN = person(
    ("user_id", "hh-1673"), ("email", "j.schroeder@muster-firma.de"), ("phone", "+499111234567"),
    firstName="Jürgen", lastName="Schröder", phone="+49 (0)911 12345-67", company={"name": "Groß & Söhne"},
)  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "Jürgen", "JURGEN", "juergen schröd", "schroe", "Schroder jur", "gross sohne", "GROß",
        "j.schroeder@muster", "J.SCHRÖDER@MUSTER-FIRMA.DE", "@muster-firma", "hh-1673", "HH1673", "1673",
        "0911 1234567", "+49911", "0049 911 123", "4567", "(0911) 12345-67", "+49 (0)911 1234", "11 12 34",
    ],
)  # fmt: skip
def test_everybody_is_found_however_it_is_written(query: str) -> None:
    assert finds(query, JURGEN)


@pytest.mark.parametrize("query", ["", "   ", "-", "Anna", "jürgen anna", "ürgen", "0912 1234567", "45678", "firma"])
def test_nobody_is_found_who_was_not_meant(query: str) -> None:
    assert not finds(query, JURGEN)


def test_every_beginning_of_a_word_is_a_beginning_of_its_folded_form() -> None:
    letters = random.Random(5)
    for _ in range(3_000):
        word = "".join(letters.choice("aeouäöüßAEOUrstÉ") for _ in range(letters.randrange(1, 12)))
        cut = letters.randrange(1, len(word) + 1)
        assert fold_text(word).startswith(fold_text(word[:cut])), (word, cut)


def test_line_is_to_the_hour_and_net_of_refunds() -> None:
    state = person(firstName="Zoë", lastName="Adler")
    state.commerce = Commerce(sales={"EUR": 5000, "USD": 900}, refunded={"EUR": 700})
    assert line_of(listed(state) or pytest.fail("unlisted")) == Line(1, 2 * HOUR, 6, 4300, b"adler zo")


def test_people_without_a_name_come_last_by_their_address() -> None:
    keys = [
        line_of(listed(state) or pytest.fail("unlisted")).name_key
        for state in (person(lastName="Zweig"), person(email="anna@example.com"), person())
    ]
    assert keys == [b"zweig", b"\xffanna@example.com", b"\xff"]


def test_whoever_was_merged_is_not_listed() -> None:
    state = person(lastName="Adler")
    state.forwarded_to = 9
    assert listed(state) is None
    assert terms_of(None) == set()


def test_hostile_fields_cost_a_bounded_number_of_terms() -> None:
    state = person(*((f"card{n}", f"{n}-a{n}-b{n}") for n in range(200)), name="x" * 9_000, lastName="y z " * 900)
    terms = terms_of(listed(state))
    assert len(terms) == MOST_TERMS
    assert max(map(len, terms)) == LONGEST_TERM


def test_same_state_is_listed_the_same() -> None:
    assert listed(person(lastName="Adler")) == listed(person(lastName="Adler"))
    assert listed(person(lastName="Adler")) != listed(person(lastName="Adlers"))


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"firstName": "Anna", "lastName": "Muster", "email": "a@example.com"}, "Anna Muster"),
        ({"first_name": "Anna"}, "Anna"),
        ({"name": "Anna M."}, "Anna M."),
        ({"company": {"name": "Groß & Söhne"}}, "Groß & Söhne"),
        ({"email": "a@example.com"}, "a@example.com"),
        ({"firstName": 7}, ""),
    ],
)
def test_display_name_falls_back(attributes: dict[str, object], name: str) -> None:
    assert display_name(person(**attributes)) == name


def test_what_changes_in_the_list_is_what_differs_between_two_rows() -> None:
    chance = random.Random(5)
    names = ["Anna", "Bernd", {"name": "Anna"}, 7]
    states = []
    for _ in range(60):
        one = person(("email", f"{chance.randrange(2)}@example.com"), firstName=chance.choice(names), city="Köln")
        one.profile.known = chance.random() < 0.5
        one.last_seen_us, one.first_seen_us = chance.randrange(4) * HOUR // 2, chance.randrange(2)
        one.commerce = Commerce(sales={"EUR": chance.randrange(2)}, refunded={"EUR": chance.randrange(2)})
        states.append(one)
    kinds = set()
    for was, now in [(listed(a), listed(b)) for a in states for b in states]:
        assert was is not None
        assert now is not None
        before, after = line_of(was)._asdict(), line_of(now)._asdict()
        changes = line_changes(was, now)
        kinds.update(changes)
        assert before | changes == after
        if terms_of(was) != terms_of(now):
            assert is_found_otherwise(was, now)
    assert kinds == set(Line._fields)
    somebody = listed(states[0])
    assert [is_found_otherwise(None, None), is_found_otherwise(None, somebody), is_found_otherwise(somebody, somebody)] == [
        False, True, False,
    ]  # fmt: skip
