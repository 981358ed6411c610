"""Invitations: a link that makes one account of one role, once, within seven days. Shown to the inviter; mailed where mail is set up."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from kundenkreis.site import access
from kundenkreis.site.access import Role, grantable_roles
from kundenkreis.site.accounts.errors import EmailTakenError, NotYoursToGrantError
from kundenkreis.site.accounts.people import is_email_taken, normal_email, set_email
from kundenkreis.site.accounts.tokens import new_token, token_hash
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account, Invitation

VALID = timedelta(days=7)


@transaction.atomic
def invite(request: HttpRequest, *, email: str, role: Role, now: datetime) -> tuple[Invitation, str]:
    """Make an invitation; it and the path of its link, which is stored nowhere.

    Effects: an older open invitation of the same address stops working.

    Raises:
        NotYoursToGrantError: the role has rights that the viewer does not have.
        EmailTakenError: there is such an account already.
    """
    someone = access.viewer()
    if someone is None or role not in grantable_roles(someone.role):
        raise NotYoursToGrantError
    email = normal_email(email)
    if is_email_taken(email):
        raise EmailTakenError
    Invitation.objects.filter(email=email, used_at=None).delete()
    token = new_token()
    made = Invitation.objects.create(
        token_hash=token_hash(token),
        email=email,
        role=role.value,
        invited_by_id=someone.account_id,
        created_at=now,
        expires_at=now + VALID,
    )
    audit(request, "invited", "invitation", made.pk, {"role": role.value})
    return made, reverse("invitation", args=[token])


@transaction.atomic
def withdraw(request: HttpRequest, invitation_id: int) -> None:
    """Make an open invitation's link stop working.

    Raises:
        NotYoursToGrantError, Invitation.DoesNotExist
    """
    open_one = Invitation.objects.get(pk=invitation_id, used_at=None)
    someone = access.viewer()
    if someone is None or Role(open_one.role) not in grantable_roles(someone.role):
        raise NotYoursToGrantError
    open_one.delete()
    audit(request, "withdrawn", "invitation", invitation_id)


def find_invitation(token: str, *, now: datetime) -> Invitation | None:
    """The open invitation of this link; None if it is unknown, used, withdrawn or too old. Changes nothing."""
    return Invitation.objects.filter(token_hash=token_hash(token), used_at=None, expires_at__gt=now).first()


@transaction.atomic
def join(request: HttpRequest, token: str, *, name: str, password: str, now: datetime) -> Account | None:
    """Make the account that this link invites to; None if the link does not work (any more).

    Effects: uses the invitation up in one statement, so that of two at the same moment one joins.
    """
    found = find_invitation(token, now=now)
    if found is None or not Invitation.objects.filter(pk=found.pk, used_at=None).update(used_at=now):
        return None
    if is_email_taken(found.email):
        return None
    account = Account(username=f"account-{secrets.token_hex(8)}", name=name, role=found.role)
    account.set_password(password)
    account.save()
    set_email(account, found.email)
    audit(request, "joined", "account", account.pk, {"role": found.role}, actor=account)
    return account
