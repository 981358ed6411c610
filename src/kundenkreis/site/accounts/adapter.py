"""What we tell django-allauth: nobody signs up by themselves, our words, our mail, secrets encrypted, everything audited.

allauth owns the flows (password, second factor, passkeys, reset, single sign-on); pages, addresses and accounts are ours.
"""

import base64
import hashlib
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from cryptography.fernet import Fernet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from requests import RequestException

from kundenkreis.settings import secret_key
from kundenkreis.site import mail
from kundenkreis.site.audit import address_of, audit
from kundenkreis.site.audit_words import action_word
from kundenkreis.site.models import Account
from kundenkreis.site.mounted import mounted

_EVENTS = {
    "account/email/password_changed": "password_changed",
    "account/email/password_set": "password_changed",
    "account/email/password_reset": "password_reset",
    "mfa/email/totp_activated": "second_factor_added",
    "mfa/email/totp_deactivated": "second_factor_removed",
    "mfa/email/webauthn_added": "second_factor_added",
    "mfa/email/webauthn_removed": "second_factor_removed",
    "mfa/email/recovery_codes_generated": "recovery_codes_made",
}
"""What allauth would send a notice about -> what the audit log calls it."""

SSO_BACK = "openid_connect_callback"
"""Name of the address to which the provider sends people back."""
_WRONG = gettext_lazy("E-mail address or password is not right.")
_TOO_OFTEN = gettext_lazy("That was tried too often. Wait five minutes, then try again.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Signing in by password, and what happens around it."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _WRONG,
        "incorrect_password": gettext_lazy("The password is not right."),
        "enter_current_password": gettext_lazy("The password is not right."),
        "incorrect_code": gettext_lazy("The code is not right."),
        "too_many_login_attempts": _TOO_OFTEN,
        "rate_limited": _TOO_OFTEN,
        "invalid_password_reset": gettext_lazy("This link no longer works."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People join by invitation only."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Within this site, whatever names it is known by (A15)."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where to after signing in, when nothing else was asked for."""
        return "/"

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that limits count by."""
        return address_of(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures per account and address together: nobody can lock somebody else out (A37)."""
        return f"{address_of(request)}:{str(credentials.get('email', '')).lower()}"

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Account | None:
        """The account with this address and password; a disabled one is answered like a wrong password."""
        found = super().authenticate(request, **credentials)
        return found if isinstance(found, Account) and found.is_active else None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Audit it where there is such an account; what was typed elsewhere is nobody's business."""
        email = str(credentials.get("email", "")).strip().lower()
        account = Account.objects.filter(email=email).first()
        if account is not None:
            audit(request, "sign_in_refused", "account", account.pk)

    def login(self, request: HttpRequest, user: Any) -> None:
        """Begin a session under a new id."""
        super().login(request, user)
        methods = request.session.get("account_authentication_methods") or [{}]
        audit(request, "signed_in", "account", user.pk, {"by": methods[-1].get("method", "")}, actor=user)

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Our pages say themselves what happened."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """The one mail that allauth sends itself: a password reset to somebody who is known."""
        if template_prefix != "account/email/password_reset_key":
            return
        text = _(
            "Somebody, probably you, wants to set a new password for your account at %(brand)s. This link does it once, within "
            "30 minutes:\n\n%(link)s\n\nIf it was not you, do nothing: the old password stays."
        )
        link = context["password_reset_url"]
        brand = mounted().settings.brand
        mail.send(email, _("A new password for %(brand)s") % {"brand": brand}, text % {"brand": brand, "link": link})

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: Any = None, email: str | None = None
    ) -> None:
        """Audit what changed about an account's protection, and tell its person."""
        action = _EVENTS.get(template_prefix)
        request = allauth_context.request
        if action is None or request is None:
            return
        audit(request, action, "account", user.pk, actor=user)
        if user.email:
            text = _(
                "The protection of your account at %(brand)s was changed: %(what)s. If it was not you, tell an administrator "
                "at once."
            )
            brand = mounted().settings.brand
            subject = _("Your account at %(brand)s") % {"brand": brand}
            mail.send(user.email, subject, text % {"brand": brand, "what": action_word(action)})

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link of that mail: its host comes from the settings, never from the request (A46)."""
        return mounted().settings.public_url + reverse("account_reset_password_from_key", args=key.split("-", 1))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """A disabled account gets in by no other way either (single sign-on, passkey)."""
        by_provider = request.resolver_match is not None and request.resolver_match.url_name == SSO_BACK
        return redirect("socialaccount_login_error" if by_provider else "login")


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth ships no types
    """Second factors: their secrets are stored encrypted."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("The code is not right."),
    }

    def encrypt(self, text: str) -> str:
        """Under a key of the installation's secret file, so that a copy of the database is not enough."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """The counterpart."""
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        """What authenticator apps show."""
        return mounted().settings.brand

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """A name for a passkey that was given none."""
        return _("Passkey")


def _fernet() -> Fernet:
    key = hashlib.blake2b(secret_key(mounted().settings, "second-factor"), digest_size=32).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """Single sign-on lets in whom an account waits for, by the address that the provider has verified."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Nobody comes in who was not invited."""
        return False

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Where the provider is the reason, the page and the log say so. Without one: cancelled, or an answer nobody asked for."""
        if isinstance(exception, (RequestException, OAuth2Error)):
            from kundenkreis.site.accounts.single_sign_on import provider_failed  # noqa: PLC0415 - needs the tables

            raise ImmediateHttpResponse(provider_failed(request, exception))
