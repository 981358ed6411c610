"""Acts on many customers at work: a thread beside the pages that takes the next people, writes their audit lines and changes them.

An act that a process left unfinished is taken up when the next one starts. Whoever ordered it must still be allowed to.
"""

import logging
import threading
import time
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site.access import Role, Viewer, permissions_of, seen_by
from kundenkreis.site.audit import audit_many
from kundenkreis.site.models import Account
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.bulk_acts import Act, BulkAct, BulkActs
from kundenkreis.site.ports.customers import CustomerQuery

_logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 1.0
"""So long a page waits for an act before it shows how far it is."""
_LOOK_SECONDS: Final = 3.0
_LOOKS: Final = 20
"""A minute in all: twice as long as a dead process holds an act."""
NEEDED: Final[dict[Act, tuple[str, ...]]] = {
    "pause": ("customers.edit",),
    "resume": ("customers.edit",),
    "set": ("customers.edit", "personal.see"),
}
"""What whoever orders an act must be allowed to."""
_DONE: Final[dict[Act, str]] = {"pause": "paused", "resume": "resumed", "set": "changed"}


def start(
    act: BulkAct, query: CustomerQuery | None, *, address: str = "", patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Work on an act that the caller holds, and wait a moment for it.

    Args:
        query: whom it concerns; None where that is noted already.
        address: the network address that ordered it, for the audit log.
    """
    thread = threading.Thread(target=_work, args=(act, query, address), name=f"bulk-{act.bulk_id}", daemon=True)
    thread.start()
    thread.join(patience_seconds)


def take_up_resting() -> None:
    """Go on with what an earlier process left, one after the other; what did not know yet whom it concerns ends.

    Whoever died holds an act for a while still, so this looks again until nothing is left, or somebody else works on it.
    """
    if mounted().sources.bulk_acts.unfinished():
        threading.Thread(target=_take_up, name="bulk-resting", daemon=True).start()


def _take_up() -> None:
    bulk = mounted().sources.bulk_acts
    for _ in range(_LOOKS):
        for act in bulk.unfinished():
            if act.is_resting and act.state == "gathering":
                bulk.stop(act.bulk_id)
            elif bulk.take_up(act.bulk_id):
                _work(act, None, "")
        if not bulk.unfinished():
            return
        time.sleep(_LOOK_SECONDS)


def _work(act: BulkAct, query: CustomerQuery | None, address: str) -> None:
    bulk = mounted().sources.bulk_acts
    try:
        _run(bulk, act, query, address)
    except Exception:  # the edge of a thread: what was written stands, the rest is taken up later
        _logger.exception("changing many customers stopped: %s", act.bulk_id)
    finally:
        connection.close()


def _run(bulk: BulkActs, act: BulkAct, query: CustomerQuery | None, address: str) -> None:
    someone = _viewer_of(act)
    if someone is None or not someone.permissions.issuperset(NEEDED[act.change.act]):
        bulk.stop(act.bulk_id)
        return
    with seen_by(someone):
        if query is not None and not bulk.gather(act.bulk_id, query):
            return
        while people := bulk.take(act.bulk_id):
            # Before the change: one that is written twice after a crash is kept once.
            audit_many(_DONE[act.change.act], "customer", people, _details(act), occasion=act.bulk_id, address=address)
            bulk.perform(act.bulk_id, people)


def _viewer_of(act: BulkAct) -> Viewer | None:
    account = Account.objects.filter(pk=act.account_id, is_active=True).first()
    if account is None:
        return None
    role = Role(account.role)
    return Viewer(account_id=account.pk, name=account.shown_name, role=role, permissions=permissions_of(role))


def _details(act: BulkAct) -> dict[str, object]:
    change = act.change
    more: dict[str, object] = {"fields": [change.name]} if change.act == "set" else {}
    if change.act == "pause":
        until = to_datetime(change.until_us).astimezone(ZoneInfo(mounted().settings.zone))
        more = {"until": until.date().isoformat()}
    return {"together": act.bulk_id, **more}
