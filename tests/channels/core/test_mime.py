"""Mail as bytes: equal to what mail programs read back, and nothing in it that data brought along."""

import base64
import email
import email.message
import email.policy
import json
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.channels.core.addresses import Address, parse_address
from kundenkreis.channels.core.dkim import DkimKey, dkim_signed, load_dkim_key
from kundenkreis.channels.core.mime import Mail, build, date_text, encoded_words, mailbox, message_id_of, unstructured
from kundenkreis.channels.errors import DkimKeyError, HeaderRefusedError, SenderAddressError

pytestmark = pytest.mark.pure

EFFECT = b"0123456789abcdef"
KEY = b"k" * 32
MARKETING_HEADERS = [
    "Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Language", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Id", "X-Auto-Response-Suppress", "Feedback-ID", "Content-Type",
]  # fmt: skip


def written(**changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "effect_id": EFFECT,
        "at_us": 1_795_255_200_000_000,
        "message_class": "marketing",
        "from_address": "post@muster.example",
        "from_name": "Muster GmbH",
        "to_address": "anna@kunde.example",
        "to_name": "Anna Beispiel",
        "subject": "Hallo Anna",
        "text": "Guten Tag\n",
        "html": "<p>Guten Tag</p>\n",
        "message_id": message_id_of(KEY, EFFECT, "muster.example"),
        "unsubscribe_url": "https://post.muster.example/u/abc",
        "unsubscribe_mailto": "mailto:ab+abc@muster.example",
        "list_id": "newsletter.muster.example",
        "feedback_id": "welcome:newsletter:muster",
    }
    mail = Mail(**(fields | changes))
    to = parse_address(mail.to_address)
    assert isinstance(to, Address)
    return build(mail, to=to)


def read(data: bytes) -> email.message.EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, email.message.EmailMessage)
    assert message.defects == []
    return message


def body_of(message: email.message.EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_marketing_mail_reads_back_as_written() -> None:
    message = read(written())
    assert message.keys() == MARKETING_HEADERS
    assert message["Date"] == "Sat, 21 Nov 2026 10:00:00 +0000"
    assert message["From"] == "Muster GmbH <post@muster.example>"
    assert message["To"] == "Anna Beispiel <anna@kunde.example>"
    assert message["List-Unsubscribe"] == "<https://post.muster.example/u/abc>, <mailto:ab+abc@muster.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "<newsletter.muster.example>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (body_of(message, "plain"), body_of(message, "html")) == ("Guten Tag\n", "<p>Guten Tag</p>\n")


def test_a_transactional_mail_has_no_way_to_unsubscribe_and_says_it_is_automatic() -> None:
    message = read(written(message_class="transactional", reply_to="hilfe@muster.example", html=""))
    assert message.keys() == [
        "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "MIME-Version", "Content-Language", "Auto-Submitted",
        "X-Auto-Response-Suppress", "Feedback-ID", "Content-Type", "Content-Transfer-Encoding",
    ]  # fmt: skip
    assert (message["Auto-Submitted"], message["Reply-To"]) == ("auto-generated", "hilfe@muster.example")


@pytest.mark.parametrize(
    ("url", "one_click"),
    [
        ("https://post.muster.example/u/abc", True),
        ("http://127.0.0.1:8000/u/abc", True),
        ("http://localhost/u/abc", True),
        ("http://post.muster.example/u/abc", False),
        ("http://localhost.boese.example/u/abc", False),
    ],
)
def test_one_click_is_offered_over_https_only(url: str, one_click: bool) -> None:
    message = read(written(unsubscribe_url=url, unsubscribe_mailto=""))
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert ("List-Unsubscribe-Post" in message) == one_click


def test_the_message_id_is_stable_and_tells_nothing() -> None:
    first = message_id_of(KEY, EFFECT, "muster.example")
    assert first == message_id_of(KEY, EFFECT, "muster.example")
    assert first != message_id_of(KEY, EFFECT[::-1], "muster.example")
    assert first != message_id_of(b"x" * 32, EFFECT, "muster.example")
    assert EFFECT.hex() not in first
    assert len(first.split("@")[0]) == 32
    assert written() == written()


@pytest.mark.parametrize(
    "hostile",
    [
        "A\r\nBcc: x@y",
        "A\nBcc: x@y",
        "A\rBcc: x@y",
        "A\u2028Bcc: x@y",
        "A\x85Bcc: x@y",
        "A\x00\x0b\x0cBcc: x@y",
        "=?utf-8?q?A=0D=0ABcc:_x@y?=",
        '"A" <x@y>, "B"',
        "A\ud800B",
        "ä" * 2000,
        "x" * 2000,
        "🎉" * 300,
        "A\t\tB \r\n C",
        "\u202eA\u200b",
        ".",
    ],
)
@pytest.mark.parametrize("field", ["subject", "to_name", "from_name", "text", "html"])
def test_hostile_values_add_no_header_and_break_no_line(field: str, hostile: str) -> None:
    data = written(**{field: hostile})
    message = read(data)
    assert message.keys() == MARKETING_HEADERS
    assert "Bcc" not in message
    assert len(message["To"].addresses) == len(message["From"].addresses) == 1
    assert message["To"].addresses[0].addr_spec == "anna@kunde.example"
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def test_naughty_strings_in_every_field_change_no_structure() -> None:
    texts = json.loads((Path(__file__).parents[2] / "data" / "hostile_texts.json").read_text("utf-8"))
    assert len(texts) > 500
    for hostile in texts:
        data = written(subject=hostile, to_name=hostile, from_name=hostile, text=hostile, html=f"<p>{hostile}</p>")
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert message.keys() == MARKETING_HEADERS
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert max(map(len, data.split(b"\r\n"))) <= 998
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


@given(st.text(max_size=300))
def test_subjects_read_back(subject: str) -> None:
    shown = " ".join("".join(c if c.isprintable() or c in "\xad" or ord(c) > 0x2029 else " " for c in subject).split())
    raw = b"Subject: " + unstructured(subject).encode("ascii") + b"\r\n\r\n"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed.keys() == ["Subject"]
    if shown.isascii() and shown.isprintable():
        assert parsed["Subject"] == shown[:900].strip()


@pytest.mark.parametrize(
    "text", ["Grüße aus München", "日本語の件名" * 20, "🎉 Überraschung 🎁" * 10, "ä" * 100, "a=b?c_d ü"]
)
def test_encoded_words_decode_to_the_text(text: str) -> None:
    encoded = encoded_words(text)
    assert all(len(word) <= 75 for word in encoded.split("\r\n "))
    raw = b"Subject: " + encoded.encode("ascii") + b"\r\n\r\n"
    assert email.message_from_bytes(raw, policy=email.policy.default)["Subject"] == text


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=400))
def test_bodies_read_back(text: str) -> None:
    wanted = text.replace("\x00", "")
    for end in ("\r\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"):
        wanted = wanted.replace(end, "\n")
    data = written(text=text, html="")
    assert max(map(len, data.split(b"\r\n"))) <= 80
    part = email.message_from_bytes(data, policy=email.policy.default)
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode("utf-8").replace("\r\n", "\n") == (wanted if wanted.endswith("\n") else wanted + "\n")


def test_a_body_cannot_end_its_part() -> None:
    boundary = read(written()).get_boundary()
    text = f"--{boundary}\n\n--{boundary}--\nContent-Type: text/html\n\n<b>x</b>\n"
    message = read(written(text=text))
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert body_of(message, "plain") == text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "<a@b.example>"),
        ("Anna Beispiel", "Anna Beispiel <a@b.example>"),
        ('Dr. "A" O\\Neil', '"Dr. \\"A\\" O\\\\Neil" <a@b.example>'),
        ("Beispiel, Anna", '"Beispiel, Anna" <a@b.example>'),
        ("Änne", "=?utf-8?B?w4RubmU=?=\r\n <a@b.example>"),
        ("Jörg Schmidt", "=?utf-8?Q?J=C3=B6rg_Schmidt?=\r\n <a@b.example>"),
    ],
)
def test_names_beside_addresses(name: str, expected: str) -> None:
    assert mailbox(name, "a@b.example") == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"unsubscribe_url": "https://x.example/u/a>\r\nBcc: x@y"},
        {"unsubscribe_url": "https://x.example/u/a b"},
        {"unsubscribe_url": "javascript:x"},
        {"unsubscribe_mailto": "mailto:a b@c"},
        {"message_id": "a\r\nBcc: x@y"},
    ],
)
def test_settings_are_refused_not_cleaned(changes: dict[str, str]) -> None:
    with pytest.raises(HeaderRefusedError):
        written(**changes)


@pytest.mark.parametrize("changes", [{"from_address": "nobody"}, {"reply_to": "a@b\r\nBcc: x@y.example"}])
def test_a_sender_that_is_none_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(SenderAddressError):
        written(**changes)


def test_dates_do_not_depend_on_the_machine() -> None:
    assert date_text(0) == "Thu, 01 Jan 1970 00:00:00 +0000"
    assert date_text(2_147_483_648_000_000) == "Tue, 19 Jan 2038 03:14:08 +0000"


@pytest.fixture(scope="module")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def public_record(key: rsa.RSAPrivateKey) -> bytes:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"html": ""},
        {"message_class": "transactional"},
        {"subject": "Grüße " * 40, "text": "x\n\n\n\n"},
        {"text": ".\n..\n" + "ü" * 500},
    ],
)
def test_signatures_are_verified_by_an_independent_library(
    signing_key: rsa.RSAPrivateKey, changes: dict[str, str]
) -> None:
    pem = signing_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = load_dkim_key("muster.example", "s1", pem)
    signed = dkim_signed(written(**changes), key, at_us=1_795_255_200_000_000)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"s1._domainkey.muster.example."
        return public_record(signing_key)

    assert dkim.verify(signed, dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"Hallo", b"Hullo").replace(b"Subject: =", b"Subject: x="), dnsfunc=dns)
    assert not dkim.verify(b"From: <boese@x.example>\r\n" + signed, dnsfunc=dns)
    head = signed[: signed.index(b"\r\nDate:")].replace(b"\r\n ", b"")
    if changes.get("message_class") != "transactional":
        assert b"list-unsubscribe:list-unsubscribe-post" in head


def test_dkim_takes_rsa_only(signing_key: rsa.RSAPrivateKey) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    locked = signing_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for pem in (other, locked, b"no key", b""):
        with pytest.raises(DkimKeyError, match="openssl genrsa"):
            load_dkim_key("muster.example", "s1", pem)
    assert DkimKey("muster.example", "s1", signing_key).domain == "muster.example"
