"""Signing in by a link that works once: printed on the console, valid for 30 minutes.

There is no default password, so there is none to forget to change. Whoever can read the console of the server may sign in.
"""

from datetime import datetime, timedelta

from django.urls import reverse

from kundenkreis.site.access import Role
from kundenkreis.site.accounts.tokens import new_token, token_hash
from kundenkreis.site.models import Account, LoginLink

CONSOLE_ACCOUNT = "console"
"""Handle of the first owner, made at first use."""


def issue_login_path(*, now: datetime, valid_minutes: int) -> str:
    """The path of a new login link, such as /login/Zk3.../.

    It signs in the first owner: whoever has the console has the data as well.

    Effects: makes the owner if there is none; forgets links that expired; stores the new one.
    """
    account = Account.objects.filter(role=Role.OWNER, is_active=True).order_by("id").first()
    if account is None:
        account, _ = Account.objects.update_or_create(
            username=CONSOLE_ACCOUNT,
            defaults={"role": Role.OWNER, "is_active": True},
            create_defaults={"role": Role.OWNER, "password": "!"},
        )
    LoginLink.objects.filter(expires_at__lte=now).delete()
    token = new_token()
    LoginLink.objects.create(
        token_hash=token_hash(token), account=account, expires_at=now + timedelta(minutes=valid_minutes)
    )
    return reverse("login_link", args=[token])


def is_login_token_valid(token: str, *, now: datetime) -> bool:
    """Whether this token would sign somebody in now. Changes nothing."""
    return LoginLink.objects.filter(token_hash=token_hash(token), used_at=None, expires_at__gt=now).exists()


def use_login_token(token: str, *, now: datetime) -> Account | None:
    """The account that this token signs in, or None if it is unknown, expired or used.

    Effects: marks the token as used, in one statement, so that of two at the same moment one gets in.
    """
    links = LoginLink.objects.filter(token_hash=token_hash(token), used_at=None, expires_at__gt=now)
    if not links.update(used_at=now):
        return None
    account = LoginLink.objects.select_related("account").get(token_hash=token_hash(token)).account
    return account if account.is_active else None
