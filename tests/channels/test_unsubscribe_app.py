"""The public page over ASGI: durable before acknowledged, no cookies, no redirects."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from kundenkreis.channels.core.tokens import Scope, TokenKey
from kundenkreis.channels.unsubscribe_app import UnsubscribeApp, Withdrawal, Withdrawals

pytestmark = pytest.mark.pure

KEY = TokenKey(b"geheim" * 8)
NOW = 1_795_255_200_000_000
FORM = {"content-type": "application/x-www-form-urlencoded"}


def scope(language: str = "de") -> Scope:
    return Scope("unsubscribe", 4711, b"m" * 16, "newsletter", "email", language, 20_000)


class Recorder:
    """Keeps what was written, in order; fails on demand."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Withdrawal]] = []
        self.fails = ""

    def write(self, kind: str, withdrawal: Withdrawal) -> None:
        if self.fails == kind:
            raise OSError("disk full")
        self.written.append((kind, withdrawal))

    def app(self) -> UnsubscribeApp:
        return UnsubscribeApp(
            (KEY,),
            Withdrawals(
                write_fence=lambda withdrawal: self.write("fence", withdrawal),
                append=lambda withdrawal: self.write("inbox", withdrawal),
            ),
            now_us=lambda: NOW,
        )


def ask(recorder: Recorder, method: str, path: str, **keywords: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=recorder.app())
        async with httpx.AsyncClient(transport=transport, base_url="https://post.example") as client:
            return await client.request(method, path, **keywords)

    return asyncio.run(asked())


def test_a_scanner_opening_the_link_changes_nothing() -> None:
    recorder = Recorder()
    answer = ask(recorder, "GET", f"/u/{KEY.seal(scope())}?List-Unsubscribe=One-Click")
    assert (answer.status_code, recorder.written) == (200, [])
    assert "Diese Nachrichten abbestellen" in answer.text
    assert re.findall(r"<script|<img|http|4711|@", answer.text) == []
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]


def test_one_click_is_durable_in_order_then_acknowledged() -> None:
    recorder = Recorder()
    answer = ask(
        recorder,
        "POST",
        f"/u/{KEY.seal(scope())}",
        content=b"List-Unsubscribe=One-Click",
        headers=FORM | {"cookie": "session=x", "authorization": "Basic x"},
    )
    assert answer.status_code == 200
    assert [kind for kind, _ in recorder.written] == ["fence", "inbox"]
    withdrawal = recorder.written[0][1]
    assert (withdrawal.profile_id, withdrawal.purpose, withdrawal.channel, withdrawal.reach, withdrawal.one_click) == (
        4711, "newsletter", "email", "purpose", True,
    )  # fmt: skip
    assert withdrawal.at_us == NOW


def test_repeating_it_is_the_same_event() -> None:
    recorder = Recorder()
    for _ in range(3):
        ask(recorder, "POST", f"/u/{KEY.seal(scope())}", content=b"List-Unsubscribe=One-Click", headers=FORM)
    assert len({withdrawal.event_id for _, withdrawal in recorder.written}) == 1
    ask(recorder, "POST", f"/u/{KEY.seal(scope())}", content=b"reach=all", headers=FORM)
    assert len({withdrawal.event_id for _, withdrawal in recorder.written}) == 2


def test_multipart_works_as_well() -> None:
    recorder = Recorder()
    answer = ask(recorder, "POST", f"/u/{KEY.seal(scope())}", files={"List-Unsubscribe": (None, "One-Click")})
    assert (answer.status_code, len(recorder.written)) == (200, 2)


@pytest.mark.parametrize(("fails", "written"), [("fence", []), ("inbox", ["fence"])])
def test_what_is_not_durable_is_not_acknowledged(fails: str, written: list[str]) -> None:
    recorder = Recorder()
    recorder.fails = fails
    answer = ask(recorder, "POST", f"/u/{KEY.seal(scope())}", content=b"List-Unsubscribe=One-Click", headers=FORM)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert [kind for kind, _ in recorder.written] == written


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/u/nonsense", b"", 404),
        ("POST", "/u/nonsense", b"List-Unsubscribe=One-Click", 404),
        ("GET", "/u/", b"", 404),
        ("GET", "/", b"", 404),
        ("POST", f"/u/{KEY.seal(scope())}", b"nonsense", 400),
        ("POST", f"/u/{KEY.seal(scope())}", b"x" * 100_000, 413),
        ("DELETE", f"/u/{KEY.seal(scope())}", b"", 405),
    ],
)
def test_refusals(method: str, path: str, content: bytes, status: int) -> None:
    recorder = Recorder()
    answer = ask(recorder, method, path, content=content, headers=FORM)
    assert (answer.status_code, recorder.written) == (status, [])
    assert "location" not in answer.headers


def test_the_language_is_the_messages() -> None:
    recorder = Recorder()
    assert "Unsubscribe" in ask(recorder, "GET", f"/u/{KEY.seal(scope('en-GB'))}").text
    assert 'lang="de"' in ask(recorder, "GET", f"/u/{KEY.seal(scope('de-AT'))}").text
    done = ask(recorder, "POST", f"/u/{KEY.seal(scope('en'))}", content=b"reach=all", headers=FORM)
    assert "You will not receive promotional messages any more." in done.text


def test_head_has_no_body() -> None:
    answer = ask(Recorder(), "HEAD", f"/u/{KEY.seal(scope())}")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_ring_around_what_the_keyboard_is_on_can_be_seen_and_long_words_break() -> None:
    """WCAG 2.2, 1.4.11: three to one against the white page. 1.4.10: no scrolling sideways at 320 px."""
    shown = ask(Recorder(), "GET", f"/u/{KEY.seal(scope())}").text
    (ring,) = re.findall(r"outline:3px solid #([0-9a-f]{6})", shown)
    linear = [(int(ring[i : i + 2], 16) / 255) ** 2.2 for i in (0, 2, 4)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 3
    assert "overflow-wrap:anywhere" in shown
