"""Signed user ids (attack A16, A22)."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core.identity_token import identity_token, is_proved

pytestmark = pytest.mark.pure


def test_token_is_plain_hmac_so_that_any_language_can_make_it() -> None:
    assert identity_token("u-1", "secret") == hmac.new(b"secret", b"u-1", hashlib.sha256).hexdigest()


def test_known_vector_of_rfc_4231() -> None:
    assert (
        identity_token("what do ya want for nothing?", "Jefe")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@given(st.text(), st.text(min_size=1))
def test_own_token_proves(user_id: str, secret: str) -> None:
    assert is_proved(user_id, identity_token(user_id, secret), secret)


@pytest.mark.parametrize(
    ("user_id", "token", "secret"),
    [
        ("u-2", identity_token("u-1", "secret"), "secret"),
        ("u-1", identity_token("u-1", "other"), "secret"),
        ("u-1", identity_token("u-1", "secret").upper(), "secret"),
        ("u-1", identity_token("u-1", "secret")[:-1], "secret"),
        ("u-1", identity_token("u-1", ""), ""),
        ("u-1", "", "secret"),
        ("u-1", None, "secret"),
        ("u-1", 5, "secret"),
        ("u-1", "ü", "secret"),
        ("u-1", ["x"], "secret"),
    ],
)
def test_nothing_else_proves(user_id: str, token: object, secret: str) -> None:
    assert not is_proved(user_id, token, secret)
