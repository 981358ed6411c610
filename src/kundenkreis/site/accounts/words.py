"""Words for roles and permissions."""

from django.utils.translation import gettext as _

from kundenkreis.site.access import PERMISSIONS, Role


def role_names() -> dict[str, str]:
    """Every role in words."""
    return {
        Role.OWNER: _("Owner"),
        Role.ADMIN: _("Administration"),
        Role.MARKETING: _("Marketing"),
        Role.SALES: _("Sales"),
        Role.SERVICE: _("Service"),
        Role.PRIVACY_OFFICER: _("Privacy officer"),
        Role.VIEWER: _("View only"),
        Role.EXTERNAL_PARTNER: _("External partner"),
    }


def role_sentences() -> dict[str, str]:
    """What each role is for."""
    return {
        Role.OWNER: _("Everything, also who else is owner."),
        Role.ADMIN: _("Everything but erasing people, special categories of data, owners and privacy officers."),
        Role.MARKETING: _("Customers, segments, journeys, content, exports."),
        Role.SALES: _("Customers with their data; segments, journeys and content to read."),
        Role.SERVICE: _("Customers with their data; segments, journeys and content to read."),
        Role.PRIVACY_OFFICER: _("Everything to read, answers to requests, erasing, the audit log."),
        Role.VIEWER: _("Reads, with personal data masked."),
        Role.EXTERNAL_PARTNER: _("Content; segments and journeys to read. No customers."),
    }


def role_name(role: str) -> str:
    """One role in words."""
    return role_names().get(role, role)


def permission_names() -> dict[str, str]:
    """Every permission in words."""
    return {
        "start.see": _("See the start page"),
        "customers.see": _("See customers"),
        "customers.edit": _("Edit customers"),
        "customers.merge": _("Merge customers"),
        "personal.see": _("See personal data"),
        "personal.sensitive": _("See special categories of personal data"),
        "segments.see": _("See segments"),
        "segments.edit": _("Edit segments"),
        "journeys.see": _("See journeys"),
        "journeys.edit": _("Edit journeys"),
        "journeys.publish": _("Publish journeys"),
        "content.see": _("See content"),
        "content.edit": _("Edit content"),
        "messages.see": _("See messages"),
        "messages.stop": _("Stop messages"),
        "messages.release": _("Decide about messages on hold"),
        "events.see": _("See events"),
        "events.replay": _("Replay events from quarantine"),
        "insights.see": _("See analyses"),
        "exports.make": _("Export"),
        "privacy.answer": _("Answer requests for access"),
        "privacy.erase": _("Erase people"),
        "settings.see": _("See settings"),
        "settings.edit": _("Edit settings"),
        "status.see": _("See the system's status"),
        "users.see": _("See accounts"),
        "users.edit": _("Invite and edit accounts"),
        "keys.see": _("See keys"),
        "keys.edit": _("Make and revoke keys"),
        "audit.see": _("See the audit log"),
    }


def permission_choices(held: frozenset[str]) -> list[tuple[str, str]]:
    """Permissions that somebody holds, with their words, in the order of the table."""
    names = permission_names()
    return [(name, names[name]) for name in PERMISSIONS if name in held]
