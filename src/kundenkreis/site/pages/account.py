"""One's own account: name, password, second factor, passkeys, recovery codes, signing out everywhere."""

from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.views import PasswordChangeView, PasswordSetView, ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, ReauthenticateWebAuthnView, RemoveWebAuthnView
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from kundenkreis.site.accounts.forms import NameForm
from kundenkreis.site.accounts.people import end_sessions
from kundenkreis.site.accounts.words import role_name, role_sentences
from kundenkreis.site.audit import audit
from kundenkreis.site.models import Account

_WRONG_STATUS = 422
_OWN = reverse_lazy("account")


@never_cache
def show_account(request: HttpRequest) -> HttpResponse:
    """GET shows it; POST changes the name."""
    account = cast(Account, request.user)
    form = NameForm(request.POST or None, initial={"name": account.name})
    if request.method == "POST" and form.is_valid():
        account.name = form.cleaned_data["name"]
        account.save(update_fields=["name"])
        audit(request, "changed", "account", account.pk, {"fields": ["name"]})
        return redirect("account")
    found = list(Authenticator.objects.filter(user=account).order_by("created_at"))
    codes = next((each for each in found if each.type == Authenticator.Type.RECOVERY_CODES), None)
    context = {
        "form": form,
        "account": account,
        "role": role_name(account.role),
        "role_sentence": role_sentences().get(account.role, ""),
        "has_app": any(each.type == Authenticator.Type.TOTP for each in found),
        "passkeys": [
            {"id": each.pk, "name": each.wrap().name, "created_at": each.created_at, "used_at": each.last_used_at}
            for each in found
            if each.type == Authenticator.Type.WEBAUTHN
        ],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "may_have_passkeys": _may_have_passkeys(request),
    }
    return render(request, "accounts/account.html", context, status=_WRONG_STATUS if form.errors else 200)


def _may_have_passkeys(request: HttpRequest) -> bool:
    """Browsers tie passkeys to a name, never to a number, and want https everywhere but on localhost."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    return host == "localhost" or (request.is_secure() and not host.replace(".", "").isdigit() and "[" not in host)


def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    account = cast(Account, request.user)
    end_sessions(request, account.pk)
    account.refresh_from_db()
    update_session_auth_hash(request, account)
    return redirect("account")


class _Saying422:
    """A form that was filled in wrongly answers 422, with what was typed."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response = cast(HttpResponse, super().form_invalid(form))  # type: ignore[misc] # mixed into allauth's views
        if response.status_code == 200:
            response.status_code = _WRONG_STATUS
        return response


class ChangePassword(_Saying422, PasswordChangeView):  # type: ignore[misc] # allauth ships no types
    """A new password by the old one; ends all other sessions."""

    template_name = "accounts/change_password.html"
    success_url = _OWN


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class SetPassword(_Saying422, PasswordSetView):  # type: ignore[misc] # allauth ships no types
    """A first password, for an account that came in by link or single sign-on."""

    template_name = "accounts/change_password.html"
    success_url = _OWN


class ConfirmByPassword(_Saying422, ReauthenticateView):  # type: ignore[misc] # allauth ships no types
    """The password once more, before something that matters."""

    template_name = "accounts/confirm.html"


class ConfirmByCode(_Saying422, ReauthenticateByCodeView):  # type: ignore[misc] # allauth ships no types
    """A code instead."""

    template_name = "accounts/confirm.html"


class ConfirmByPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc] # allauth ships no types
    """A passkey instead."""

    template_name = "accounts/confirm_passkey.html"


@method_decorator(never_cache, name="dispatch")
class AddApp(_Saying422, ActivateTOTPView):  # type: ignore[misc] # allauth ships no types
    """Show the secret as a picture and as text, take a code that proves it arrived."""

    template_name = "accounts/add_app.html"


class RemoveApp(_Saying422, DeactivateTOTPView):  # type: ignore[misc] # allauth ships no types
    """Codes are not asked for any more."""

    template_name = "accounts/remove.html"
    success_url = _OWN
    extra_context = {"what": "app"}  # noqa: RUF012 - Django's shape

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """To one's account where there is no app."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except Http404:
            return redirect("account")


@method_decorator(never_cache, name="dispatch")
class AddPasskey(_Saying422, AddWebAuthnView):  # type: ignore[misc] # allauth ships no types
    """A new passkey; our script asks the browser for it."""

    template_name = "accounts/add_passkey.html"


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc] # allauth ships no types
    """One of one's own passkeys goes; somebody else's is not there (404)."""

    template_name = "accounts/remove.html"
    success_url = _OWN
    extra_context = {"what": "passkey"}  # noqa: RUF012 - Django's shape

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Nobody is asked to confirm something about what is not theirs."""
        get_object_or_404(Authenticator, pk=kwargs["pk"], user_id=request.user.pk, type=Authenticator.Type.WEBAUTHN)
        return super().dispatch(request, *args, **kwargs)


@method_decorator(never_cache, name="dispatch")
class RecoveryCodes(ViewRecoveryCodesView):  # type: ignore[misc] # allauth ships no types
    """The codes, once."""

    template_name = "accounts/recovery_codes.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """To one's account where there are none."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except Http404:
            return redirect("account")


class NewRecoveryCodes(_Saying422, GenerateRecoveryCodesView):  # type: ignore[misc] # allauth ships no types
    """New codes; the old ones stop working."""

    template_name = "accounts/new_recovery_codes.html"
