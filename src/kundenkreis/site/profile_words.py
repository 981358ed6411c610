"""Words about a person: values of the profile, what somebody is to the company, orders."""

from typing import Final

from django.utils.translation import gettext as _

from kundenkreis.customers.core.commerce import OVERTAKEN
from kundenkreis.site import formats
from kundenkreis.site.personal import Field

_FIELDS: Final[dict[str, Field]] = {
    "email": "email", "phone": "phone", "firstName": "name", "first_name": "name", "lastName": "name", "last_name": "name",
    "name": "name", "title": "text",
}  # fmt: skip
SENSITIVE: Final = frozenset({"religion", "health", "ethnicity"})
"""Special categories of Art. 9 GDPR, in small letters: an attribute of such a name, and whatever lies inside one."""


def attribute_word(name: str) -> str:
    """A value of the profile in words; one of the house's own is called as it was sent."""
    known = {
        "firstName": _("First name"),
        "first_name": _("First name"),
        "lastName": _("Last name"),
        "last_name": _("Last name"),
        "name": _("Name"),
        "title": _("Title"),
        "salutation": _("Salutation"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "language": _("Language"),
        "timezone": _("Time zone"),
        "birthday": _("Birthday"),
        "gender": _("Gender"),
        "company": _("Company"),
        "address.street": _("Street"),
        "address.city": _("Town"),
        "address.postalCode": _("Postcode"),
        "address.postal_code": _("Postcode"),
        "address.country": _("Country"),
        "address.state": _("Region"),
        "city": _("Town"),
        "country": _("Country"),
        "age_band": _("Age group"),
        "income_band_usd": _("Income, US dollars a year"),
        "home_ownership": _("Home"),
        "household_composition": _("Household"),
        "household_size": _("People in the household"),
        "kids": _("Children"),
        "marital_status": _("Marital status"),
        "interest": _("Interest"),
        "invented": _("Invented for the demo"),
        "winback_reason": _("Reason for staying away"),
        "contact_person": _("Contact person"),
        "contactPerson": _("Contact person"),
    }
    return known.get(name, name.replace("_", " "))


def value_word(name: str, text: str) -> str:
    """A value of the profile as people write it; one of the house's own as it was sent."""
    last = name.rpartition(".")[2]
    if last == "birthday":
        return formats.iso_day(text)
    if last == "country":
        return formats.country(text)
    if last == "language":
        return formats.language_name(text)
    known = {
        "true": _("yes"),
        "false": _("no"),
        "Homeowner": _("own home"),
        "Renter": _("rented home"),
        "Probable Homeowner": _("probably own home"),
        "Probable Renter": _("probably rented home"),
        "Married": _("married"),
        "Unmarried": _("unmarried"),
        "1 Adult No Kids": _("1 adult, no children"),
        "2 Adults No Kids": _("2 adults, no children"),
        "1 Adult Kids": _("1 adult with children"),
        "2 Adults Kids": _("2 adults with children"),
    }
    return known.get(text, text)


def field_of(attribute: str) -> Field:
    """What sort of personal value an attribute holds, for masking."""
    return "sensitive" if is_sensitive(attribute) else _FIELDS.get(attribute, "text")


def is_sensitive(path: str) -> bool:
    """Whether an attribute or property, with dots between the parts of its path, is of a special category."""
    return any(part in SENSITIVE for part in path.casefold().split("."))


def relation_word(kind: str) -> str:
    """What somebody is to the company."""
    known = {
        "visitor": _("Visitor"),
        "prospect": _("Prospect"),
        "customer": _("Customer"),
        "former_customer": _("Former customer"),
        "partner": _("Partner"),
    }
    return known.get(kind, kind)


def order_word(status: str) -> str:
    """Where an order stands."""
    known = {
        "completed": _("ordered"),
        "shipped": _("on its way"),
        "late": _("late"),
        "delivered": _("delivered"),
        "cancelled": _("cancelled"),
        "refunded": _("refunded"),
        **dict.fromkeys(OVERTAKEN, _("not reported yet")),
    }
    return known.get(status, status)


def identifier_word(kind: str) -> str:
    """A kind of identifier."""
    known = {
        "user_id": _("Customer number"),
        "email": _("E-mail"),
        "phone": _("Telephone"),
        "anonymous_id": _("Visitor id"),
        "claimed_user_id": _("Claimed customer number"),
        "card": _("Customer card"),
    }
    return known.get(kind, kind.replace("_", " "))
