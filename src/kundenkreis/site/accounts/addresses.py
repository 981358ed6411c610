"""Addresses for signing in and of one's own account. Some carry names by which django-allauth looks for them."""

from typing import Final

from django.urls import register_converter

from kundenkreis.site.accounts import single_sign_on
from kundenkreis.site.pages import account, login
from kundenkreis.site.routes import EVERYBODY, SIGNED_IN, Openness, route


class Base36:
    """An account's number as the mail of a password reset writes it."""

    regex = "[0-9a-z]{1,13}"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(Base36, "base36")

OPEN: Final[dict[str, Openness]] = {"see": EVERYBODY, "change": EVERYBODY}
OWN: Final[dict[str, Openness]] = {"see": SIGNED_IN, "change": SIGNED_IN}

ADDRESSES = [
    # Signing in
    route("login/", login.SignIn.as_view(), name="login", **OPEN),
    route("login/", login.SignIn.as_view(), name="account_login", **OPEN),  # allauth's name for it
    route("login/code/", login.SecondFactor.as_view(), name="mfa_authenticate", **OPEN),
    route("login/passkey/", login.PasskeySignIn.as_view(), name="mfa_login_webauthn", **OPEN),
    route("login/forgot/", login.ForgotPassword.as_view(), name="account_reset_password", **OPEN),
    route("login/forgot/sent/", login.ForgotPasswordSent.as_view(), name="account_reset_password_done", see=EVERYBODY),
    route(
        "login/password/<base36:uidb36>-<str:key>/",
        login.NewPassword.as_view(),
        name="account_reset_password_from_key",
        **OPEN,
    ),
    route("login/sso/failed/", login.sso_failed, name="socialaccount_login_error", see=EVERYBODY),
    route("login/sso/cancelled/", login.sso_failed, name="socialaccount_login_cancelled", see=EVERYBODY),
    route("login/sso/<str:provider_id>/", single_sign_on.go, name="openid_connect_login", see=EVERYBODY),
    route(
        "login/sso/<str:provider_id>/back/",
        single_sign_on.come_back,
        name="openid_connect_callback",
        see=EVERYBODY,
    ),
    route("login/<str:token>/", login.use_link, name="login_link", **OPEN),
    route("invitation/<str:token>/", login.accept_invitation, name="invitation", **OPEN),
    route("welcome/", login.welcome, name="welcome", **OWN),
    route("logout/", login.leave, name="logout", change=SIGNED_IN),
    # One's own account
    route("account/", account.show_account, name="account", **OWN),
    route("account/", account.show_account, name="mfa_index", **OWN),  # allauth's name for it
    route("account/sessions/", account.end_other_sessions, name="end_other_sessions", change=SIGNED_IN),
    route("account/password/", account.ChangePassword.as_view(), name="account_change_password", **OWN),
    route("account/password/first/", account.SetPassword.as_view(), name="account_set_password", **OWN),
    route("account/confirm/", account.ConfirmByPassword.as_view(), name="account_reauthenticate", **OWN),
    route("account/confirm/code/", account.ConfirmByCode.as_view(), name="mfa_reauthenticate", **OWN),
    route(
        "account/confirm/passkey/",
        account.ConfirmByPasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
        **OWN,
    ),
    route("account/app/", account.AddApp.as_view(), name="mfa_activate_totp", **OWN),
    route("account/app/remove/", account.RemoveApp.as_view(), name="mfa_deactivate_totp", **OWN),
    route("account/passkey/", account.AddPasskey.as_view(), name="mfa_add_webauthn", **OWN),
    route("account/passkey/<int:pk>/", account.RemovePasskey.as_view(), name="mfa_remove_webauthn", **OWN),
    route("account/codes/", account.RecoveryCodes.as_view(), name="mfa_view_recovery_codes", see=SIGNED_IN),
    route("account/codes/new/", account.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes", **OWN),
]
