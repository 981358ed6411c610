"""API keys: a program works in somebody's name with some of their permissions. Shown once, stored as a hash."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest

from kundenkreis.site import access
from kundenkreis.site.access import Role, Viewer, grantable_roles, permissions_of
from kundenkreis.site.accounts.errors import NotYoursToGrantError, UnknownScopeError
from kundenkreis.site.accounts.tokens import token_hash
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account, ApiKey

PREFIX = "kk_api_"
"""What keys begin with, so that people and secret scanners know them."""
_SHOWN = len(PREFIX) + 6
_NOTE_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_key(
    request: HttpRequest, *, name: str, scopes: Sequence[str], days: int | None, now: datetime
) -> tuple[ApiKey, str]:
    """Make a key of the viewer; it and the key itself, which nobody can read again.

    Args:
        days: how long it works; None: until it is revoked.

    Raises:
        UnknownScopeError: a scope is none of the viewer's permissions, or there is none.
    """
    someone = access.viewer()
    if someone is None or not scopes or not someone.permissions.issuperset(scopes):
        raise UnknownScopeError
    key = PREFIX + secrets.token_urlsafe(32)
    made = ApiKey.objects.create(
        account_id=someone.account_id,
        name=name,
        prefix=key[:_SHOWN],
        key_hash=token_hash(key),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    audit(request, "created", "api_key", made.pk, {"scopes": made.scopes, "days": days})
    return made, key


@transaction.atomic
def revoke_key(request: HttpRequest, key_id: int, *, now: datetime) -> None:
    """Stop a key: one's own, or one of somebody within one's reach.

    Raises:
        NotYoursToGrantError, ApiKey.DoesNotExist
    """
    key = ApiKey.objects.select_related("account").get(pk=key_id, revoked_at=None)
    someone = access.viewer()
    if someone is None or (
        key.account.pk != someone.account_id and Role(key.account.role) not in grantable_roles(someone.role)
    ):
        raise NotYoursToGrantError
    ApiKey.objects.filter(pk=key_id).update(revoked_at=now)
    audit(request, "revoked", "api_key", key_id)


def viewer_by_key(key: str, *, now: datetime) -> Viewer | None:
    """Who a program with this key is: the key's scopes as far as its owner still has them; None if it does not work.

    Effects: notes the use, once a minute at most.
    """
    if not key.startswith(PREFIX):
        return None
    found = ApiKey.objects.select_related("account").filter(key_hash=token_hash(key), revoked_at=None).first()
    if found is None or not found.account.is_active or (found.expires_at and found.expires_at <= now):
        return None
    if found.last_used_at is None or now - found.last_used_at >= _NOTE_EVERY:
        ApiKey.objects.filter(pk=found.pk).update(last_used_at=now)
    owner: Account = found.account
    role = Role(owner.role)
    return Viewer(
        account_id=owner.pk,
        name=f"{owner.shown_name} ({found.name})",
        role=role,
        permissions=permissions_of(role) & frozenset(found.scopes),
    )
