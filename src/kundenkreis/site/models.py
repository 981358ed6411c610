"""The site's own tables: accounts and one-time login links. Customers live elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from kundenkreis.site.access import Role

_SESSION_SALT = "kundenkreis.site.session"


class Account(AbstractUser):
    """Somebody who works with this installation. No account has a password by default.

    `username` is an internal handle that nobody types; people sign in by e-mail address, passkey or link.
    """

    role: "models.CharField[str, str]" = models.CharField(max_length=24, default=Role.VIEWER.value)
    name: "models.CharField[str, str]" = models.CharField(max_length=120, blank=True, default="")
    session_epoch: "models.IntegerField[int, int]" = models.IntegerField(default=0)
    """Raised to end every session of this account."""

    @property
    def shown_name(self) -> str:
        """How pages and the audit log call this account."""
        return self.name or self.email or self.username

    def get_session_auth_hash(self) -> str:
        """What a session is bound to: it ends when password, role or epoch changes, wherever that happens."""
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same under keys that were in force before."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(secret)

    def _session_hash(self, secret: Any) -> str:
        bound = "\n".join((self.password, self.role, str(self.session_epoch)))
        return salted_hmac(_SESSION_SALT, bound, secret=secret, algorithm="sha256").hexdigest()


class LoginLink(models.Model):
    """A link that signs somebody in once. Holds a hash of the token, so reading the table signs nobody in."""

    token_hash: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=32, unique=True)
    """BLAKE2b-256 of the token."""
    account: "models.ForeignKey[Account, Account]" = models.ForeignKey(Account, on_delete=models.CASCADE)
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="login_link_expiry")]
