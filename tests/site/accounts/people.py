"""Accounts as the tests of this folder need them."""

import base64
import hmac
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kundenkreis.site.models import Account

PASSWORD = "birne lampe wolke"


def make_account(email: str, *, role: str = "marketing", password: str | None = PASSWORD, name: str = "") -> "Account":
    """An account with a password that signs in by this address."""
    from kundenkreis.site.accounts.people import set_email
    from kundenkreis.site.models import Account

    account = Account(username=email, role=role, name=name)
    if password is None:
        account.set_unusable_password()
    else:
        account.set_password(password)
    account.save()
    set_email(account, email)
    return account


def app_code(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now (RFC 6238 with SHA-1, six digits, 30 seconds)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.digest(base64.b32decode(secret), counter, "sha1")
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
