"""Links in messages that work without signing in: unsubscribe.

A click writes a restrict-only fence beside the outbox and the withdrawal into the inbox, both durable, before it is answered.
"""

from contextlib import closing

import msgspec

from kundenkreis.channels.core.fences import MARKETING, purpose_on
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.unsubscribe_app import UnsubscribeApp, Withdrawal
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.runtime.dispatching import LINK_KEY
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.settings import secret_key


def public_links(installation: Installation) -> UnsubscribeApp:
    """The ASGI application of the links of this installation."""
    outbox = SqlOutbox(installation.store)
    bell = installation.bell(WORKER_BELL)

    def write_fence(withdrawal: Withdrawal) -> None:
        with closing(installation.open_inbox()) as inbox:  # one belongs to one thread, and clicks come in any
            epoch = inbox.last_position()
        scope = scope_of(withdrawal)
        outbox.write_fence(withdrawal.profile_id, scope, at_us=withdrawal.at_us, reason="unsubscribe link", epoch=epoch)

    def append(withdrawal: Withdrawal) -> None:
        event = withdrawal_event(withdrawal)
        row = (event.effect_id, event.profile_id, withdrawal.at_us, msgspec.msgpack.encode(event))
        with installation.store.transaction("unsubscribe") as tx:
            tx.insert(INTERNAL_INBOX, [row])
        bell.ring()

    key = TokenKey(secret_key(installation.settings, LINK_KEY))
    return UnsubscribeApp((key,), now_us=installation.clock.now_us, write_fence=write_fence, append=append)


def scope_of(withdrawal: Withdrawal) -> str:
    """What the fence keeps back: this purpose on this channel, or all marketing."""
    return MARKETING if withdrawal.reach == "all" else purpose_on(withdrawal.purpose, withdrawal.channel)


def withdrawal_event(withdrawal: Withdrawal) -> AppendEvent:
    """The withdrawal as an event for the person's log: the person's own act, proved by the sealed link."""
    everything = withdrawal.reach == "all"
    properties = {
        "channel": withdrawal.channel,
        "purpose": withdrawal.purpose,
        "message": withdrawal.message_id.hex(),
        "one_click": withdrawal.one_click,
        "form": "unsubscribe link",
        **({"scope": "marketing"} if everything else {}),
    }
    name = "Consent Objected" if everything else "Consent Withdrawn"
    return AppendEvent(
        effect_id=withdrawal.event_id,
        profile_id=withdrawal.profile_id,
        type="track",
        name=name,
        happened_us=withdrawal.at_us,
        origin="api",
        body={"type": "track", "event": name, "properties": properties},
        cause=withdrawal.message_id,
        depth=0,
        actor="customer",
        reason="unsubscribe link",
    )
