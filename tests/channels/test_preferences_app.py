"""The public page of topics over ASGI: it only takes away, durable before acknowledged."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from kundenkreis.channels.core.tokens import PREFERENCES_LIFE_DAYS, Action, Scope, TokenKey
from kundenkreis.channels.preferences_app import PreferencesApp, Topic
from kundenkreis.channels.unsubscribe_app import Withdrawal, Withdrawals
from kundenkreis.kernel.zones import DAY

pytestmark = pytest.mark.pure

KEY = TokenKey(b"geheim" * 8)
NOW = 1_795_255_200_000_000
FORM = {"content-type": "application/x-www-form-urlencoded"}
TOPICS = [
    Topic("newsletter", {"de": "Neues", "en": "News"}),
    Topic("coupons", {"de": "Gutscheine <b>", "en": "Vouchers"}),
]


class Office:
    """Keeps what was written, in order; fails on demand."""

    def __init__(self, topics: list[Topic] | None = None) -> None:
        self.topics = TOPICS if topics is None else topics
        self.written: list[tuple[str, Withdrawal]] = []
        self.fails = ""
        self.now_us = NOW

    def write(self, kind: str, withdrawal: Withdrawal) -> None:
        if self.fails == kind:
            raise OSError("disk full")
        self.written.append((kind, withdrawal))

    def known(self, profile_id: int, channel: str) -> list[Topic]:
        assert (profile_id, channel) == (4711, "email")
        if self.fails == "topics":
            raise OSError("no database")
        return self.topics

    def ask(self, method: str, path: str = "", *, language: str = "de", **keywords: Any) -> httpx.Response:
        withdrawals = Withdrawals(lambda one: self.write("fence", one), lambda one: self.write("inbox", one))
        app = PreferencesApp((KEY,), withdrawals, now_us=lambda: self.now_us, topics=self.known)

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="https://post.example") as client:
                return await client.request(method, path or address(language), **keywords)

        return asyncio.run(asked())

    @property
    def left(self) -> list[tuple[str, str, str]]:
        return [(kind, one.purpose, one.reach) for kind, one in self.written]


def address(language: str = "de", *, action: Action = "preferences") -> str:
    return "/p/" + KEY.seal(Scope(action, 4711, b"m" * 16, "newsletter", "email", language, NOW // DAY))


def test_looking_changes_nothing_and_shows_what_somebody_receives() -> None:
    office = Office()
    answer = office.ask("GET")
    assert (answer.status_code, office.written) == (200, [])
    assert re.findall(r'value="(\w+)" checked>([^<]*)<', answer.text) == [
        ("newsletter", "Neues"),
        ("coupons", "Gutscheine &lt;b&gt;"),
    ]
    assert re.findall(r'name="shown" value="(\w+)"', answer.text) == ["newsletter", "coupons"]
    assert re.findall(r"<script|<img|http|4711", answer.text) == []
    assert "set-cookie" not in answer.headers
    assert "Vouchers" in office.ask("GET", language="en").text
    assert office.ask("HEAD").text == ""


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b"topic=newsletter&save=topics", [("fence", "coupons", "purpose"), ("inbox", "coupons", "purpose")]),
        (b"topic=newsletter&topic=coupons&save=topics", []),
        (
            b"save=topics",
            [("fence", "newsletter", "purpose"), ("fence", "coupons", "purpose"), ("inbox", "newsletter", "purpose"), ("inbox", "coupons", "purpose")],
        ),
        (b"shown=newsletter&topic=newsletter&save=topics", []),
        (b"shown=coupons&save=topics", [("fence", "coupons", "purpose"), ("inbox", "coupons", "purpose")]),
        (b"topic=newsletter&reach=all", [("fence", "newsletter", "all"), ("inbox", "newsletter", "all")]),
        (b"topic=invented&topic=newsletter&topic=coupons&save=topics", []),
    ],
)  # fmt: skip
def test_what_is_not_ticked_is_withdrawn(body: bytes, left: list[tuple[str, str, str]]) -> None:
    office = Office()
    answer = office.ask("POST", content=body, headers=FORM)
    assert (answer.status_code, office.left) == (200, left)


def test_saving_twice_is_one_event_and_another_day_another() -> None:
    office = Office()
    for _ in range(2):
        office.ask("POST", content=b"topic=coupons&save=topics", headers=FORM)
    assert len({one.event_id for _, one in office.written}) == 1
    office.now_us += DAY
    office.ask("POST", content=b"topic=coupons&save=topics", headers=FORM)
    assert len({one.event_id for _, one in office.written}) == 2


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/p/nonsense", b"", 404),
        ("GET", address(action="unsubscribe"), b"", 404),
        ("PUT", "", b"", 405),
        ("POST", "", b"topic=newsletter", 400),
        ("POST", "", b"nonsense", 400),
        ("POST", "", b"save=topics&" + b"topic=x&" * 200 + b"a=b", 400),
        ("POST", "", b"x" * 5000, 413),
    ],
)
def test_what_is_no_choice_changes_nothing(method: str, path: str, content: bytes, status: int) -> None:
    office = Office()
    answer = office.ask(method, path, content=content, headers=FORM)
    assert (answer.status_code, office.written) == (status, [])


def test_the_link_ages() -> None:
    office = Office()
    office.now_us = NOW + (PREFERENCES_LIFE_DAYS + 1) * DAY
    answer = office.ask("GET")
    assert answer.status_code == 404
    assert "gilt nicht mehr" in answer.text


@pytest.mark.parametrize("fails", ["topics", "fence", "inbox"])
def test_what_is_not_durable_is_not_acknowledged(fails: str) -> None:
    office = Office()
    office.fails = fails
    answer = office.ask("POST", content=b"save=topics", headers=FORM)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


def test_whoever_receives_nothing_is_told_so() -> None:
    answer = Office([]).ask("GET")
    assert "keine werblichen Nachrichten" in answer.text
    assert "<form" not in answer.text
