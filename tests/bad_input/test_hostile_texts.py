"""Every hostile text as name, trait, trait name, event name and property: from the request to the finished mail (A1, A2, A26, A50)."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kundenkreis.channels.mailbox import unpack_body
from tests.bad_input.echo import CONTENT, JOURNEY, rulebook_with
from tests.privacy.company import Company

pytestmark = pytest.mark.db

TEXTS: list[str] = json.loads((Path(__file__).parents[1] / "data" / "hostile_texts.json").read_text())
MORE = [
    "{{7*7}}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{% for i in (1..1000000000) %}x{% endfor %}", "${7*7}", "#{7*7}", "<%= 7*7 %>",
    "%db_password%", '{{ env "DB" }}', "A\r\nBcc: boese@example.com", "A\nSubject: x", "A\u2028Bcc: x@y.example", "A\x85Bcc: x", "=?utf-8?q?=0D=0ABcc:_x?=",
    "\u202eevil\u202c", "a\u0301" * 500, "e\u0301", "\u200b" * 50, "👩‍👩‍👧‍👦" * 200, "\ud83d", "x" * 20_000, "\x1b[31mred\x1b[0m", "\n.\r\nMAIL FROM:<x@y>",
]  # fmt: skip
HEADERS = {
    "from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted", "reply-to", "content-transfer-encoding",
    "x-auto-response-suppress", "content-language", "feedback-id",
}  # fmt: skip


class Tags(HTMLParser):
    """Which elements and attributes a page really has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.found.update(name for name, _ in attrs)


def test_every_text_reaches_a_mail_as_nothing_but_text(found: Callable[..., Company]) -> None:
    company = found(rulebook=rulebook_with(CONTENT, JOURNEY))
    texts = [*TEXTS, *MORE]
    for number, text in enumerate(texts):
        user = {"userId": f"u-{number}"}
        traits = {
            "firstName": text,
            "lastName": text,
            "title": text,
            "email": f"u{number}@example.com",
            text[:64]: text,
        }
        company.post(
            {"type": "identify", **user, "traits": traits}, {"event": text, **user, "properties": {text: text}}
        )
        company.post({"event": "Echo Wanted", **user, "properties": {"title": text, text: [text, {text: text}]}})
    company.run()
    assert company.rows("SELECT * FROM quarantined_customers") == []
    refused = {row[0] for row in company.rows("SELECT DISTINCT code FROM quarantined_events")}
    assert refused <= {
        "no_name",
        "bad_name",
        "nul_character",
        "bad_json",
        "missing_property",
        "event_too_large",
        "too_deep",
    }
    company.send()
    fates: dict[str, int] = dict(company.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
    mails = company.rows("SELECT profile_id, subject, headers, body FROM mailbox")
    assert len(mails) == fates.pop("accepted")
    assert fates == {}
    assert len(mails) >= len(texts) - 5  # what was refused above never became an event
    everything = set()
    for _, subject, headers, body in mails:
        names = [name.casefold() for name in json.loads(headers)]
        everything.update(names)
        assert len(names) == len(set(names))
        assert not set("\r\n\0\x85\u2028\u2029") & set(subject)
        _, html = unpack_body(bytes(body))
        tags = Tags()
        tags.feed(html)
        assert tags.found <= {"html", "body", "p", "title", "div", "style"}
    assert everything <= HEADERS
