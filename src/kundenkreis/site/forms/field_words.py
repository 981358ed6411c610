"""What the fields of generated forms are called. A field that nobody named here is called by its own word, so that new kinds need no line."""

from typing import Final

from django.utils.translation import gettext as _

from kundenkreis.site.condition_words import operator_word, trait_word
from kundenkreis.site.verdict_words import basis_word
from kundenkreis.site.words import channel_word

_OPERATORS: Final = (
    "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "in", "not_in", "=", "!=", ">=", ">", "<=", "<",
    "between", "is_true", "is_false", "exists", "not_exists", "includes", "not_includes", "before", "after", "on", "within_last_days",
    "more_than_days_ago", "within_next_days", "anniversary_in_days", "equals_exactly",
)  # fmt: skip
"""In the order in which people look for them."""


def field_word(path: str, refers_to: str = "") -> str:
    """A field of a configuration in words.

    Args:
        path: the way to it without the numbers of rows: "limits.at_most".
        refers_to: the kind of definition that it names, "" for none.
    """
    last = path.rpartition(".")[2]
    placed = _at_a_place().get(path)
    return placed or _things().get(refers_to) or _words().get(last) or last.replace("_", " ").capitalize()


def _things() -> dict[str, str]:
    return {
        "segment": _("Segment"),
        "score": _("Score"),
        "phase": _("Phase"),
        "sub_state": _("State within the phase"),
        "situation": _("Situation"),
        "trait": _("Figure"),
        "content": _("Content"),
        "purpose": _("Purpose"),
        "channel": _("Channel"),
        "event": _("Event"),
        "attribute": _("Attribute"),
        "operator": _("Comparison"),
        "journey": _("Journey"),
    }


def _words() -> dict[str, str]:
    return {
        # conditions
        "value": _("Value"),
        "count": _("How often"),
        "at_least": _("At least"),
        "at_most": _("At most"),
        "exactly": _("Exactly"),
        "within_days": _("In the last days"),
        "within_hours": _("In the last hours"),
        "where": _("Only with"),
        "property": _("Property"),
        "op": _("Comparison"),
        "which": _("Which of them"),
        "factor": _("Times the usual pause"),
        "percentile": _("Usual pause: percentile"),
        "floor_days": _("At least so many days"),
        "at_most_days": _("At most so many days"),
        "min_purchase_days": _("Purchase days, at least"),
        "message_class": _("Kind of message"),
        "basis": _("Legal basis"),
        "from": _("From (0 to 9,999)"),
        "to": _("Up to (10,000 is everybody)"),
        "salt": _("Name of the draw"),
        # steps of journeys
        "valid_for_hours": _("Of use for hours"),
        "if_withheld": _("If it may not be sent"),
        "priority": _("Priority (1 first)"),
        "minutes": _("Minutes"),
        "hours": _("Hours"),
        "days": _("Days"),
        "weeks": _("Weeks"),
        "at": _("At what time"),
        "until": _("Until date and time"),
        "until_weekday": _("Until weekday"),
        "until_property": _("Until the date in"),
        "offset_days": _("Moved by days"),
        "any": _("The first of"),
        "timeout": _("At most"),
        "on_timeout": _("Then go to"),
        "event": _("Event"),
        "condition": _("Condition"),
        "next": _("Then go to"),
        "id": _("Short name"),
        "when": _("If"),
        "parts": _("Parts"),
        "percent": _("Percent"),
        "name": _("Name"),
        "description": _("Description"),
        "points": _("Points"),
        "properties": _("Properties"),
        "reason": _("Reason"),
        "key": _("Key"),
        "schedule": _("Again and again"),
        "date": _("Date of the profile"),
        "if": _("Only if"),
        "yearly": _("Every year"),
        "every": _("Every"),
        "on": _("On"),
        "audience": _("Audience"),
        "goal": _("Goal"),
        "exit_on_goal": _("Reaching it ends the journey"),
        "exit_when": _("Leave when"),
        # scores and phases
        "rules": _("Rules"),
        "per_days": _("within so many days"),
        "half_life_days": _("Half of it is gone after days"),
        "maximum": _("Most points a person can have"),
        "thresholds": _("Limits whose crossing is told"),
        "phases": _("Phases"),
        "sub_states": _("States within the phase"),
        "phase": _("Phase"),
        "de": _("German"),
        "en": _("English"),
    }


def _at_a_place() -> dict[str, str]:
    return {
        "goal.within_days": _("Within days"),
        "holdout.percent": _("Control group in percent"),
        "sender_name": _("Sender's name"),
        "sender_address": _("Sender's address"),
        "imprint": _("Imprint"),
        "language": _("Language"),
        "form_of_address": _("Form of address"),
        "country": _("Country"),
        "zone": _("Time zone"),
        "tone": _("Tone of voice"),
        "look": _("Look"),
        "look.primary": _("Buttons and links"),
        "look.on_primary": _("Text on buttons"),
        "look.text": _("Text"),
        "look.muted": _("Secondary text"),
        "look.surface": _("Card"),
        "look.background": _("Background"),
        "look.font": _("Typeface"),
        "look.logo": _("Logo (address of the picture)"),
        "look.logo_width": _("Width of the logo in pixels"),
        "look.corners": _("Round corners in pixels"),
        "limits": _("Limits"),
        "limits.per_hours": _("within so many hours"),
        "limits.channel": _("Channel (empty: all together)"),
        "limits.purposes": _("Only these purposes (none: all)"),
        "quiet_hours": _("Quiet hours"),
        "quiet_hours.message_class": _("Kind of message (empty: both)"),
        "quiet_hours.from": _("From"),
        "quiet_hours.to": _("Until"),
        "quiet_hours.weekdays": _("Only on these days (none: every day)"),
        "quiet_hours.sundays": _("All of Sunday"),
        "quiet_hours.holidays": _("Public holidays"),
        "situations": _("Situations"),
        "situations.holds": _("What stops"),
        "situations.priorities": _("Priorities from, to (1 to 10)"),
        "situations.journeys": _("Only these journeys (none: all)"),
        "situations.purposes": _("Only these purposes (none: all)"),
        "situations.same_subject": _("Only messages about the same order, product or case"),
        "situations.except_journeys": _("Except these journeys"),
        "situations.except_purposes": _("Except these purposes"),
        "situations.channels": _("Only on these channels (none: all)"),
        "purposes": _("Purposes"),
        "purposes.name": _("What people read where they agree"),
        "purposes.bases": _("Legal bases, best first"),
        "purposes.categories": _("Categories of goods (* = all are similar)"),
        "default_priority": _("Priority of a message that says none (1 to 10)"),
        "after_conversion": _("After the first purchase"),
        "after_conversion.days": _("For so many days"),
        "after_conversion.extra_per_week": _("at most so many more a week than before"),
        "global_holdout": _("Control group"),
        "global_holdout.percent": _("Percent of people who get no marketing"),
        "minors": _("Minors"),
        "minors.attribute": _("Attribute with the date of birth"),
        "minors.of_age": _("Marketing from the age of (0: nobody is asked)"),
        "minors.countries": _("Other ages by country, such as AT: 14"),
        "incentives": _("Purposes that carry an incentive, never somebody's first message"),
        "overdue_grace_hours": _("Hours of delay after which a person decides about a marketing message"),
    }


def field_help(path: str) -> str:
    """One sentence below a field, "" where its name says it all."""
    known = {
        "sender_address": _("Messages come from here unless the installation's settings name another sender."),
        "imprint": _("Stands below every mail; the law asks for it."),
        "language": _("For people whose language is not known: de or en."),
        "country": _("Two capital letters such as DE: for people whose country is not known."),
        "zone": _("Such as Europe/Berlin: for people whose time zone is not known."),
        "tone": _("How the brand speaks, for whoever writes."),
        "look.logo": _("Empty: the brand's name in letters."),
        "half_life_days": _("What happened long ago counts less. Empty: points stay."),
        "maximum": _("Empty: as many as there are."),
        "thresholds": _("Whoever rises above or falls below one of them can be met by journeys. Numbers with commas."),
    }
    anywhere = {
        "valid_for_hours": _("After so many hours it is no longer sent."),
        "key": _("Property that tells parallel runs apart, such as the order number. Usually empty."),
        "salt": _("Equal words split people equally, also elsewhere. Usually empty."),
        "properties": _("Such as amount: 12, reason: gift. Usually empty."),
    }
    return known.get(path) or anywhere.get(path.rpartition(".")[2], "")


def option_word(key: str, value: str) -> str:
    """One choice of a field with fixed choices in words."""
    if key in ("basis", "bases"):
        return basis_word(value)
    placed = {
        ("which", "first"): _("the first"),
        ("which", "last"): _("the last"),
        ("holds", "marketing"): _("marketing"),
        ("holds", "service"): _("marketing and service"),
    }
    known = {
        "transactional": _("Contract"),
        "service": _("Service"),
        "marketing": _("Marketing"),
        "skip": _("go on without it"),
        "wait": _("wait while it is of use"),
        "exit": _("end"),
        "day": _("day"),
        "week": _("week"),
        "month": _("month"),
        "sie": _("formal (Sie)"),
        "du": _("informal (du)"),
        "sans": _("without serifs"),
        "serif": _("with serifs"),
        "system": _("the device's own"),
        "monday": _("Monday"),
        "tuesday": _("Tuesday"),
        "wednesday": _("Wednesday"),
        "thursday": _("Thursday"),
        "friday": _("Friday"),
        "saturday": _("Saturday"),
        "sunday": _("Sunday"),
    }
    return placed.get((key, value)) or known.get(value) or value


def operator_options() -> list[tuple[str, str]]:
    """Every comparison with its words."""
    return [(op, operator_word(op)) for op in _OPERATORS]


def trait_options(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Computed figures with their words."""
    return [(name, trait_word(name)) for name in names]


def channel_options(channels: tuple[str, ...]) -> list[tuple[str, str]]:
    """Channels with their words."""
    return [(channel, channel_word(channel)) for channel in channels]


def basis_options(bases: tuple[str, ...]) -> list[tuple[str, str]]:
    """Legal bases with their words."""
    return [(basis, basis_word(basis)) for basis in bases]
