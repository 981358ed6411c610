"""The audit log: who saw, changed or exported what, when and from where. Pages call `audit`, pages about one person `audit_view`.

Details hold names of fields, counts and ids, never the values of a person: an entry stays when the person is erased.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest

from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import access
from kundenkreis.site.models import Account, AuditEntry
from kundenkreis.site.mounted import mounted

ACTIONS: Final = (
    "viewed",
    "created",
    "changed",
    "deleted",
    "exported",
    "imported",
    "merged",
    "unmerged",
    "erased",
    "answered",
    "paused",
    "resumed",
    "published",
    "started",
    "stopped",
    "released",
    "settled",
    "undone",
    "previewed",
    "tested",
    "replayed",
    "signed_in",
    "sign_in_refused",
    "signed_out",
    "signed_out_everywhere",
    "password_changed",
    "password_reset",
    "second_factor_added",
    "second_factor_removed",
    "recovery_codes_made",
    "invited",
    "withdrawn",
    "joined",
    "role_changed",
    "disabled",
    "enabled",
    "revoked",
)
"""What can have been done; words for them in site/audit_words.py."""
KINDS: Final = (
    "customer",
    "segment",
    "journey",
    "content",
    "message",
    "event",
    "settings",
    "account",
    "invitation",
    "api_key",
    "write_key",
    "audit",
    "definitions",
    "quarantine",
    "score",
    "phases",
)
"""What it can have been done to."""

_LOOK_SECONDS = 3600
_PRUNED_AT_ONCE = 1000
_PRUNE_EVERY_SECONDS = 3600


class UnknownActionError(BugError):
    """A page audits an action or a kind of object that the audit log has no word for."""

    code = "unknown_audit_action"


def audit(
    request: HttpRequest,
    action: str,
    object_kind: str,
    object_id: object = "",
    details: Mapping[str, Any] | None = None,
    *,
    actor: Account | None = None,
) -> None:
    """Write one entry. Inside a transaction it is kept or dropped with it, so call it where the change is made.

    Args:
        request: for the address; the actor is its viewer.
        action: one of ACTIONS.
        object_kind: one of KINDS.
        object_id: which one, at most 200 characters.
        details: JSON; names of changed fields, numbers, ids. No personal values of customers.
        actor: who did it where nobody is signed in yet, or any more.

    Raises:
        UnknownActionError: there is no such action or kind.
    """
    _entry(address_of(request), action, object_kind, object_id, details, actor=actor).save()
    _prune_now_and_then()


def audit_view(request: HttpRequest, object_kind: str, object_id: object) -> None:
    """Note that the viewer looked at this one; once per session and hour, however often the page is loaded."""
    entry = _entry(address_of(request), "viewed", object_kind, object_id, None, actor=None)
    hour = int(entry.at.timestamp()) // _LOOK_SECONDS
    looked = "\n".join(
        (request.session.session_key or "", str(entry.actor_id), object_kind, entry.object_id, str(hour))
    )
    entry.once = hashlib.blake2b(looked.encode(), digest_size=32).hexdigest()
    # The cache spares the database; the unique column decides, also between processes.
    if cache.add(f"look:{entry.once}", True, timeout=_LOOK_SECONDS):
        AuditEntry.objects.bulk_create([entry], ignore_conflicts=True)


def audit_many(
    action: str,
    object_kind: str,
    object_ids: Iterable[object],
    details: Mapping[str, Any],
    *,
    occasion: str,
    address: str,
) -> None:
    """Write one entry for each of these, by the viewer; of one occasion once, however often this is called."""
    entries = []
    for object_id in object_ids:
        entry = _entry(address, action, object_kind, object_id, details, actor=None)
        entry.once = hashlib.blake2b(
            "\n".join((occasion, action, object_kind, str(object_id))).encode(), digest_size=32
        ).hexdigest()
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries, ignore_conflicts=True)


def address_of(request: HttpRequest) -> str:
    """The network address of the caller: what the server saw, or what its own proxy on this machine said."""
    return str(request.META.get("REMOTE_ADDR") or "")[:45]


def _entry(
    address: str,
    action: str,
    object_kind: str,
    object_id: object,
    details: Mapping[str, Any] | None,
    *,
    actor: Account | None,
) -> AuditEntry:
    if action not in ACTIONS or object_kind not in KINDS:
        raise UnknownActionError(
            f"The audit log has no word for {action} {object_kind}; see site/audit.py.", action=action, kind=object_kind
        )
    someone = access.viewer()
    if actor is not None:
        actor_id, name = actor.pk, actor.shown_name
    else:
        actor_id, name = (someone.account_id, someone.name) if someone else (None, "")
    return AuditEntry(
        at=to_datetime(mounted().clock_us()),
        actor_id=actor_id,
        actor_name=name[:254],
        action=action,
        object_kind=object_kind,
        object_id=str(object_id)[:200],
        details=dict(details or {}),
        address=address,
    )


def _prune_now_and_then() -> None:
    if cache.add("audit-pruned", True, timeout=_PRUNE_EVERY_SECONDS):
        days = mounted().settings.audit_days
        prune_audit_log(to_datetime(mounted().clock_us()) - timedelta(days=days))


def prune_audit_log(before: datetime) -> int:
    """Remove entries that had their time, at most a thousand; how many went. The only way out of the log."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM site_auditentry WHERE id IN "
            "(SELECT id FROM site_auditentry WHERE at < %s ORDER BY at LIMIT %s)",
            [connection.ops.adapt_datetimefield_value(before), _PRUNED_AT_ONCE],
        )
        return int(cursor.rowcount)
