"""Where a customer's clock hangs: own zone, else the country's, else the installation's."""

from kundenkreis.customers.core.profile import attribute
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.zones import UnknownZoneError, Zone, zone

ZONE_READS = ("attribute:timezone", "attribute:country", "attribute:address")
"""Dirty keys after which the customer's zone may be another."""

COUNTRY_ZONES = {
    "AT": "Europe/Vienna",
    "BE": "Europe/Brussels",
    "CH": "Europe/Zurich",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "ES": "Europe/Madrid",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "HU": "Europe/Budapest",
    "IE": "Europe/Dublin",
    "IT": "Europe/Rome",
    "LI": "Europe/Vaduz",
    "LU": "Europe/Luxembourg",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "SE": "Europe/Stockholm",
    "SI": "Europe/Ljubljana",
    "SK": "Europe/Bratislava",
}
"""Countries with one zone, or where nearly everybody lives in one (Spain, Portugal). Others need their own `timezone`.
Source: IANA time zone database, zone.tab."""


def customer_zone(state: CustomerState, default: Zone) -> Zone:
    """The zone in which this customer's days and hours are decided."""
    attributes = state.profile.attributes
    if "timezone" in attributes:
        own = attributes["timezone"].value
        if type(own) is str and 0 < len(own) <= 64:
            try:
                return zone(own)
            except UnknownZoneError:
                pass
    if "country" in attributes or "address" in attributes:
        country = attribute(state, "country") or attribute(state, "address.country")
        name = COUNTRY_ZONES.get(country.upper()) if type(country) is str else None
        if name is not None:
            return zone(name)
    return default
