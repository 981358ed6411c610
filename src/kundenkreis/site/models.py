"""The site's own tables: accounts and one-time login links. Customers live elsewhere."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


class Account(AbstractUser):
    """Somebody who works with this installation. Signs in by link; no account has a password by default."""


class LoginLink(models.Model):
    """A link that signs somebody in once. Holds a hash of the token, so reading the table signs nobody in."""

    token_hash: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=32, unique=True)
    """BLAKE2b-256 of the token."""
    account: "models.ForeignKey[Account, Account]" = models.ForeignKey(Account, on_delete=models.CASCADE)
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="login_link_expiry")]
