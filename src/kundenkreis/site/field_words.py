"""What the fields of configurations are called, and their choices. A field without a line here shows its own name, readable."""

from django.utils.translation import gettext as _


def field_label(name: str) -> str:
    """The label of a field."""
    return _labels().get(name) or name.replace("_", " ")


def field_help(name: str) -> str:
    """One sentence below a field, "" for most."""
    return {
        "valid_for_hours": _("After so many hours it is no longer sent."),
        "key": _("Property that tells parallel runs apart, such as the order number. Usually empty."),
        "salt": _("Equal words split people equally, also elsewhere. Usually empty."),
    }.get(name, "")


def option_label(name: str) -> str:
    """A choice."""
    return _options().get(name) or name.replace("_", " ")


def _labels() -> dict[str, str]:
    return {
        "content": _("Content"),
        "channel": _("Channel"),
        "purpose": _("Purpose"),
        "message_class": _("Class"),
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
        "id": _("Name"),
        "when": _("If"),
        "parts": _("Parts"),
        "percent": _("Percent"),
        "salt": _("Salt"),
        "name": _("Name"),
        "value": _("Value"),
        "score": _("Score"),
        "points": _("Points"),
        "properties": _("Properties"),
        "reason": _("Reason"),
        "where": _("Only with"),
        "property": _("Property"),
        "op": _("Comparison"),
        "key": _("Key"),
        "segment_entered": _("Segment entered"),
        "segment_left": _("Segment left"),
        "date": _("Date of the profile"),
        "schedule": _("Again and again"),
        "broadcast": _("Once for everybody"),
        "if": _("Only if"),
        "attribute": _("Attribute"),
        "yearly": _("Every year"),
        "every": _("Every"),
        "on": _("On"),
        "audience": _("Audience"),
        "within_days": _("Within days"),
        "exit_on_goal": _("Reaching it ends the journey"),
    }


def _options() -> dict[str, str]:
    return {
        "transactional": _("contract"),
        "service": _("service"),
        "marketing": _("marketing"),
        "skip": _("go on without it"),
        "wait": _("wait while it is of use"),
        "exit": _("end"),
        "monday": _("Monday"),
        "tuesday": _("Tuesday"),
        "wednesday": _("Wednesday"),
        "thursday": _("Thursday"),
        "friday": _("Friday"),
        "saturday": _("Saturday"),
        "sunday": _("Sunday"),
        "day": _("day"),
        "week": _("week"),
        "month": _("month"),
        "email": _("e-mail"),
        "sms": _("text message"),
        "letter": _("letter"),
        "push": _("push"),
        "call": _("call"),
        "site": _("website"),
        "messenger": _("messenger"),
        "phone": _("telephone"),
    }
