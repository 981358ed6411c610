"""Signing in and out: by password, passkey, single sign-on, or by the link of the console; and what a new owner sets up."""

from typing import Any, cast

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import LoginView, PasswordResetDoneView, PasswordResetFromKeyView, PasswordResetView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib.auth import login, logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import mail
from kundenkreis.site.accounts.forms import JoinForm, OwnerForm
from kundenkreis.site.accounts.invitations import find_invitation, join
from kundenkreis.site.accounts.people import set_email
from kundenkreis.site.accounts.words import role_name
from kundenkreis.site.audit import audit
from kundenkreis.site.logins import is_login_token_valid, use_login_token
from kundenkreis.site.models import Account
from kundenkreis.site.mounted import mounted

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_WRONG_STATUS = 422


class SignIn(LoginView):  # type: ignore[misc] # allauth ships no types
    """Address and password; beside it passkey, single sign-on, and where the console's link stands."""

    template_name = "accounts/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the page shows."""
        return {
            **super().get_context_data(**kwargs),
            "sso_name": mounted().settings.oidc_name if mounted().settings.oidc_url else "",
            "has_failed": self.request.GET.get("failed") == "passkey",
            "was_reset": self.request.GET.get("password") == "new",
        }

    def form_invalid(self, form: Any) -> HttpResponse:
        """422, with what was typed."""
        return _with_status(super().form_invalid(form))


class SecondFactor(AuthenticateView):  # type: ignore[misc] # allauth ships no types
    """The code of an authenticator app, a recovery code, or a security key."""

    template_name = "accounts/second_factor.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        """422."""
        return _with_status(super().form_invalid(form))


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc] # allauth ships no types
    """Signing in by passkey: GET gives the challenge to our script, POST takes the answer."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Back to the sign-in page, which says so."""
        return redirect("/login/?failed=passkey")


class ForgotPassword(PasswordResetView):  # type: ignore[misc] # allauth ships no types
    """Asks for a link to a new password. The answer is the same whether there is such an account or not (A37)."""

    template_name = "accounts/forgot.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the page shows."""
        return {**super().get_context_data(**kwargs), "sends_mail": mail.is_configured()}

    def form_invalid(self, form: Any) -> HttpResponse:
        """422."""
        return _with_status(super().form_invalid(form))


class ForgotPasswordSent(PasswordResetDoneView):  # type: ignore[misc] # allauth ships no types
    """What to do now."""

    template_name = "accounts/forgot_sent.html"


@method_decorator(never_cache, name="dispatch")
class NewPassword(PasswordResetFromKeyView):  # type: ignore[misc] # allauth ships no types
    """Sets a new password by the link of the mail: once, within 30 minutes. Ends every session, signs nobody in."""

    template_name = "accounts/new_password.html"
    success_url = "/login/?password=new"

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """410 for a link that no longer works, 422 for a password that will not do."""
        response = cast(HttpResponse, super().render_to_response(context, **kwargs))
        if context.get("token_fail"):
            response.status_code = 410
        elif self.request.method == "POST":
            response.status_code = _WRONG_STATUS
        return response


def _with_status(response: Any) -> HttpResponse:
    response.status_code = _WRONG_STATUS
    return cast(HttpResponse, response)


def sso_failed(request: HttpRequest) -> HttpResponse:
    """Single sign-on ended without anybody being signed in."""
    return render(request, "accounts/sso_failed.html", status=400)


@never_cache
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, because mail scanners and previews open links too; POST signs in."""
    now = to_datetime(mounted().clock_us())
    if request.method == "POST":
        if account := use_login_token(token, now=now):
            login(request, account, backend=_BACKEND)
            record_authentication(request, account, method="console", reauthenticated=True)
            audit(request, "signed_in", "account", account.pk, {"by": "console"}, actor=account)
            return redirect("welcome" if not account.email else "home")
    elif is_login_token_valid(token, now=now):
        return render(request, "accounts/link.html", {"is_valid": True})
    return render(request, "accounts/link.html", {"is_valid": False}, status=410)


def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    audit(request, "signed_out", "account", request.user.pk)
    logout(request)
    return redirect("login")


@never_cache
def welcome(request: HttpRequest) -> HttpResponse:
    """The first owner gives a name, an address and a password, to sign in without the console from now on."""
    account = cast(Account, request.user)
    if account.email:
        return redirect("account")
    form = OwnerForm(request.POST or None, account=account)
    if request.method != "POST":
        return render(request, "accounts/welcome.html", {"form": form})
    if not form.is_valid():
        return render(request, "accounts/welcome.html", {"form": form}, status=_WRONG_STATUS)
    with transaction.atomic():
        account.name = form.cleaned_data["name"]
        account.set_password(form.cleaned_data["password"])
        account.save()
        set_email(account, form.cleaned_data["email"])
        audit(request, "changed", "account", account.pk, {"fields": ["name", "email", "password"]})
    update_session_auth_hash(request, account)
    return redirect("home")


@never_cache
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows who is invited to what; POST makes the account and signs it in."""
    now = to_datetime(mounted().clock_us())
    invitation = find_invitation(token, now=now)
    if invitation is None:
        return render(request, "accounts/invitation.html", {"invitation": None}, status=410)
    form = JoinForm(request.POST or None, email=invitation.email)
    sentence = _("You are invited to %(brand)s as: %(role)s.") % {
        "brand": mounted().settings.brand,
        "role": role_name(invitation.role),
    }
    context = {"invitation": invitation, "form": form, "sentence": sentence}
    if request.method != "POST":
        return render(request, "accounts/invitation.html", context)
    if not form.is_valid():
        return render(request, "accounts/invitation.html", context, status=_WRONG_STATUS)
    cleaned = form.cleaned_data
    account = join(request, token, name=cleaned["name"], password=cleaned["password"], now=now)
    if account is None:
        return render(request, "accounts/invitation.html", {"invitation": None}, status=410)
    if request.user.is_authenticated:
        logout(request)
    login(request, account, backend=_BACKEND)
    record_authentication(request, account, method="invitation", reauthenticated=True)
    return redirect("home")
