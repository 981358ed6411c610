"""Link tokens: sealed, stable, and nothing in them to read or guess."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.channels.core.tokens import Scope, TokenKey, open_token
from kundenkreis.kernel.zones import DAY

pytestmark = pytest.mark.pure

KEY = TokenKey(b"geheim" * 8)
SCOPE = Scope("unsubscribe", 4711, b"m" * 16, "newsletter", "email", "de", 20_000)
LONG_AFTER = 20_000 * DAY * 3


def opened(token: str, *keys: TokenKey, action: str = "unsubscribe", at_us: int = LONG_AFTER) -> Scope | None:
    return open_token(token, keys or (KEY,), action=action, at_us=at_us)  # type: ignore[arg-type]


def test_a_token_opens_to_its_scope_for_ever() -> None:
    assert opened(KEY.seal(SCOPE)) == SCOPE
    assert KEY.seal(SCOPE) == KEY.seal(SCOPE)


def test_nothing_in_it_can_be_read() -> None:
    token = KEY.seal(SCOPE)
    raw = base64.urlsafe_b64decode(token + "==")
    for readable in (b"newsletter", b"email", b"unsub", (4711).to_bytes(2, "big"), b"mmmm"):
        assert readable not in raw
    assert token.isascii()
    assert set(token).isdisjoint("+/=@")
    assert len(token) < 120


def test_every_changed_octet_is_noticed() -> None:
    raw = base64.urlsafe_b64decode(KEY.seal(SCOPE) + "==")
    for index in range(len(raw)):
        altered = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
        assert opened(base64.urlsafe_b64encode(altered).rstrip(b"=").decode()) is None


def test_neighbours_share_nothing() -> None:
    one = KEY.seal(SCOPE)
    two = KEY.seal(Scope("unsubscribe", 4712, b"m" * 16, "newsletter", "email", "de", 20_000))
    assert one[:20] != two[:20]
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 20


@given(
    st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
)
def test_garbage_opens_to_nothing(token: str) -> None:
    assert opened(token) is None


@pytest.mark.parametrize("token", ["", "a", "A" * 5000, "ä", "../..", KEY.seal(SCOPE) + "A", KEY.seal(SCOPE)[:-1]])
def test_what_is_no_token_opens_to_nothing(token: str) -> None:
    assert opened(token) is None


def test_a_token_is_good_for_its_action_only() -> None:
    assert opened(KEY.seal(SCOPE), action="preferences") is None


def test_preferences_age_and_unsubscribing_does_not() -> None:
    token = KEY.seal(Scope("preferences", 1, b"", "", "email", "de", 20_000))
    assert opened(token, action="preferences", at_us=20_030 * DAY) is not None
    assert opened(token, action="preferences", at_us=20_031 * DAY) is None


def test_secrets_can_be_changed_without_breaking_old_mails() -> None:
    new = TokenKey(b"neu" * 10)
    assert opened(KEY.seal(SCOPE), new, KEY) == SCOPE
    assert opened(KEY.seal(SCOPE), new) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 octets"):
        TokenKey(b"kurz")
