"""Words for the audit log."""

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from kundenkreis.site.accounts.words import permission_names, role_names
from kundenkreis.site.models import AuditEntry


def action_words() -> dict[str, str]:
    """Every action in words, as the log's filter lists them."""
    return {
        "viewed": _("looked at"),
        "created": _("created"),
        "changed": _("changed"),
        "deleted": _("deleted"),
        "exported": _("exported"),
        "imported": _("imported"),
        "merged": _("merged"),
        "unmerged": _("unmerged"),
        "erased": _("erased"),
        "answered": _("answered a request for access"),
        "paused": _("paused"),
        "resumed": _("resumed"),
        "published": _("published"),
        "started": _("started"),
        "stopped": _("stopped"),
        "released": _("released"),
        "settled": _("settled"),
        "undone": _("undone"),
        "previewed": _("previewed"),
        "tested": _("sent a test"),
        "replayed": _("replayed"),
        "signed_in": _("signed in"),
        "sign_in_refused": _("sign-in refused"),
        "signed_out": _("signed out"),
        "signed_out_everywhere": _("signed out everywhere"),
        "password_changed": _("password changed"),
        "password_reset": _("password set anew"),
        "second_factor_added": _("second factor added"),
        "second_factor_removed": _("second factor removed"),
        "recovery_codes_made": _("recovery codes made"),
        "invited": _("invited"),
        "withdrawn": _("withdrawn"),
        "joined": _("joined"),
        "role_changed": _("role changed"),
        "disabled": _("disabled"),
        "enabled": _("enabled again"),
        "revoked": _("revoked"),
    }


def kind_words() -> dict[str, str]:
    """Every kind of object in words."""
    return {
        "customer": _("Customer"),
        "segment": _("Segment"),
        "score": _("Score"),
        "phases": _("Phases"),
        "journey": _("Journey"),
        "content": _("Content"),
        "message": _("Message"),
        "event": _("Event"),
        "settings": _("Settings"),
        "account": _("Account"),
        "invitation": _("Invitation"),
        "api_key": _("API key"),
        "write_key": _("Write key"),
        "audit": _("Audit log"),
        "definitions": _("Definitions"),
        "quarantine": _("Quarantine"),
    }


def action_word(action: str) -> str:
    """One action in words."""
    return action_words().get(action, action)


def object_words(entry: AuditEntry) -> str:
    """What an entry is about: Customer 4711."""
    kind = kind_words().get(entry.object_kind, entry.object_kind)
    return f"{kind} {entry.object_id}".strip()


_PAGES = {
    "customer": "customer", "segment": "segment", "score": "score", "journey": "journey", "content": "content_edit", "event": "event",
    "message": "decided_message", "account": "user",
}  # fmt: skip


def object_path(entry: AuditEntry) -> str:
    """The page of what an entry is about; "" where there is none."""
    if entry.object_kind not in _PAGES or not entry.object_id:
        return ""
    try:
        return reverse(_PAGES[entry.object_kind], args=[entry.object_id])
    except NoReverseMatch:
        return ""


def detail_words(entry: AuditEntry) -> str:
    """An entry's details in one line: from Marketing, to Sales."""
    names = {
        "by": _("by"),
        "role": _("role"),
        "from": _("from"),
        "to": _("to"),
        "fields": _("fields"),
        "scopes": _("may"),
        "days": _("days"),
        "source": _("touchpoint"),
        "kind": _("kind"),
        "count": _("number"),
        "together": _("together with others"),
        "until": _("until"),
    }
    words = {**role_names(), **permission_names(), **_value_words()}
    parts = []
    for name, value in entry.details.items():
        values = value if isinstance(value, list) else [value]
        shown = ", ".join(words.get(each, each) if isinstance(each, str) else str(each) for each in values)
        parts.append(f"{names.get(name, name)}: {shown}")
    return "; ".join(parts)


def _value_words() -> dict[str, str]:
    """Values that details hold as codes."""
    return {
        "console": _("link of the console"),
        "password": _("password"),
        "mfa": _("second factor or passkey"),
        "socialaccount": _("single sign-on"),
        "invitation": _("invitation"),
        "link": _("link"),
        "name": _("name"),
        "email": _("e-mail"),
        "server": _("secret"),
        "public": _("public"),
    }
