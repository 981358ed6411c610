"""Links in messages that work without signing in: unsubscribe, and choose topics.

A click writes a restrict-only fence beside the outbox and the withdrawal into the inbox, both durable, before it is answered.
"""

from contextlib import closing

import msgspec

from kundenkreis.channels.core.fences import MARKETING, purpose_on
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.preferences_app import PreferencesApp, Topic, Topics
from kundenkreis.channels.unsubscribe_app import UnsubscribeApp, Withdrawal, Withdrawals
from kundenkreis.customers.core.permission import MARKETING as MARKETING_CLASS
from kundenkreis.customers.core.permission import permission
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.runtime.dispatching import LINK_KEY
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.readers.customer import find_state
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.settings import secret_key


def public_links(installation: Installation) -> dict[str, UnsubscribeApp | PreferencesApp]:
    """The ASGI applications of the links of this installation, by how their paths begin."""
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
    now_us, withdrawals = installation.clock.now_us, Withdrawals(write_fence, append)
    return {
        "/u/": UnsubscribeApp((key,), withdrawals, now_us=now_us),
        "/p/": PreferencesApp((key,), withdrawals, now_us=now_us, topics=topics_of(installation)),
    }


def topics_of(installation: Installation) -> Topics:
    """Who knows what a person receives: every purpose for which marketing may go out to them now."""

    def topics(profile_id: int, channel: str) -> list[Topic]:
        with installation.store.reading() as tx:
            state = find_state(tx, profile_id)
        if state is None:
            return []
        policy = installation.rulebooks(state.rulebook_version).policy
        at_us = installation.clock.now_us()
        found = []
        for purpose in policy.purposes.values():
            answer = permission(
                state, channel, purpose.id, message_class=MARKETING_CLASS, at_us=at_us, bases=policy.bases(purpose.id),
                categories=policy.categories(purpose.id) or tuple(state.commerce.categories),
            )  # fmt: skip
            # What was asked for once, such as the mail that asks for a confirmation, is no topic.
            if answer.allowed and answer.basis != "requested":
                found.append(Topic(purpose.id, {"de": purpose.name.de, "en": purpose.name.en}))
        return found

    return topics


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
