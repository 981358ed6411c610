"""Proof that a page knows a user id: a signature that only a server holding the source's secret can make.

A public write key cannot be trusted with a userId, because everybody can read the key. The company's own server,
which knows who is logged in, signs the user id with the source's identity secret and puts the result into the page; the page
sends it as `context.identityToken`. The token is lower-case hexadecimal HMAC-SHA256 of the user id in UTF-8.
"""

import hashlib
import hmac


def identity_token(user_id: str, secret: str) -> str:
    """The token for this user id."""
    return hmac.new(secret.encode(), user_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_proved(user_id: str, token: object, secret: str) -> bool:
    """Whether this token proves this user id. Without a secret nothing is proved. Takes equal time for any token."""
    if not secret or type(token) is not str:
        return False
    expected = identity_token(user_id, secret).encode()
    return hmac.compare_digest(expected, token.encode("utf-8", "surrogatepass"))
