"""The status page while nothing is sent: after a backup was restored, and while the journal cannot be written."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from kundenkreis.channels.testing import SmtpSink
from tests.browser.eyes import Eyes, unsound
from tests.browser.served import START_SECONDS, Served
from tests.faults.stage import CUSTOMERS, story
from tests.faults.story_rulebook import RULEBOOK

STORE, JOURNAL = "kreis.db", "sent.journal"


@pytest.fixture(scope="module")
def sending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An installation that sends through a mail server, restored from a backup that is older than what it sent; one line of its journal is damaged."""
    folder = tmp_path_factory.mktemp("sending")
    with SmtpSink() as sink:
        mail = {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(sink.port),
            "SMTP_TLS": "none",
            "MAIL_FROM": "shop@example.org",
        }
        served = Served(folder, **{f"KREIS_{name}": value for name, value in mail.items()})
        served.start()
        served.command("apply", "--yes", str(RULEBOOK))
        _back_up(folder)
        served.send(*(message for request in story() for message in request))
        _wait(served, lambda: _handed_over(served) == CUSTOMERS)
        served.stop()
        _damage_a_line(folder / JOURNAL)
        _restore(folder)
        served.start()
        _wait(served, lambda: "sending_paused" in _held(served))
        yield served
        served.stop()


@pytest.fixture
def owner(sending: Served, chromium: Browser) -> Iterator[Eyes]:
    """The owner of that installation."""
    contexts: list[BrowserContext] = []

    def open_context(**options: Any) -> BrowserContext:
        contexts.append(chromium.new_context(base_url=sending.url, **options))
        return contexts[-1]

    page = open_context().new_page()
    page.goto(sending.command("login")["url"])
    page.click("main button.primary, main form button")
    page.wait_for_url(lambda url: "/login/" not in url)
    yield Eyes(open_context, page.context.storage_state())
    for context in contexts:
        context.close()


TOLD_ON = ("/start/", "/journeys/", "/messages/")


def test_a_person_lets_messages_go_out_again(sending: Served, owner: Eyes) -> None:
    for path in TOLD_ON:
        assert unsound(owner, path) == []
        page = owner.open().go(path)
        page.locator(".notice", has_text="No message goes out.").get_by_role("link").click()
        page.wait_for_url("**/status/")
    assert unsound(owner, "/status/") == []
    page = owner.open().go("/status/")
    notice = page.locator(".notice", has_text="restored from a backup")
    expect(notice).to_contain_text("9 messages had gone out that the database did not know of.")
    expect(notice).to_contain_text("1 line of the journal of sent messages cannot be read")
    notice.get_by_role("button", name="Let messages go out again").click()
    expect(page.locator(".toast")).to_contain_text("Messages go out again.")
    expect(notice).to_have_count(0)
    assert _held(sending) == []
    for path in TOLD_ON:
        page.goto(path)
        expect(page.locator(".notice.stop")).to_have_count(0)


def test_a_journal_that_cannot_be_written_is_told_until_it_can(sending: Served, owner: Eyes) -> None:
    if _held(sending):
        sending.command("resume")
    sending.stop()
    journal = sending.folder / JOURNAL
    journal.rename(sending.folder / "journal-kept")
    journal.mkdir()
    sending.start()
    sending.send(*(_renamed(message) for request in story() for message in request))
    _wait(sending, lambda: _held(sending) == ["sending_stopped"])
    assert unsound(owner, "/status/") == []
    page = owner.open().go("/status/")
    notice = page.locator(".notice", has_text="could not be noted")
    expect(notice).to_contain_text("Is a directory")
    journal.rmdir()
    (sending.folder / "journal-kept").rename(journal)
    _wait(sending, lambda: _held(sending) == [])
    page.reload()
    expect(notice).to_have_count(0)


def _renamed(message: dict[str, Any]) -> dict[str, Any]:
    """The same again as something new: another order, another confirmation."""
    properties = message.get("properties", {})
    order = {"order_id": f"{properties['order_id']}-again"} if "order_id" in properties else {}
    return {**message, "messageId": f"{message['messageId']}-again", "properties": {**properties, **order}}


def _back_up(folder: Path) -> None:
    with closing(sqlite3.connect(folder / STORE, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "backup"),))


def _restore(folder: Path) -> None:
    for tail in ("", "-wal", "-shm"):
        (folder / f"{STORE}{tail}").unlink(missing_ok=True)
    (folder / "backup").rename(folder / STORE)


def _damage_a_line(journal: Path) -> None:
    line = journal.read_bytes().split(b"\n")[5]
    journal.write_bytes(journal.read_bytes().replace(line, b"?" * len(line)))


def _handed_over(served: Served) -> int:
    return int(served.rows("SELECT count(*) FROM outbox WHERE state = 'accepted'")[0][0])


def _held(served: Served) -> list[str]:
    """What keeps messages from going out."""
    found = served.rows("SELECT name FROM meta WHERE name IN ('sending_paused', 'sending_stopped') ORDER BY name")
    return [name for (name,) in found]


def _wait(served: Served, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.1)
