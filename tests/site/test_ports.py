"""What every mailbox must do that the pages are given. Add a maker to MAKERS to hold another one to it."""

from collections.abc import Callable, Iterable

import pytest

from kundenkreis.site.ports import Mailbox, Message
from kundenkreis.site.testing import MailboxInMemory, make_message

pytestmark = pytest.mark.pure

MakeMailbox = Callable[[Iterable[Message]], Mailbox]
MAKERS: tuple[MakeMailbox, ...] = (MailboxInMemory,)
"""Each makes a mailbox that holds these messages."""

LETTERS = [
    make_message(f"{n:032x}", subject=subject, recipient=recipient, at_us=1_000 * n)
    for n, (subject, recipient) in enumerate(
        [("Welcome", "anna@example.com"), ("Welcome", "emre@example.com"), ("100% wool_x", "anna@example.com")] * 7
    )
]


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> MakeMailbox:
    maker: MakeMailbox = request.param
    return maker


def ids(messages: Iterable[Message]) -> list[str]:
    return [message.line.message_id for message in messages]


def walk(mailbox: Mailbox, query: str, limit: int) -> list[str]:
    """Every message found, page by page."""
    found, cursor = list[str](), ""
    while True:
        page = mailbox.search_messages(query, cursor=cursor, limit=limit)
        assert len(page.lines) <= limit
        found += [line.message_id for line in page.lines]
        if not page.next_cursor:
            return found
        cursor = page.next_cursor


def test_pages_hold_everything_once_newest_first(make: MakeMailbox) -> None:
    mailbox = make(LETTERS)
    for limit in (1, 7, 20, 21, 22):
        assert walk(mailbox, "", limit) == ids(reversed(LETTERS))
    assert mailbox.search_messages("", cursor="", limit=5).total == 21


def test_every_word_must_match_whatever_its_case(make: MakeMailbox) -> None:
    mailbox = make(LETTERS)
    assert walk(mailbox, "WELCOME anna", 4) == ids(reversed(LETTERS[0::3]))
    assert mailbox.search_messages("welcome", cursor="", limit=3).total == 14


@pytest.mark.parametrize("query", ["100%", "wool_x"])
def test_signs_of_query_languages_are_letters(make: MakeMailbox, query: str) -> None:
    assert walk(make(LETTERS), query, 10) == ids(reversed(LETTERS[2::3]))


@pytest.mark.parametrize("query", ["%", "_", "'", "\\", "\x00", "a" * 200])
def test_no_query_breaks_it(make: MakeMailbox, query: str) -> None:
    expected = [m for m in reversed(LETTERS) if query in f"{m.line.recipient} {m.line.subject}"]
    assert walk(make(LETTERS), query, 10) == ids(expected)


@pytest.mark.parametrize("cursor", ["x", "-1", "99999999999999999999999", "'; drop table mailbox"])
def test_foreign_cursor_is_no_error(make: MakeMailbox, cursor: str) -> None:
    assert make(LETTERS).search_messages("", cursor=cursor, limit=5).total == 21


def test_one_message_or_none(make: MakeMailbox) -> None:
    mailbox = make(LETTERS)
    assert mailbox.find_message(LETTERS[3].line.message_id) == LETTERS[3]
    for unknown in ("f" * 32, "", "0", "no hexadecimal", "é"):
        assert mailbox.find_message(unknown) is None
