"""Settings > Accounts: who works here, as what; inviting, changing roles, disabling, signing out."""

from datetime import datetime
from typing import Any

from allauth.account import app_settings as allauth_settings
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import access, mail
from kundenkreis.site.access import Role, grantable_roles
from kundenkreis.site.accounts import invitations, people
from kundenkreis.site.accounts.error_words import error_sentence
from kundenkreis.site.accounts.errors import EmailTakenError, NotYoursToGrantError
from kundenkreis.site.accounts.forms import InvitationForm
from kundenkreis.site.accounts.words import role_name, role_names, role_sentences
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account, Invitation
from kundenkreis.site.mounted import mounted

_REFUSED = 409
_WRONG_STATUS = 422


def _now() -> datetime:
    return to_datetime(mounted().clock_us())


def _reach() -> tuple[Role, ...]:
    someone = access.viewer()
    return grantable_roles(someone.role) if someone else ()


@never_cache
def show_users(request: HttpRequest) -> HttpResponse:
    """Everybody who works here, and who is invited."""
    return _users_page(request)


@never_cache
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation and show its link, once."""
    form = InvitationForm(request.POST, roles=_role_choices())
    if not form.is_valid():
        return _users_page(request, form=form, status=_WRONG_STATUS)
    try:
        made, path = invitations.invite(
            request, email=form.cleaned_data["email"], role=form.cleaned_data["role"], now=_now()
        )
    except (EmailTakenError, NotYoursToGrantError) as error:
        return _users_page(request, form=form, problem=error_sentence(error), status=_REFUSED)
    link = mounted().settings.public_url + path
    mail_invitation(made, link)
    return _users_page(request, link=link, link_is="invitation", link_email=made.email)


def mail_invitation(made: Invitation, link: str) -> None:
    """Write to whoever is invited; nothing where no mail is set up."""
    brand = mounted().settings.brand
    text = _(
        "You are invited to work with %(brand)s. This link makes your account, once, within seven days:\n\n%(link)s"
    )
    mail.send(made.email, _("Invitation to %(brand)s") % {"brand": brand}, text % {"brand": brand, "link": link})


def withdraw_invitation(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Make an open invitation stop working."""
    try:
        invitations.withdraw(request, invitation_id)
    except Invitation.DoesNotExist:
        raise Http404 from None
    except CallerError as error:
        return _users_page(request, problem=error_sentence(error), status=_REFUSED)
    return redirect("users")


@never_cache
def show_user(request: HttpRequest, account_id: int) -> HttpResponse:
    """One account. POST does what its button says: role, disable, enable, sign_out, new_password."""
    account = _account(account_id)
    if request.method != "POST":
        return _user_page(request, account)
    try:
        if link := _act(request, account):
            return _user_page(request, account, link=link)
    except CallerError as error:
        return _user_page(request, account, problem=error_sentence(error), status=_REFUSED)
    return redirect("user", account_id)


def _act(request: HttpRequest, account: Account) -> str:
    """Do what was asked; the link to show, if there is one. An unknown action or role is answered like a wrong one."""
    action, role = request.POST.get("action", ""), request.POST.get("role", "")
    if action == "role" and role in set(Role):
        people.change_role(request, account.pk, Role(role))
    elif action in ("disable", "enable"):
        people.set_active(request, account.pk, is_active=action == "enable")
    elif action == "sign_out":
        people.end_sessions(request, account.pk)
    elif action == "new_password":
        return _reset_link(request, account)
    else:
        raise NotYoursToGrantError
    return ""


def _reset_link(request: HttpRequest, account: Account) -> str:
    """A link by which this account gets a new password, to hand over where no mail can be sent."""
    someone = access.viewer()
    if someone is None or account.pk == someone.account_id or Role(account.role) not in grantable_roles(someone.role):
        raise NotYoursToGrantError
    token = allauth_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(account)
    path = reverse("account_reset_password_from_key", args=[user_pk_to_url_str(account), token])
    audit(request, "password_reset", "account", account.pk, {"by": "link"})
    return mounted().settings.public_url + path


def _account(account_id: int) -> Account:
    account = Account.objects.filter(pk=account_id).first()
    if account is None:
        raise Http404
    return account


def _role_choices() -> list[tuple[str, str]]:
    names = role_names()
    return [(role.value, names[role]) for role in _reach()]


def _users_page(
    request: HttpRequest, *, form: InvitationForm | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    someone = access.viewer()
    protected = set(
        Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES).values_list("user_id", flat=True)
    )
    rows = [
        {
            "account": each,
            "role": role_name(each.role),
            "is_protected": each.pk in protected,
            "is_me": someone is not None and each.pk == someone.account_id,
        }
        for each in Account.objects.order_by("-is_active", "name", "email", "id")
    ]
    waiting = [
        {"invitation": each, "role": role_name(each.role), "by": each.invited_by.shown_name if each.invited_by else ""}
        for each in Invitation.objects.filter(used_at=None, expires_at__gt=_now())
        .select_related("invited_by")
        .order_by("id")
    ]
    choices = _role_choices()
    context = {
        "rows": rows,
        "waiting": waiting,
        "form": form or InvitationForm(roles=choices, initial={"role": choices[-1][0] if choices else ""}),
        "roles": [(name, role_sentences()[role]) for role, name in role_names().items()],
        "may_edit": bool(choices),
        "sends_mail": mail.is_configured(),
        **more,
    }
    return render(request, "settings/users.html", context, status=status)


def _user_page(request: HttpRequest, account: Account, *, status: int = 200, **more: Any) -> HttpResponse:
    someone = access.viewer()
    is_me = someone is not None and account.pk == someone.account_id
    context = {
        "account": account,
        "role": role_name(account.role),
        "role_sentence": role_sentences().get(account.role, ""),
        "roles": _role_choices(),
        "is_me": is_me,
        "may_edit": not is_me and account.role in _reach(),
        "has_second_factor": Authenticator.objects.filter(user=account)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .exists(),
        **more,
    }
    return render(request, "settings/user.html", context, status=status)
