"""What can be done to accounts: set up, change the role, disable, end sessions. Each asks who does it, and is audited where it happens.

Sessions need no list: they are bound to password, role and epoch (`Account.get_session_auth_hash`), so each of these ends them.
"""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from kundenkreis.kernel.errors import BugError
from kundenkreis.site import access
from kundenkreis.site.access import Role, grantable_roles
from kundenkreis.site.accounts.errors import EmailTakenError, LastOwnerError, NotYoursToGrantError, OwnAccountError
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account, ApiKey, Invitation


class NobodyThereError(BugError):
    """Accounts are changed by somebody who is signed in."""

    code = "nobody_signed_in"


def shown_name(account: Account) -> str:
    """How django-allauth calls an account."""
    return account.shown_name


def normal_email(text: str) -> str:
    """An address as it is stored and compared: without spaces around, in small letters."""
    return text.strip().lower()


def is_email_taken(email: str, *, but: Account | None = None) -> bool:
    """Whether another account signs in with this address."""
    others = Account.objects.filter(email=normal_email(email))
    return (others.exclude(pk=but.pk) if but else others).exists()


@transaction.atomic
def set_email(account: Account, email: str) -> None:
    """Make this the address by which the account signs in and is written to.

    Raises:
        EmailTakenError: another account has it.
    """
    email = normal_email(email)
    if is_email_taken(email, but=account):
        raise EmailTakenError
    account.email = email
    account.save(update_fields=["email"])
    EmailAddress.objects.filter(user=account).delete()
    # The address is vouched for: by the console, by whoever invited, or by an administrator.
    EmailAddress.objects.create(user=account, email=email, verified=True, primary=True)


@transaction.atomic
def change_role(request: HttpRequest, account_id: int, role: Role) -> None:
    """Give an account another role; its sessions end, and so do its open invitations to what it may no longer grant.

    Raises:
        NotYoursToGrantError, OwnAccountError, LastOwnerError, Account.DoesNotExist
    """
    account = _locked(account_id)
    _check_reach(account, wanted=role)
    if account.role == role:
        return
    _keep_an_owner(account)
    old, account.role = account.role, role.value
    account.save(update_fields=["role"])
    _withdraw_invitations(account, above=role)
    audit(request, "role_changed", "account", account.pk, {"from": old, "to": role.value})


@transaction.atomic
def set_active(request: HttpRequest, account_id: int, *, is_active: bool) -> None:
    """Disable an account, or let it in again. A disabled account's sessions, keys and open invitations work no more, and do not come back.

    Raises:
        NotYoursToGrantError, OwnAccountError, LastOwnerError, Account.DoesNotExist
    """
    account = _locked(account_id)
    _check_reach(account, wanted=Role(account.role))
    if account.is_active == is_active:
        return
    if not is_active:
        _keep_an_owner(account)
        ApiKey.objects.filter(account=account).delete()
        _withdraw_invitations(account)
        account.session_epoch += 1
    account.is_active = is_active
    account.save(update_fields=["is_active", "session_epoch"])
    audit(request, "enabled" if is_active else "disabled", "account", account.pk)


def _withdraw_invitations(account: Account, *, above: Role | None = None) -> None:
    """What somebody may grant no longer they have not granted either: their open invitations stop working, or those above their role."""
    still = [role.value for role in grantable_roles(above)] if above is not None else []
    Invitation.objects.filter(invited_by=account, used_at=None).exclude(role__in=still).delete()


@transaction.atomic
def end_sessions(request: HttpRequest, account_id: int) -> None:
    """Sign an account out everywhere: one's own, or one that is within one's reach.

    Raises:
        NotYoursToGrantError, Account.DoesNotExist
    """
    account = _locked(account_id)
    someone = _viewer()
    if account.pk != someone.account_id and Role(account.role) not in grantable_roles(someone.role):
        raise NotYoursToGrantError
    Account.objects.filter(pk=account.pk).update(session_epoch=F("session_epoch") + 1)
    audit(request, "signed_out_everywhere", "account", account.pk)


def _viewer() -> access.Viewer:
    someone = access.viewer()
    if someone is None:
        raise NobodyThereError
    return someone


def _locked(account_id: int) -> Account:
    """The account, held until the transaction ends, with the owners: two at once must not remove the last two."""
    list(Account.objects.select_for_update().filter(role=Role.OWNER).order_by("id"))
    return Account.objects.select_for_update().get(pk=account_id)


def _check_reach(account: Account, *, wanted: Role) -> None:
    someone = _viewer()
    if account.pk == someone.account_id:
        raise OwnAccountError
    reach = grantable_roles(someone.role)
    if Role(account.role) not in reach or wanted not in reach:
        raise NotYoursToGrantError


def _keep_an_owner(account: Account) -> None:
    others = Account.objects.filter(role=Role.OWNER, is_active=True).exclude(pk=account.pk)
    if account.role == Role.OWNER and not others.exists():
        raise LastOwnerError
