"""The public page on which a person chooses what to go on receiving: every topic that may be written to them about, each with a tick.

It only takes away: what is not wanted is withdrawn like on the unsubscribe page, durable before it is answered. Whoever wants more gives a new consent,
with its proof. Links age (channels/core/tokens.py), because the page shows what somebody receives.
"""

import asyncio
import html
import logging
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

from kundenkreis.channels.core.tokens import Scope, TokenKey, open_token
from kundenkreis.channels.core.unsubscribe import BODY_LIMIT_BYTES, Reach, form_fields
from kundenkreis.channels.unsubscribe_app import (
    SHARED_TEXTS,
    Receive,
    Send,
    Withdrawal,
    Withdrawals,
    answer,
    header,
    language_of,
    notice,
    page,
    read_body,
)
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE

_log = logging.getLogger(__name__)

MOST_FIELDS = 200


class Topic(NamedTuple):
    """A purpose about which this person may be written to on this channel."""

    purpose: str
    names: Mapping[str, str]
    """By language."""


Topics = Callable[[int, str], Sequence[Topic]]
"""(profile id, channel) -> what the person receives now."""

_TEXTS: dict[str, dict[str, str]] = {
    "de": SHARED_TEXTS["de"]
    | {
        "title": "Ihre Themen",
        "ask": "Worüber möchten Sie weiter Nachrichten erhalten?",
        "save": "Auswahl speichern",
        "none": "Sie erhalten auf diesem Weg keine werblichen Nachrichten.",
        "done_title": "Gespeichert",
        "done": "Ihre Auswahl gilt ab sofort.",
        "gone_title": "Dieser Link gilt nicht mehr",
        "gone": "Bitte öffnen Sie ihn aus einer neueren Nachricht. Abmelden können Sie sich aus jeder Nachricht, auch aus einer alten.",
    },
    "en": SHARED_TEXTS["en"]
    | {
        "title": "Your topics",
        "ask": "What would you like to go on hearing about?",
        "save": "Save your choice",
        "none": "You receive no promotional messages this way.",
        "done_title": "Saved",
        "done": "Your choice applies from now on.",
        "gone_title": "This link is no longer valid",
        "gone": "Please open it from a newer message. You can unsubscribe from every message, an old one too.",
    },
}


class PreferencesApp:
    """ASGI application for `<prefix><token>`."""

    def __init__(
        self, keys: tuple[TokenKey, ...], withdrawals: Withdrawals, *, now_us: Callable[[], Micros], topics: Topics, prefix: str = "/p/"
    ) -> None:  # fmt: skip
        """Take the token keys, who records what is withdrawn, and who knows the topics."""
        self._keys = keys
        self._withdrawals = withdrawals
        self._now_us = now_us
        self._topics = topics
        self._prefix = prefix

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        at_us, method = self._now_us(), scope["method"]
        opened = open_token(
            str(scope["path"]).removeprefix(self._prefix), self._keys, action="preferences", at_us=at_us
        )
        language = language_of(opened, header(scope, b"accept-language"))
        body = await read_body(receive) if method == "POST" else b""
        status, shown = await self._answer(method, opened, header(scope, b"content-type"), body, at_us, language)
        await answer(send, status, shown, with_body=method != "HEAD")

    async def _answer(
        self, method: str, scope: Scope | None, content_type: str, body: bytes, at_us: Micros, language: str
    ) -> tuple[int, str]:
        refused = 405 if method not in ("GET", "HEAD", "POST") else 413 if len(body) > BODY_LIMIT_BYTES else 0
        if refused:
            return refused, _notice(language, "wrong_title", "wrong")
        if scope is None:
            return 404, _notice(language, "gone_title", "gone")
        try:
            topics = await asyncio.to_thread(self._topics, scope.profile_id, scope.channel)
            if method != "POST":
                return 200, _form(language, topics)
            withdrawals = chosen(scope, form_fields(content_type, body, most=MOST_FIELDS), topics, at_us)
            if withdrawals is None:
                return 400, _notice(language, "wrong_title", "wrong")
            await asyncio.to_thread(self._withdrawals.record, withdrawals)
        except Exception:  # the edge of a request: whatever the store says, the person gets 503 and never a false 200
            _log.exception("choice of topics not recorded")
            return 503, _notice(language, "wrong_title", "later")
        is_all = any(one.reach == "all" for one in withdrawals)
        return 200, _notice(language, "done_title", "done_all" if is_all else "done")


def chosen(
    scope: Scope, fields: Collection[tuple[str, str]] | None, topics: Sequence[Topic], at_us: Micros
) -> list[Withdrawal] | None:
    """What this form withdraws; None: it is not one of this page's."""
    if fields is None:
        return None
    if ("reach", "all") in fields:
        return [_withdrawal(scope, scope.purpose, "all", at_us)]
    if ("save", "topics") not in fields:
        return None
    kept = {value for name, value in fields if name == "topic"}
    # What somebody agreed to since the page was opened stood without a tick because it did not stand there at all.
    shown = {value for name, value in fields if name == "shown"} or {one.purpose for one in topics}
    left = [one.purpose for one in topics if one.purpose in shown and one.purpose not in kept]
    return [_withdrawal(scope, purpose, "purpose", at_us) for purpose in left]


def _withdrawal(scope: Scope, purpose: str, reach: Reach, at_us: Micros) -> Withdrawal:
    """With an id of the minute: saving twice is one event, and whoever has said yes again meanwhile may say no again."""
    return Withdrawal(
        event_id=hash128("preferences", scope.profile_id, scope.message_id, purpose, scope.channel, reach, at_us // MINUTE),
        profile_id=scope.profile_id, message_id=scope.message_id, purpose=purpose, channel=scope.channel, reach=reach, at_us=at_us, one_click=False,
    )  # fmt: skip


def _form(language: str, topics: Sequence[Topic]) -> str:
    text = _TEXTS[language]
    note = f'<p class="note">{text["note"]}</p>'
    if not topics:
        return page(language, text["title"], f'<p role="status">{text["none"]}</p>{note}')
    ticks = "".join(
        f'<input type="hidden" name="shown" value="{html.escape(one.purpose)}">'
        f'<label><input type="checkbox" name="topic" value="{html.escape(one.purpose)}" checked>{html.escape(_named(one, language))}</label>'
        for one in topics
    )
    inner = (
        f'<form method="post"><fieldset><legend>{text["ask"]}</legend>{ticks}</fieldset>'
        f'<button name="save" value="topics">{text["save"]}</button>'
        f'<button class="quiet" name="reach" value="all">{text["all"]}</button></form>{note}'
    )
    return page(language, text["title"], inner)


def _named(topic: Topic, language: str) -> str:
    return topic.names.get(language) or next(iter(topic.names.values()), topic.purpose)


def _notice(language: str, title: str, sentence: str) -> str:
    return notice(language, _TEXTS, title, sentence)
