"""One contract for every channel of the registry, and for one that a stranger might write."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import dkim
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kundenkreis.channels import registry
from kundenkreis.channels.core.channel import Brand, Channel, Handover, Links, NotPrepared, Prepared, Recipient
from kundenkreis.channels.core.email import PreparedEmail, prepare_email, variables_of
from kundenkreis.channels.core.outcomes import Fenced, Outcome, Sent
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpSettings
from kundenkreis.channels.mailbox import MailboxChannel, pack_body, unpack_body
from kundenkreis.channels.registry import CHANNELS, channel_type
from kundenkreis.channels.testing import SmtpSink, no_point
from kundenkreis.content.core.source import ContentSource, Variant
from kundenkreis.content.core.templates import ALWAYS, compile_content
from kundenkreis.runtime.dispatching import brand_of, default_channels
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings
from tests.channels.company import CONTENTS, NOW, message_of

pytestmark = pytest.mark.e2e


class PostcardChannel:
    """A channel made for this test: one class, one line in the registry."""

    id = "postcard"
    serves = "letter"
    printed: ClassVar[list[str]] = []

    def render(self, handover: Handover) -> Prepared | NotPrepared:
        if not handover.recipient.address:
            return NotPrepared("no_address", "nobody knows where this person lives", withheld=True)
        return Prepared(handover.message.effect_id, "", "de", f"An {handover.recipient.address}")

    def open(self) -> "PostcardChannel":
        return self

    def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
        if not before_handover():
            return Fenced()
        self.printed.append(prepared.payload)
        return Sent()

    def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""


ALL = (*CHANNELS, PostcardChannel)


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as server:
        yield server


@pytest.fixture(params=ALL, ids=lambda channel: channel.id)
def channel(request: pytest.FixtureRequest, sink: SmtpSink) -> Channel:
    PostcardChannel.printed.clear()
    built: dict[str, Callable[[], Channel]] = {
        "mailbox": MailboxChannel,
        "email_smtp": lambda: SmtpChannel(
            SmtpSettings(host="127.0.0.1", port=sink.port), point=no_point, monotonic=time.monotonic
        ),
        "postcard": PostcardChannel,
    }
    return built[request.param.id]()


def handover(brand: Brand, links: Links, *, address: str = "anna@kunde.example", content: str = "news") -> Handover:
    message_class = CONTENTS[content].message_class
    person = Recipient(profile_id=1, address=address, name="Anna", language="de", attributes={"first_name": "Anna"})
    message = message_of(1, content_id=content, message_class=message_class)
    return Handover(message, person, CONTENTS[content], brand, links, NOW)


def arrived(channel: Channel, outcome: Outcome, sink: SmtpSink) -> int:
    rows = int(isinstance(outcome, Sent) and outcome.row is not None)
    return rows + sink.count + len(PostcardChannel.printed)


def test_ids_are_unique_and_found() -> None:
    assert [channel_type(channel.id) for channel in CHANNELS] == list(CHANNELS)
    assert len({channel.id for channel in CHANNELS}) == len(CHANNELS)
    assert channel_type("nope") is None


def test_a_channel_is_one_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "CHANNELS", (*CHANNELS, PostcardChannel))
    assert registry.channel_type("postcard") is PostcardChannel


def test_rendering_is_pure(channel: Channel, brand: Brand, links: Links) -> None:
    first, second = (channel.render(handover(brand, links)) for _ in range(2))
    assert isinstance(first, Prepared)
    assert first == second
    assert first.effect_id == message_of(1).effect_id


def test_a_person_without_address_is_a_value(channel: Channel, brand: Brand, links: Links) -> None:
    outcome = channel.render(handover(brand, links, address=""))
    assert isinstance(outcome, NotPrepared)
    assert (outcome.reason, outcome.withheld) == ("no_address", True)


def test_a_hand_over_arrives_once(channel: Channel, brand: Brand, links: Links, sink: SmtpSink) -> None:
    prepared = channel.render(handover(brand, links))
    assert isinstance(prepared, Prepared)
    session = channel.open()
    asked: list[int] = []
    outcome = session.deliver(prepared, before_handover=lambda: not asked.append(1))  # type: ignore[func-returns-value]
    session.close()
    assert isinstance(outcome, Sent)
    assert arrived(channel, outcome, sink) == 1
    assert len(asked) == (0 if outcome.row is not None else 1)


def test_a_fence_is_obeyed_or_left_to_the_transaction(
    channel: Channel, brand: Brand, links: Links, sink: SmtpSink
) -> None:
    prepared = channel.render(handover(brand, links))
    assert isinstance(prepared, Prepared)
    session = channel.open()
    outcome = session.deliver(prepared, before_handover=lambda: False)
    session.close()
    if isinstance(outcome, Sent):
        assert outcome.row is not None
        assert sink.count == 0
    else:
        assert (outcome, arrived(channel, outcome, sink)) == (Fenced(), 0)


@pytest.mark.parametrize("bounce_address", ["", "ruecklauf@mail.müller.example"])
def test_a_brand_with_an_umlaut_in_its_domain_sends(
    channel: Channel, links: Links, sink: SmtpSink, bounce_address: str
) -> None:
    if bounce_address and isinstance(channel, SmtpChannel):
        server = SmtpSettings(host="127.0.0.1", port=sink.port)
        channel = SmtpChannel(server, point=no_point, monotonic=time.monotonic, bounce_address=bounce_address)
    body = {"name": "Müller", "sender_address": "post@müller.example", "imprint": {"de": "Müller, Ort"}}
    prepared = channel.render(handover(brand_of(body, Settings()), links))
    assert isinstance(prepared, Prepared)
    session = channel.open()
    outcome = session.deliver(prepared, before_handover=lambda: True)
    session.close()
    assert isinstance(outcome, Sent)
    assert arrived(channel, outcome, sink) == 1
    assert all(mail.envelope_from.endswith("xn--mller-kva.example") for mail in sink.committed)


def test_closing_twice_is_closing_once(channel: Channel) -> None:
    session = channel.open()
    session.close()
    session.close()
    session.abort()


@pytest.mark.parametrize(
    ("text", "html"), [("a", "b"), ("", ""), ("ä\n" * 5000, "<p>ä</p>" * 5000), ("a\x00b", "c\x00")]
)
def test_bodies_are_small_and_come_back(text: str, html: str) -> None:
    packed = pack_body(text, html)
    assert unpack_body(packed) == (text.replace("\x00", ""), html.replace("\x00", ""))
    assert len(packed) < 200


def test_every_message_finds_what_templates_are_offered(brand: Brand, links: Links) -> None:
    found = variables_of(handover(brand, links), "de", "https://post.example/u/1")
    assert {root: set(names) - set(found[root]) for root, names in ALWAYS.items()} == {root: set() for root in ALWAYS}


@pytest.mark.parametrize(
    ("variants", "language", "form", "greeting"),
    [
        (["de", "de/du", "en"], "de", "", "Guten Tag Anna Muster"),
        (["de", "de/du", "en"], "de", "du", "Hallo Anna"),
        (["de", "en"], "de", "du", "Guten Tag Anna Muster"),
        (["de/du"], "de", "", "Hallo Anna"),
        (["de", "en"], "en-GB", "", "Hello Anna Muster"),
        (["de"], "en", "", "Guten Tag Anna Muster"),
        (["en"], "", "", "Hello Anna Muster"),
        (["en"], "fr", "", "Hello Anna Muster"),
        (["en"], "en", "du", "Hello Anna"),
    ],
)
def test_the_greeting_speaks_as_the_text_below_it(
    brand: Brand, links: Links, variants: list[str], language: str, form: str, greeting: str
) -> None:
    texts = {key: Variant(subject="S", text="{{ customer.greeting }}") for key in variants}
    source = ContentSource(
        id="letter", message_class="service", value="x", call_to_action="none", variants=texts,
        default_language=variants[0].partition("/")[0],
    )  # fmt: skip
    person = Recipient(
        profile_id=1, address="anna@kunde.example", name="Anna Muster", language=language, form_of_address=form,
        attributes={"first_name": "Anna", "greeting": "as the person would be greeted"},
    )  # fmt: skip
    message = message_of(1, content_id="letter", message_class="service")
    prepared = prepare_email(Handover(message, person, compile_content(source), brand, links, NOW))
    assert isinstance(prepared, PreparedEmail)
    assert prepared.rendered.text == greeting


def test_the_imprint_is_in_the_language_of_the_mail(links: Links) -> None:
    imprints = {"de": "Muster GmbH, Berlin", "en": "Muster GmbH, Berlin, Germany"}
    brand = brand_of({"name": "Muster", "language": "de", "imprint": imprints}, Settings())
    for language, imprint in (("de-AT", imprints["de"]), ("en-GB", imprints["en"]), ("fr", imprints["de"])):
        held = handover(brand, links)
        person = msgspec.structs.replace(held.recipient, language=language)
        prepared = prepare_email(msgspec.structs.replace(held, recipient=person))
        assert isinstance(prepared, PreparedEmail)
        assert prepared.rendered.text.endswith(f"\n{imprint}")


def test_where_it_goes_is_said_as_the_record_spells_it(channel: Channel, brand: Brand, links: Links) -> None:
    """A refusal ends the address in the person's record, where a domain with an umlaut is not written as on the wire."""
    prepared = channel.render(handover(brand, links, address="anna@müller.example"))
    assert isinstance(prepared, Prepared)
    assert prepared.address in ("", "anna@müller.example")


def test_a_mail_is_signed_with_the_key_of_the_settings(brand: Brand, links: Links, tmp_path: Path) -> None:
    """The channel as a sender makes it."""
    file = tmp_path / "dkim.pem"
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    file.write_bytes(private.private_bytes(*pem))
    settings = Settings(
        data_dir=tmp_path / "data", smtp_host="127.0.0.1", mail_from="shop@muster.example", dkim_key_file=str(file),
        dkim_selector="s1",
    )  # fmt: skip
    with closing(Installation(settings)) as installation:
        prepared = default_channels(installation)["email"].render(handover(brand, links))
    assert isinstance(prepared, Prepared)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    names = {b"s1._domainkey.muster.example.": record}
    assert dkim.verify(prepared.payload.data, dnsfunc=lambda name, timeout=5: names[name])
