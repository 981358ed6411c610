"""RFC 8058: what requests mean."""

import pytest

from kundenkreis.channels.core.tokens import Scope
from kundenkreis.channels.core.unsubscribe import BODY_LIMIT_BYTES, Refuse, ShowPage, Withdraw, decide

pytestmark = pytest.mark.pure

SCOPE = Scope("unsubscribe", 1, b"m" * 16, "newsletter", "email")
FORM = "application/x-www-form-urlencoded"
ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--x1\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x1--\r\n'


@pytest.mark.parametrize("body", [b"", ONE_CLICK])
def test_get_and_head_change_nothing(body: bytes) -> None:
    assert decide("GET", SCOPE, content_type=FORM, body=body) == ShowPage(SCOPE, True)
    assert decide("HEAD", SCOPE, content_type=FORM, body=body) == ShowPage(SCOPE, False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, ONE_CLICK),
        (FORM + "; charset=utf-8", ONE_CLICK),
        ("Application/X-WWW-Form-Urlencoded", ONE_CLICK + b"\r\n"),
        ("multipart/form-data; boundary=x1", MULTIPART),
        ('multipart/form-data; boundary="x1"', MULTIPART),
    ],
)
def test_one_click(content_type: str, body: bytes) -> None:
    assert decide("POST", SCOPE, content_type=content_type, body=body) == Withdraw(SCOPE, "purpose", one_click=True)


def test_the_buttons_of_the_page() -> None:
    assert decide("POST", SCOPE, content_type=FORM, body=b"reach=purpose") == Withdraw(
        SCOPE, "purpose", one_click=False
    )
    assert decide("POST", SCOPE, content_type=FORM, body=b"reach=all") == Withdraw(SCOPE, "all", one_click=False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b""),
        (FORM, b"List-Unsubscribe=one-click"),
        (FORM, b"List-Unsubscribe=One-Click&person=B"),
        (FORM, b"person=B&reach=all"),
        (FORM, b"reach=everybody"),
        (FORM, b"List-Unsubscribe=One-Click&List-Unsubscribe=One-Click"),
        (FORM, b"\xff\xfe"),
        (FORM, b"&&&&=&="),
        ("", ONE_CLICK),
        ("application/json", b'{"List-Unsubscribe":"One-Click"}'),
        ("multipart/form-data", MULTIPART),
        ("multipart/form-data; boundary=y", MULTIPART),
        ("multipart/form-data; boundary=x1", MULTIPART[:-8]),
        ("multipart/form-data; boundary=x1", MULTIPART.replace(b"form-data", b"attachment")),
        ("multipart/form-data; boundary=x1", MULTIPART.replace(b"One-Click", b"\xff")),
    ],
)
def test_anything_else_is_refused(content_type: str, body: bytes) -> None:
    assert decide("POST", SCOPE, content_type=content_type, body=body) == Refuse(400)


def test_unknown_tokens_large_bodies_and_other_methods() -> None:
    assert decide("GET", None) == decide("POST", None, content_type=FORM, body=ONE_CLICK) == Refuse(404)
    assert decide("POST", SCOPE, content_type=FORM, body=b"x" * (BODY_LIMIT_BYTES + 1)) == Refuse(413)
    assert {decide(method, SCOPE) for method in ("PUT", "DELETE", "OPTIONS", "PATCH")} == {Refuse(405)}
