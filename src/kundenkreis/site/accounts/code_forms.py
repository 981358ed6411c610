"""Codes of authenticator apps: each works once, also while the clock's tolerance would still let it pass."""

from typing import Any, Final

from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_REMEMBERED_SECONDS: Final = 120
"""Longer than a code passes: three steps of 30 seconds."""


class _EachCodeOnce(BaseAuthenticateForm):  # type: ignore[misc] # allauth ships no types
    def clean_code(self) -> Any:
        """The code. Raises ValidationError when it is wrong or was used."""
        code = super().clean_code()
        is_app = self.authenticator.type == Authenticator.Type.TOTP
        if is_app and not cache.add(f"code-{self.user.pk}-{code}", True, timeout=_REMEMBERED_SECONDS):
            raise ValidationError(_("The code is not right."))
        return code


class CodeForm(_EachCodeOnce, AuthenticateForm):  # type: ignore[misc] # allauth ships no types
    """The second factor when signing in."""


class ConfirmCodeForm(_EachCodeOnce, ReauthenticateForm):  # type: ignore[misc] # allauth ships no types
    """A code before something that matters."""
