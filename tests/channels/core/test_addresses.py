"""Which addresses go onto the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.channels.core.addresses import Address, Undeliverable, parse_address

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("anna@muster.example", "anna@muster.example"),
        (" Anna.Beispiel+x@Muster.Example ", "Anna.Beispiel+x@muster.example"),
        ("o'neil@muster.example", "o'neil@muster.example"),
        ("a@Müller.example", "a@xn--mller-kva.example"),
        ("a@xn--mller-kva.example", "a@xn--mller-kva.example"),
        ("a@pаypal.example", "a@xn--pypal-4ve.example"),
        ("a" * 64 + "@b.example", "a" * 64 + "@b.example"),
    ],
)
def test_deliverable(text: str, wire: str) -> None:
    parsed = parse_address(text)
    assert isinstance(parsed, Address)
    assert (parsed.wire, parsed.original, parsed.key) == (wire, text.strip(), wire.lower())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "syntax"),
        ("anna", "syntax"),
        ("@b.example", "syntax"),
        ("a@", "syntax"),
        ("a b@c.example", "syntax"),
        ('"quoted "@x.example', "syntax"),
        ("a..b@c.example", "syntax"),
        (".a@c.example", "syntax"),
        ("a\r\n@c.example", "syntax"),
        ("a\x00@c.example", "syntax"),
        ("a@b> SIZE=1 RCPT TO:<x", "domain"),
        ("a@b.example\r\nRCPT TO:<x@y.example>", "syntax"),
        ("a@b@c.example", "syntax"),
        ("a@[127.0.0.1]", "literal"),
        ("a@127.0.0.1", "domain"),
        ("a@localhost", "domain"),
        ("a@mail.internal", "domain"),
        ("a@-x.example", "domain"),
        ("a@x_y.example", "domain"),
        ("a@b.example.", "domain"),
        ("a@xn--\u0663.example", "domain"),
        ("a" * 65 + "@b.example", "length"),
        ("a@" + "b" * 64 + ".example", "domain"),
        ("a@" + "b." * 130 + "example", "length"),
        ("a" * 60 + "@" + "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + ".de.example.example", "length"),
        ("ännä@b.example", "utf8"),
        ("用户@例え.jp", "utf8"),
        ("a\u202e@b.example", "syntax"),
        ("a\u200b@b.example", "syntax"),
    ],
)
def test_undeliverable_with_its_reason(text: str, reason: str) -> None:
    parsed = parse_address(text)
    assert isinstance(parsed, Undeliverable), parsed
    assert parsed.reason == f"undeliverable_{reason}"


@given(st.text(max_size=80))
def test_whatever_comes_out_is_one_safe_word(text: str) -> None:
    parsed = parse_address(text)
    if isinstance(parsed, Address):
        assert parsed.wire.isascii()
        assert parsed.wire.isprintable()
        assert set(parsed.wire).isdisjoint(' <>()[],;:\\"\r\n')
        assert parsed.wire.count("@") == 1
        again = parse_address(parsed.wire)
        assert isinstance(again, Address)
        assert again.wire == parsed.wire


@given(st.from_regex(r"[a-z0-9.+_-]{1,70}@[a-z0-9.-]{1,80}", fullmatch=True))
def test_near_addresses_never_raise(text: str) -> None:
    assert isinstance(parse_address(text), Address | Undeliverable)
