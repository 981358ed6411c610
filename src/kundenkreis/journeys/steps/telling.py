"""Durations, times and lists in a few words, for what steps say of themselves in a drawing."""

from collections.abc import Mapping

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


def readable(name: str) -> str:
    """An id as people read it: no_need -> no need."""
    return name.replace("_", " ")
