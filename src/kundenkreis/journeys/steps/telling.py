"""Durations, times and lists in a few words, for what steps say of themselves in a drawing."""

from collections.abc import Iterable, Mapping

from kundenkreis.journeys.core.definitions import Duration

Told = dict[str, str]
"""{de, en}: one sentence part per language."""

_UNITS: tuple[tuple[str, str, str, str, str], ...] = (
    ("weeks", "Woche", "Wochen", "week", "weeks"),
    ("days", "Tag", "Tage", "day", "days"),
    ("hours", "Stunde", "Stunden", "hour", "hours"),
    ("minutes", "Minute", "Minuten", "minute", "minutes"),
)
WEEKDAYS: Mapping[str, Told] = {
    "monday": {"de": "Montag", "en": "Monday"},
    "tuesday": {"de": "Dienstag", "en": "Tuesday"},
    "wednesday": {"de": "Mittwoch", "en": "Wednesday"},
    "thursday": {"de": "Donnerstag", "en": "Thursday"},
    "friday": {"de": "Freitag", "en": "Friday"},
    "saturday": {"de": "Samstag", "en": "Saturday"},
    "sunday": {"de": "Sonntag", "en": "Sunday"},
}


def duration(length: Duration) -> Told:
    """3 days, then until 10:00 -> "3 Tage, dann bis 10:00 Uhr"."""
    german, english = [], []
    for field, one_de, many_de, one_en, many_en in _UNITS:
        if count := getattr(length, field):
            german.append(f"{count} {one_de if count == 1 else many_de}")
            english.append(f"{count} {one_en if count == 1 else many_en}")
    told = {"de": " ".join(german), "en": " ".join(english)}
    if length.at is None:
        return told
    if not german:
        return {"de": f"bis {length.at} Uhr", "en": f"until {length.at}"}
    return {"de": f"{told['de']}, dann bis {length.at} Uhr", "en": f"{told['en']}, then until {length.at}"}


_KNOWN: Mapping[str, Told] = {
    # ways out of a step
    "next": {"de": "weiter", "en": "on"},
    "timeout": {"de": "nach Ablauf der Zeit", "en": "after the time is up"},
    "none": {"de": "alle anderen", "en": "everybody else"},
    "used": {"de": "eingelöst", "en": "redeemed"},
    "unused": {"de": "nicht eingelöst", "en": "not redeemed"},
    "customer": {"de": "schon Kunde", "en": "already a customer"},
    "newcomer": {"de": "noch kein Kunde", "en": "not a customer yet"},
    "service": {"de": "möchte Service", "en": "wants service"},
    "no_need": {"de": "braucht gerade nichts", "en": "needs nothing"},
    "price": {"de": "zu teuer", "en": "too dear"},
    # attributes, their values, and properties
    "yes": {"de": "ja", "en": "yes"},
    "no": {"de": "nein", "en": "no"},
    "winback_reason": {"de": "Grund fürs Fernbleiben", "en": "reason for staying away"},
    "expires_at": {"de": "Ablauf", "en": "expiry"},
}


def readable(name: str) -> Told:
    """An id as people read it: what shipped journeys use in words, one letter large, of any other its own words."""
    own = name.upper() if len(name) == 1 else name.replace("_", " ")
    return _KNOWN.get(name, {"de": own, "en": own})


def joined(names: Iterable[str]) -> Told:
    """Several behind one another: used, unused -> "eingelöst / nicht eingelöst"."""
    told = [readable(name) for name in names]
    return {"de": " / ".join(one["de"] for one in told), "en": " / ".join(one["en"] for one in told)}
