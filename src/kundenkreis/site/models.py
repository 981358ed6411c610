"""The site's own tables: accounts, links that sign in or invite, API keys and kept answers, the audit log. Customers live elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac

from kundenkreis.kernel.errors import BugError
from kundenkreis.site.access import Role

_SESSION_SALT = "kundenkreis.site.session"


class AppendOnlyError(BugError):
    """Something tried to change or remove an entry of the audit log."""

    code = "audit_append_only"


class Account(AbstractUser):
    """Somebody who works with this installation. No account has a password by default.

    `username` is an internal handle that nobody types; people sign in by e-mail address, passkey, single sign-on or link.
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


class Invitation(models.Model):
    """A link by which somebody makes an account of a certain role, once."""

    token_hash: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=32, unique=True)
    """BLAKE2b-256 of the token."""
    email: "models.EmailField[str, str]" = models.EmailField()
    role: "models.CharField[str, str]" = models.CharField(max_length=24)
    invited_by: "models.ForeignKey[Account | None, Account | None]" = models.ForeignKey(
        Account, on_delete=models.SET_NULL, null=True
    )
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    expires_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)


class ApiKey(models.Model):
    """A key by which a program works in somebody's name, with no more than some of their permissions."""

    account: "models.ForeignKey[Account, Account]" = models.ForeignKey(Account, on_delete=models.CASCADE)
    name: "models.CharField[str, str]" = models.CharField(max_length=80)
    prefix: "models.CharField[str, str]" = models.CharField(max_length=20)
    """First characters of the key, to tell keys apart."""
    key_hash: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=32, unique=True)
    """BLAKE2b-256 of the key."""
    scopes: "models.JSONField[list[str], list[str]]" = models.JSONField()
    """Permissions of site/access.py."""
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    expires_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)
    last_used_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)
    """Noted once a minute at most."""
    revoked_at: "models.DateTimeField[datetime | None, datetime | None]" = models.DateTimeField(null=True)


class _AppendOnly(models.QuerySet["AuditEntry"]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError

    update = delete = bulk_update = update_or_create = _refuse


class AuditEntry(models.Model):
    """Who did or saw what, when, from where. Entries are added and, after KREIS_AUDIT_DAYS, pruned; nothing else.

    Keeps names of fields, never a customer's values, so that it need not be searched when a person is erased.
    """

    at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    actor_id: "models.BigIntegerField[int | None, int | None]" = models.BigIntegerField(null=True)
    """The account; no foreign key, because the entry outlives the account."""
    actor_name: "models.CharField[str, str]" = models.CharField(max_length=254)
    action: "models.CharField[str, str]" = models.CharField(max_length=40)
    object_kind: "models.CharField[str, str]" = models.CharField(max_length=40)
    object_id: "models.CharField[str, str]" = models.CharField(max_length=200)
    details: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    address: "models.CharField[str, str]" = models.CharField(max_length=45)
    """The network address that asked."""
    once: "models.CharField[str | None, str | None]" = models.CharField(max_length=64, null=True, unique=True)
    """For looks: the same within one session and hour is written once."""

    objects: ClassVar[models.Manager["AuditEntry"]] = _AppendOnly.as_manager()

    class Meta:
        # Every list is newest first behind a position (id), narrowed by at most one of these.
        indexes: ClassVar = [
            models.Index(fields=["actor_id", "id"], name="audit_actor"),
            models.Index(fields=["action", "id"], name="audit_action"),
            models.Index(fields=["object_kind", "object_id", "id"], name="audit_object"),
            models.Index(fields=["at"], name="audit_at"),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry. Raises AppendOnlyError for one that is stored already."""
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never."""
        raise AppendOnlyError


class KeptAnswer(models.Model):
    """What was answered to a request with an Idempotency-Key, for a repeat of it within 24 hours. Holds no values of customers."""

    account: "models.ForeignKey[Account, Account]" = models.ForeignKey(Account, on_delete=models.CASCADE)
    """Owner of the API key."""
    key: "models.CharField[str, str]" = models.CharField(max_length=200)
    request_hash: "models.BinaryField[bytes, bytes]" = models.BinaryField(max_length=32)
    """BLAKE2b-256 of method, address, condition and body."""
    status: "models.IntegerField[int, int]" = models.IntegerField(default=0)
    """0: under way."""
    content_type: "models.CharField[str, str]" = models.CharField(max_length=80, default="")
    etag: "models.CharField[str, str]" = models.CharField(max_length=40, default="")
    body: "models.BinaryField[bytes, bytes]" = models.BinaryField(default=b"")
    asked_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "key"], name="kept_answer_once")]
