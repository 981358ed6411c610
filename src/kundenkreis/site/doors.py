"""The parts of the settings: what each is called, what it is for, and who sees it."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, kw_only=True)
class Door:
    """One part of the settings."""

    name: str
    sentence: str
    url_name: str
    icon: str
    needs: str
    """The permission without which the door is not shown."""


def doors() -> tuple[Door, ...]:
    """Every part of the settings, in the order of the page."""
    return (
        Door(
            name=_("Brand"),
            sentence=_("Who speaks to your customers, and how the mails look."),
            url_name="brand",
            icon="palette",
            needs="settings.see",
        ),
        Door(
            name=_("Contact rules"),
            sentence=_("How often, when and on which legal basis you write."),
            url_name="contact_rules",
            icon="shield",
            needs="settings.see",
        ),
        Door(
            name=_("Event catalogue"),
            sentence=_("What your touchpoints report, and what waits for it."),
            url_name="event_catalogue",
            icon="bolt",
            needs="events.see",
        ),
        Door(
            name=_("Channels"),
            sentence=_("How messages leave, with a test message."),
            url_name="channels",
            icon="send",
            needs="settings.see",
        ),
        Door(
            name=_("Definitions"),
            sentence=_("Everything as files: export, import."),
            url_name="definitions",
            icon="download",
            needs="settings.see",
        ),
        Door(
            name=_("Accounts"),
            sentence=_("Who works here, and what they may do."),
            url_name="users",
            icon="users",
            needs="users.see",
        ),
        Door(
            name=_("Keys"),
            sentence=_("For programs and touchpoints that work with this installation."),
            url_name="keys",
            icon="key",
            needs="keys.see",
        ),
        Door(
            name=_("Audit log"),
            sentence=_("Who saw, changed and exported what."),
            url_name="audit_log",
            icon="list-details",
            needs="audit.see",
        ),
        Door(
            name=_("Status"),
            sentence=_("Whether everything runs and is up to date."),
            url_name="status",
            icon="activity",
            needs="status.see",
        ),
    )
