"""What every mailbox must do that the pages are given: a class of tests to inherit from, with a `make` fixture."""

from collections.abc import Callable, Iterable

import pytest

from kundenkreis.site.ports.messages import Mailbox, Message
from kundenkreis.site.testing import make_message

MakeMailbox = Callable[[Iterable[Message]], Mailbox]
"""Makes a mailbox that holds these messages."""

LETTERS = [
    make_message(f"{n:032x}", subject=subject, recipient=recipient, at_us=1_000 * n)
    for n, (subject, recipient) in enumerate(
        [("Welcome", "anna@example.com"), ("Welcome", "emre@example.com"), ("100% wool_x", "anna@example.com")] * 7
    )
]
TWINS = [make_message(f"{n:032x}", at_us=5_000) for n in range(9)]
"""Handed over at the same instant."""


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


class MailboxContract:
    """Inherit and provide the fixture `make`."""

    def test_pages_hold_everything_once_newest_first(self, make: MakeMailbox) -> None:
        mailbox = make(LETTERS)
        for limit in (1, 7, 20, 21, 22):
            assert walk(mailbox, "", limit) == ids(reversed(LETTERS))
        assert mailbox.search_messages("", cursor="", limit=5).total == 21

    def test_messages_of_one_instant_are_each_shown_once(self, make: MakeMailbox) -> None:
        mailbox = make(TWINS)
        assert sorted(walk(mailbox, "", 2)) == ids(TWINS)

    def test_every_word_must_match_whatever_its_case(self, make: MakeMailbox) -> None:
        mailbox = make(LETTERS)
        assert walk(mailbox, "WELCOME anna", 4) == ids(reversed(LETTERS[0::3]))
        assert mailbox.search_messages("welcome", cursor="", limit=3).total == 14

    def test_case_of_letters_beyond_ascii_does_not_matter(self, make: MakeMailbox) -> None:
        mailbox = make([make_message("0a" * 16, subject="ÜBER Käthe")])
        for query in ("über", "KÄTHE"):
            assert walk(mailbox, query, 5) == ["0a" * 16]

    @pytest.mark.parametrize("query", ["100%", "wool_x"])
    def test_signs_of_query_languages_are_letters(self, make: MakeMailbox, query: str) -> None:
        assert walk(make(LETTERS), query, 10) == ids(reversed(LETTERS[2::3]))

    @pytest.mark.parametrize("query", ["%", "_", "'", "\\", "!", "a" * 200])
    def test_no_query_breaks_it(self, make: MakeMailbox, query: str) -> None:
        expected = [one for one in reversed(LETTERS) if query in f"{one.line.recipient} {one.line.subject}"]
        assert walk(make(LETTERS), query, 10) == ids(expected)

    @pytest.mark.parametrize(
        "cursor", ["x", "-1", "1.", "99999999999999999999999", "99999999999999999999.00", "\u00b2.00"]
    )
    def test_foreign_cursor_is_no_error(self, make: MakeMailbox, cursor: str) -> None:
        assert make(LETTERS).search_messages("", cursor=cursor, limit=5).total == 21

    def test_one_message_or_none(self, make: MakeMailbox) -> None:
        mailbox = make(LETTERS)
        found, stored = mailbox.find_message(LETTERS[3].line.message_id), LETTERS[3]
        assert found is not None
        assert (found.line.subject, found.line.recipient, found.line.at_us) == ("Welcome", "anna@example.com", 3_000)
        assert (found.sender, found.text, found.html) == (stored.sender, stored.text, stored.html)
        assert (found.headers, found.verdicts) == (stored.headers, stored.verdicts)
        for unknown in ("f" * 32, "", "0", "no hexadecimal", "é"):
            assert mailbox.find_message(unknown) is None
