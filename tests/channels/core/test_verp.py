"""Envelope senders name their message, and only genuine ones do."""

import pytest

from kundenkreis.channels.core.addresses import Address, parse_address
from kundenkreis.channels.core.verp import LOCAL_PART_LIMIT, envelope_sender, messages_named
from kundenkreis.settings import LONGEST_BOUNCE_LOCAL_PART

pytestmark = pytest.mark.pure

KEY = b"k" * 32
ONE, OTHER = bytes(range(16)), b"\xff" * 16
BASE = "bounces@mail.muster.example"


def test_an_envelope_sender_is_found_in_any_header_and_any_case() -> None:
    one, other = envelope_sender(KEY, ONE, BASE), envelope_sender(KEY, OTHER, BASE)
    raw = f"To: <{one.upper()}>\r\nSubject: x\r\n\r\nReturn-Path: <{other}>\r\n{one}".encode()
    assert messages_named(KEY, raw) == [ONE, OTHER]


def test_whatever_is_altered_or_of_another_installation_names_nothing() -> None:
    sender = envelope_sender(KEY, ONE, BASE)
    at = sender.index("+") + 1
    for place in (at, at + 25, at + 26, at + 41):
        wrong = sender[:place] + ("a" if sender[place] != "a" else "b") + sender[place + 1 :]
        assert messages_named(KEY, wrong.encode()) == []
    assert messages_named(b"other" * 8, sender.encode()) == []
    assert messages_named(KEY, sender.replace("+", "-").encode()) == []


def test_the_longest_bounce_address_still_fits_an_envelope() -> None:
    assert LOCAL_PART_LIMIT == LONGEST_BOUNCE_LOCAL_PART
    fits = parse_address(envelope_sender(KEY, ONE, "b" * LOCAL_PART_LIMIT + "@mail.example"))
    assert isinstance(fits, Address)
    assert len(fits.wire.partition("@")[0]) == 64
