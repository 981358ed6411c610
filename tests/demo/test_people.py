from datetime import date

import pytest

from kundenkreis.demo.people import Person, invent

pytestmark = pytest.mark.pure


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [invent(f"erfunden-{n}", n, year=2026) for n in range(3_000)]


def test_same_seed_same_person(people: list[Person]) -> None:
    assert [invent(f"erfunden-{n}", n, year=2026) for n in (0, 7, 2_999)] == [people[0], people[7], people[2_999]]


def test_addresses_are_unique_ascii_and_at_example_domains(people: list[Person]) -> None:
    emails = [person.email for person in people]
    assert len(set(emails)) == len(emails)
    assert [email for email in emails if not email.isascii() or email != email.lower() or " " in email] == []
    domains = {email.rsplit("@", 1)[1] for email in emails}
    assert {".".join(domain.split(".")[-2:]) for domain in domains} == {"example.com", "example.org", "example.net"}


def test_telephone_numbers_are_unique_and_free_for_fiction(people: list[Person]) -> None:
    phones = [person.phone for person in people if person.phone]
    assert len(set(phones)) == len(phones) > 100
    assert {phone[:9] for phone in phones} <= {"+49302312", "+49406696", "+49699000", "+49899999", "+49221471"}


def test_shares_are_as_stated(people: list[Person]) -> None:
    share = {
        "birthday": sum(person.birthday is not None for person in people) / len(people),
        "german": sum(person.language == "de" for person in people) / len(people),
        "berlin": sum(person.zone == "Europe/Berlin" for person in people) / len(people),
        "nameless": sum(person.first_name == "" for person in people) / len(people),
    }
    assert 0.57 < share["birthday"] < 0.63
    assert 0.88 < share["german"] < 0.95
    assert 0.74 < share["berlin"] < 0.82
    assert 0.02 < share["nameless"] < 0.04
    assert (
        sum(
            person.birthday is not None and (person.birthday.month, person.birthday.day) == (2, 29) for person in people
        )
        > 5
    )


def test_age_fits_the_band() -> None:
    born = [invent(f"hh-{n}", n, year=2026, age_band="25-34").birthday for n in range(300)]
    assert {2026 - day.year for day in born if day and (day.month, day.day) != (2, 29)} <= set(range(25, 35))


def test_traits_leave_out_what_is_not_known() -> None:
    person = Person("hh-1", "", "Roth", "a@example.org", "", "DE", "Kiel", "24103", "Europe/Berlin", "de", None)
    assert person.traits() == {
        "lastName": "Roth",
        "email": "a@example.org",
        "language": "de",
        "timezone": "Europe/Berlin",
        "address": {"city": "Kiel", "postalCode": "24103", "country": "DE"},
        "invented": True,
    }
    born = Person(
        "hh-1", "Ida", "Roth", "a@example.org", "", "DE", "Kiel", "24103", "Europe/Berlin", "de", date(2000, 2, 29)
    )
    assert born.traits()["birthday"] == "2000-02-29"
