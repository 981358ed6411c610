"""The public unsubscribe page: a small ASGI application without cookies, redirects, scripts or data about the person.

Effects of a POST, in order: 1. the fence row that stops what is queued, durable; 2. the withdrawal in the inbox,
durable; 3. the answer 200. If either fails the answer is 503: never an acknowledged withdrawal that is not there.
"""

import asyncio
import base64
import hashlib
import html
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

import msgspec

from kundenkreis.channels.core.tokens import Scope, TokenKey, open_token
from kundenkreis.channels.core.unsubscribe import BODY_LIMIT_BYTES, Decision, Reach, Refuse, ShowPage, Withdraw, decide
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 30


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """What the fence and the inbox get: who withdraws what, because of which message, and when."""

    event_id: bytes
    """16 bytes over message, reach, purpose and minute: a double click is one event, and whoever has said yes again meanwhile may say no again."""
    profile_id: int
    message_id: bytes
    purpose: str
    channel: str
    reach: Reach
    at_us: Micros
    one_click: bool


SHARED_TEXTS: dict[str, dict[str, str]] = {
    "de": {
        "all": "Alle werblichen Nachrichten abbestellen",
        "note": "Nachrichten zu Ihren Bestellungen und Verträgen sind davon nicht betroffen.",
        "done_all": "Sie erhalten keine werblichen Nachrichten mehr.",
        "wrong_title": "Das hat nicht geklappt",
        "wrong": "Bitte öffnen Sie den Link aus der Nachricht noch einmal und benutzen Sie die Schaltfläche.",
        "later": "Wir können das gerade nicht speichern. Bitte versuchen Sie es in einer Minute noch einmal.",
    },
    "en": {
        "all": "Stop all promotional messages",
        "note": "Messages about your orders and contracts are not affected.",
        "done_all": "You will not receive promotional messages any more.",
        "wrong_title": "That did not work",
        "wrong": "Please open the link from the message again and use the button.",
        "later": "We cannot save this right now. Please try again in a minute.",
    },
}
"""What every public page says."""
_TEXTS: dict[str, dict[str, str]] = {
    "de": SHARED_TEXTS["de"]
    | {
        "title": "Abmelden",
        "ask": "Möchten Sie diese Nachrichten nicht mehr erhalten?",
        "one": "Diese Nachrichten abbestellen",
        "done_title": "Abgemeldet",
        "done_one": "Sie erhalten diese Nachrichten nicht mehr.",
        "gone_title": "Diese Seite gibt es nicht",
        "gone": "Der Link ist unvollständig oder gehört nicht hierher. Bitte öffnen Sie ihn aus der Nachricht.",
    },
    "en": SHARED_TEXTS["en"]
    | {
        "title": "Unsubscribe",
        "ask": "Would you like to stop receiving these messages?",
        "one": "Stop these messages",
        "done_title": "Unsubscribed",
        "done_one": "You will not receive these messages any more.",
        "gone_title": "This page does not exist",
        "gone": "The link is incomplete or does not belong here. Please open it again from the message.",
    },
}
_STYLE = (
    "body{font:17px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem;"
    "color:#1d2433;background:#fff;overflow-wrap:anywhere}"
    "button{font:inherit;display:block;width:100%;margin:.75rem 0;padding:.8rem 1rem;border:1px solid #4f46e5;"
    "border-radius:.5rem;background:#4f46e5;color:#fff;cursor:pointer}button.quiet{background:#fff;color:#3730a3}"
    "button:focus-visible,input:focus-visible{outline:3px solid #1d2433;outline-offset:2px}p.note{color:#5d667a}"
    "fieldset{border:0;margin:0;padding:0}legend{padding:0;margin-bottom:.5rem}label{display:flex;gap:.75rem;align-items:center;padding:.6rem 0}"
    "input{flex:none;width:1.25rem;height:1.25rem;accent-color:#4f46e5}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'"
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex"),
    (b"content-security-policy", _POLICY.encode("ascii")),
)


class Withdrawals:
    """Records withdrawals: every fence durable before the first of them goes into the inbox."""

    def __init__(self, write_fence: Callable[[Withdrawal], None], append: Callable[[Withdrawal], None]) -> None:
        """Take the two durable writers.

        Args:
            write_fence: returns when the restrict-only row is durable; called off the event loop; may be called twice.
            append: returns when the withdrawal is durable in the inbox; likewise.
        """
        self._write_fence = write_fence
        self._append = append

    def record(self, withdrawals: Sequence[Withdrawal]) -> None:
        """Returns when all of them are durable. Raises whatever a writer raises."""
        for withdrawal in withdrawals:
            self._write_fence(withdrawal)
        for withdrawal in withdrawals:
            self._append(withdrawal)


class UnsubscribeApp:
    """ASGI application for `<prefix><token>`."""

    def __init__(
        self, keys: tuple[TokenKey, ...], withdrawals: Withdrawals, *, now_us: Callable[[], Micros], prefix: str = "/u/"
    ) -> None:
        """Take the token keys, and who records what is withdrawn."""
        self._keys = keys
        self._withdrawals = withdrawals
        self._now_us = now_us
        self._prefix = prefix

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        token = str(scope["path"]).removeprefix(self._prefix)
        at_us = self._now_us()
        opened = open_token(token, self._keys, action="unsubscribe", at_us=at_us)
        body = await read_body(receive) if scope["method"] == "POST" else b""
        decision = decide(scope["method"], opened, content_type=header(scope, b"content-type"), body=body)
        status, shown = await self._perform(decision, at_us, language_of(opened, header(scope, b"accept-language")))
        await answer(send, status, shown, with_body=scope["method"] != "HEAD")

    async def _perform(self, decision: Decision, at_us: Micros, language: str) -> tuple[int, str]:
        if isinstance(decision, Refuse):
            kind = "gone" if decision.status == 404 else "wrong"
            return decision.status, _notice(language, f"{kind}_title", kind)
        if isinstance(decision, ShowPage):
            return 200, _form(language)
        withdrawal = withdrawal_of(decision, at_us)
        try:
            await asyncio.to_thread(self._withdrawals.record, [withdrawal])
        except Exception:  # the edge of a request: whatever the store says, the person gets 503 and never a false 200
            _log.exception("withdrawal not recorded")
            return 503, _notice(language, "wrong_title", "later")
        return 200, _notice(language, "done_title", "done_all" if decision.reach == "all" else "done_one")


def withdrawal_of(decision: Withdraw, at_us: Micros) -> Withdrawal:
    """The withdrawal with the id of its minute."""
    scope = decision.scope
    return Withdrawal(
        event_id=hash128(
            "unsubscribe",
            scope.profile_id,
            scope.message_id,
            scope.purpose,
            scope.channel,
            decision.reach,
            at_us // MINUTE,
        ),
        profile_id=scope.profile_id,
        message_id=scope.message_id,
        purpose=scope.purpose,
        channel=scope.channel,
        reach=decision.reach,
        at_us=at_us,
        one_click=decision.one_click,
    )


async def read_body(receive: Receive) -> bytes:
    """The body of a public form, or one octet more than the limit."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > BODY_LIMIT_BYTES or not message.get("more_body"):
            return body[: BODY_LIMIT_BYTES + 1]


async def answer(send: Send, status: int, shown: str, *, with_body: bool) -> None:
    """A public page, which nothing keeps, frames or follows."""
    data = shown.encode("utf-8")
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(data)).encode()), *_HEADERS]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD, POST"))
    if status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data if with_body else b""})


def header(scope: MutableMapping[str, Any], name: bytes) -> str:
    """The first header of this name, "" without one."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def language_of(scope: Scope | None, accepted: str) -> str:
    """de or en: as the message was written, else as the browser asks."""
    wanted = scope.language if scope is not None else accepted
    return "en" if wanted.strip().lower().startswith("en") else "de"


def page(language: str, title: str, inner: str) -> str:
    """A whole public page around its content."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{inner}</main></body></html>"
    )


def _form(language: str) -> str:
    text = _TEXTS[language]
    inner = (
        f'<p>{text["ask"]}</p><form method="post">'
        f'<button name="reach" value="purpose">{text["one"]}</button>'
        f'<button class="quiet" name="reach" value="all">{text["all"]}</button></form>'
        f'<p class="note">{text["note"]}</p>'
    )
    return page(language, text["title"], inner)


def _notice(language: str, title: str, sentence: str) -> str:
    return notice(language, _TEXTS, title, sentence)


def notice(language: str, texts: Mapping[str, Mapping[str, str]], title: str, sentence: str) -> str:
    """A public page that only says something; `title` and `sentence` name the words."""
    text = texts[language]
    return page(language, text[title], f'<p role="status">{text[sentence]}</p>')
