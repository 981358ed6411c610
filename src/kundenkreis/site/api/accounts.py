"""Who works here and which keys there are, over the API. What works as a key or a link is answered once and kept nowhere."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from django.core.exceptions import ValidationError as BadFieldError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router
from ninja.errors import ValidationError
from pydantic import Field

from kundenkreis.kernel.zones import from_datetime, to_datetime
from kundenkreis.site.access import Role
from kundenkreis.site.accounts import api_keys, invitations, people
from kundenkreis.site.api.errors import NotFoundError
from kundenkreis.site.api.fields import Body, clean
from kundenkreis.site.api.offers import offer
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account, ApiKey, Invitation
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.settings.users import mail_invitation
from kundenkreis.site.ports.write_keys import KeyKind, WriteKeyLine

router = Router(tags=["accounts"])

RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
Shown = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody who works here."""

    account_id: int
    name: str
    email: str
    role: Role
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class OpenInvitation:
    """Somebody who is invited and has not come yet."""

    invitation_id: int
    email: str
    role: Role
    expires_us: int


@dataclass(frozen=True, kw_only=True)
class Invited:
    """An invitation with its link."""

    invitation: OpenInvitation
    link: str
    """Makes the account, once. "" in the answer to a repeated request."""


@dataclass(frozen=True, kw_only=True)
class ApiKeyLine:
    """An API key without what makes it work."""

    key_id: int
    name: str
    prefix: str
    owner: str
    scopes: list[str]
    created_us: int
    expires_us: int | None
    last_used_us: int | None


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """An API key just made."""

    line: ApiKeyLine
    key: str
    """Shown once. "" in the answer to a repeated request."""


@dataclass(frozen=True, kw_only=True)
class NewWriteKey:
    """A write key just made."""

    line: WriteKeyLine
    key: str
    """Shown once. "" in the answer to a repeated request."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """It works no longer."""

    is_ended: bool


class Inviting(Body):
    """Whom to invite, as what."""

    email: str = Field(min_length=3, max_length=254)
    role: Role


class NewRole(Body):
    """What an account is here for from now on."""

    role: Role


class NewAccess(Body):
    """Whether an account may sign in."""

    is_active: bool


class ApiKeyWanted(Body):
    """What a key is for, what it may do, for how long."""

    name: str = Field(min_length=1, max_length=80, pattern=r"\S")
    scopes: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=100)
    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(None, description="null: until it is revoked.")


class WriteKeyWanted(Body):
    """The touchpoint that sends events, and whether its key can be kept secret."""

    source: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    kind: KeyKind


@offer(router, "GET", "users", needs=("users.see",), answer=list[User], summary=gettext_noop("List who works here"))
def list_users(request: HttpRequest) -> list[User]:
    return [_user(one) for one in Account.objects.order_by("-is_active", "name", "email", "id")]


@offer(
    router, "PUT", "users/{account_id}/role", needs=("users.edit",), answer=User, is_writing=True,
    summary=gettext_noop("Give an account another role"),
)  # fmt: skip
def change_role(request: HttpRequest, account_id: RowId, wanted: NewRole) -> User:
    """Its sessions end. Nobody gives or takes rights beyond their own."""
    people.change_role(request, _account(account_id).pk, wanted.role)
    return _user(_account(account_id))


@offer(
    router, "PUT", "users/{account_id}/access", needs=("users.edit",), answer=User, is_writing=True,
    summary=gettext_noop("Disable an account, or let it in again"),
)  # fmt: skip
def change_access(request: HttpRequest, account_id: RowId, wanted: NewAccess) -> User:
    """Sessions and keys of a disabled account end for good."""
    people.set_active(request, _account(account_id).pk, is_active=wanted.is_active)
    return _user(_account(account_id))


@offer(
    router, "DELETE", "users/{account_id}/sessions", needs=("users.edit",), answer=Ended, is_writing=True,
    summary=gettext_noop("Sign an account out everywhere"),
)  # fmt: skip
def end_sessions(request: HttpRequest, account_id: RowId) -> Ended:
    people.end_sessions(request, _account(account_id).pk)
    return Ended(is_ended=True)


@offer(
    router, "GET", "invitations", needs=("users.see",), answer=list[OpenInvitation],
    summary=gettext_noop("List open invitations"),
)  # fmt: skip
def list_invitations(request: HttpRequest) -> list[OpenInvitation]:
    return [_invitation(one) for one in Invitation.objects.filter(used_at=None, expires_at__gt=_now()).order_by("id")]


@offer(
    router, "POST", "invitations", needs=("users.edit",), answer=Invited, is_writing=True, secret="link",
    summary=gettext_noop("Invite somebody"),
)  # fmt: skip
def invite_somebody(request: HttpRequest, wanted: Inviting) -> Invited:
    """The link is mailed as well, where mail is set up."""
    try:
        validate_email(wanted.email.strip())
    except BadFieldError as error:
        where = ("body", "wanted", "email")
        raise ValidationError([{"loc": where, "msg": "This is no e-mail address."}]) from error
    made, path = invitations.invite(request, email=wanted.email, role=wanted.role, now=_now())
    link = mounted().settings.public_url + path
    mail_invitation(made, link)
    return Invited(invitation=_invitation(made), link=link)


@offer(
    router, "DELETE", "invitations/{invitation_id}", needs=("users.edit",), answer=Ended, is_writing=True,
    summary=gettext_noop("Withdraw an invitation"),
)  # fmt: skip
def withdraw_invitation(request: HttpRequest, invitation_id: RowId) -> Ended:
    try:
        invitations.withdraw(request, invitation_id)
    except Invitation.DoesNotExist as error:
        raise NotFoundError from error
    return Ended(is_ended=True)


@offer(router, "GET", "keys/api", needs=("keys.see",), answer=list[ApiKeyLine], summary=gettext_noop("List API keys"))
def list_api_keys(request: HttpRequest) -> list[ApiKeyLine]:
    kept = ApiKey.objects.filter(revoked_at=None).select_related("account").order_by("id")
    return [_api_key(one) for one in kept]


@offer(
    router, "POST", "keys/api", needs=("keys.edit",), answer=NewApiKey, is_writing=True, secret="key",
    summary=gettext_noop("Make an API key"),
)  # fmt: skip
def create_api_key(request: HttpRequest, wanted: ApiKeyWanted) -> NewApiKey:
    """In the name of the owner of the key that asks, with no more than that key may do."""
    name = clean(wanted.name)
    made, key = api_keys.create_key(request, name=name, scopes=wanted.scopes, days=wanted.days, now=_now())
    return NewApiKey(line=_api_key(made), key=key)


@offer(
    router, "DELETE", "keys/api/{key_id}", needs=("keys.edit",), answer=Ended, is_writing=True,
    summary=gettext_noop("Revoke an API key"),
)  # fmt: skip
def revoke_api_key(request: HttpRequest, key_id: RowId) -> Ended:
    try:
        api_keys.revoke_key(request, key_id, now=_now())
    except ApiKey.DoesNotExist as error:
        raise NotFoundError from error
    return Ended(is_ended=True)


@offer(
    router, "GET", "keys/write", needs=("keys.see",), answer=list[WriteKeyLine], summary=gettext_noop("List write keys")
)
def list_write_keys(request: HttpRequest) -> list[WriteKeyLine]:
    return list(mounted().sources.write_keys.list_keys())


@offer(
    router, "POST", "keys/write", needs=("keys.edit",), answer=NewWriteKey, is_writing=True, secret="key",
    summary=gettext_noop("Make a write key"),
)  # fmt: skip
def create_write_key(request: HttpRequest, wanted: WriteKeyWanted) -> NewWriteKey:
    line, key = mounted().sources.write_keys.create_key(wanted.source, wanted.kind)
    audit(request, "created", "write_key", line.shown, {"source": line.source, "kind": line.kind})
    return NewWriteKey(line=line, key=key)


@offer(
    router, "DELETE", "keys/write/{shown}", needs=("keys.edit",), answer=Ended, is_writing=True,
    summary=gettext_noop("Revoke a write key"),
)  # fmt: skip
def revoke_write_key(request: HttpRequest, shown: Shown) -> Ended:
    """By its first characters, as the list shows them."""
    line = mounted().sources.write_keys.revoke_key(shown)
    if line is None:
        raise NotFoundError
    audit(request, "revoked", "write_key", line.shown, {"source": line.source, "kind": line.kind})
    return Ended(is_ended=True)


def _now() -> datetime:
    return to_datetime(mounted().clock_us())


def _account(account_id: int) -> Account:
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFoundError
    return account


def _user(account: Account) -> User:
    return User(
        account_id=account.pk, name=account.shown_name, email=account.email, role=Role(account.role), is_active=account.is_active
    )  # fmt: skip


def _invitation(one: Invitation) -> OpenInvitation:
    return OpenInvitation(
        invitation_id=one.pk, email=one.email, role=Role(one.role), expires_us=from_datetime(one.expires_at)
    )


def _api_key(key: ApiKey) -> ApiKeyLine:
    return ApiKeyLine(
        key_id=key.pk, name=key.name, prefix=key.prefix, owner=key.account.shown_name, scopes=key.scopes,
        created_us=from_datetime(key.created_at), expires_us=from_datetime(key.expires_at) if key.expires_at else None,
        last_used_us=from_datetime(key.last_used_at) if key.last_used_at else None,
    )  # fmt: skip
