"""In which time zone a person lives: quiet hours, dates and weekdays are decided there (design: Time).

Order: the attribute `timezone` (an IANA name), else the country (`country` or `address.country`), else the brand's or
the installation's zone.
"""

from functools import lru_cache

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.zones import UnknownZoneError, Zone, zone

ZONE_KEYS = frozenset({"attribute:timezone", "attribute:country", "attribute:address"})
"""Dirty keys after which local times must be computed anew."""

_ZONE_OF_COUNTRY = {
    "AD": "Europe/Andorra",
    "AL": "Europe/Tirane",
    "AT": "Europe/Vienna",
    "BA": "Europe/Sarajevo",
    "BE": "Europe/Brussels",
    "BG": "Europe/Sofia",
    "CH": "Europe/Zurich",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "GR": "Europe/Athens",
    "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata",
    "IS": "Atlantic/Reykjavik",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "LI": "Europe/Vaduz",
    "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg",
    "LV": "Europe/Riga",
    "MC": "Europe/Monaco",
    "ME": "Europe/Podgorica",
    "MK": "Europe/Skopje",
    "MT": "Europe/Malta",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "RO": "Europe/Bucharest",
    "RS": "Europe/Belgrade",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
    "SM": "Europe/San_Marino",
    "TR": "Europe/Istanbul",
    "UA": "Europe/Kyiv",
    "VA": "Europe/Vatican",
}
"""ISO 3166 country -> the zone nearly all of its people live in. Countries of several zones (US, CA, BR, AU, RU, ...)
are left to the brand's zone: a guess would be wrong for half of them. Source: IANA time zone database, file
zone1970.tab."""


def zone_of(state: CustomerState, default: Zone) -> Zone:
    """The zone this customer's clock shows; `default` where neither zone nor country is known."""
    return stated_zone(state) or default


def stated_zone(state: CustomerState) -> Zone | None:
    """The same, None where neither zone nor country is known."""
    attributes = state.profile.attributes
    named = attributes.get("timezone")
    if named is not None and isinstance(named.value, str):
        found = _known(named.value)
        if found is not None:
            return found
    name = _ZONE_OF_COUNTRY.get(_country(state))
    return zone(name) if name is not None else None


def _country(state: CustomerState) -> str:
    """Attribute `country`, else `address.country`: two letters, "" if unknown."""
    attributes = state.profile.attributes
    stated = attributes.get("country")
    value = stated.value if stated is not None else None
    address = attributes.get("address")
    if value is None and address is not None and isinstance(address.value, dict):
        value = address.value.get("country")
    return value.strip().upper() if isinstance(value, str) else ""


@lru_cache(maxsize=2000)
def _known(name: str) -> Zone | None:
    """The zone of this name, None if there is none; remembers both, because names come from outside."""
    try:
        return zone(name)
    except UnknownZoneError:
        return None
