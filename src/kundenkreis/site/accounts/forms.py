"""The forms of accounts: what was typed, checked, with what is wrong said at the field."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from kundenkreis.site.access import Role
from kundenkreis.site.accounts.people import is_email_taken, normal_email
from kundenkreis.site.models import Account

_NAME_LENGTH = 120
_PASSWORD_HELP = _("At least 12 characters. Several words that do not belong together are easy to remember.")


class PlainText(forms.CharField):
    """One line without control characters, which no name has and which tear headers and logs apart (A26, A43)."""

    def clean(self, value: Any) -> str:
        """The line; raises ValidationError."""
        text: str = super().clean(value)
        return "".join(sign for sign in text if sign.isprintable())


def _password(label: Any, autocomplete: str, help_text: Any = "") -> forms.CharField:
    attributes = {"autocomplete": autocomplete}
    return forms.CharField(
        label=label, help_text=help_text, strip=False, max_length=256, widget=forms.PasswordInput(attrs=attributes)
    )


class JoinForm(forms.Form):
    """Name and password of somebody who was invited."""

    name = PlainText(
        label=_("Your name"), max_length=_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = _password(_("Password"), "new-password", _PASSWORD_HELP)

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean(self) -> dict[str, Any]:
        """The password must not be common, short, or like the name or address."""
        found = super().clean() or {}
        someone = Account(email=found.get("email") or self._email, name=found.get("name", ""))
        try:
            validate_password(found.get("password", ""), someone)
        except ValidationError as error:
            if "password" in found:
                self.add_error("password", error)
        return found


class OwnerForm(JoinForm):
    """Name, address and password of the first owner."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    field_order = ("name", "email", "password")

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account = account

    def clean_email(self) -> str:
        """An address that no other account has."""
        email = normal_email(self.cleaned_data["email"])
        if is_email_taken(email, but=self._account):
            raise ValidationError(_("There is an account with this e-mail address already."))
        return email


class NameForm(forms.Form):
    """One's own name."""

    name = PlainText(
        label=_("Your name"), max_length=_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )


class InvitationForm(forms.Form):
    """Whom to invite, as what. `roles` are those that the inviter may give."""

    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = forms.ChoiceField(label=_("Role"), choices=roles)

    def clean_email(self) -> str:
        """An address that no account has."""
        email = normal_email(self.cleaned_data["email"])
        if is_email_taken(email):
            raise ValidationError(_("There is an account with this e-mail address already."))
        return email

    def clean_role(self) -> Role:
        """The role."""
        return Role(self.cleaned_data["role"])


class ApiKeyForm(forms.Form):
    """What a key is for, what it may do, for how long. `scopes` are the viewer's own permissions."""

    name = PlainText(label=_("What is it for?"), max_length=80)
    days = forms.TypedChoiceField(label=_("Works for"), coerce=int)
    scopes = forms.MultipleChoiceField(label=_("May"), widget=forms.CheckboxSelectMultiple)

    def __init__(
        self, *args: Any, scopes: list[tuple[str, str]], periods: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"] = forms.TypedChoiceField(label=_("Works for"), coerce=int, choices=periods, initial="365")
        self.fields["scopes"] = forms.MultipleChoiceField(
            label=_("May"),
            choices=scopes,
            widget=forms.CheckboxSelectMultiple,
            error_messages={"required": _("Choose at least one thing that the key may do.")},
        )


class WriteKeyForm(forms.Form):
    """The touchpoint that sends events, and whether its key can be kept secret."""

    source = forms.RegexField(
        label=_("Touchpoint"),
        regex=r"\A[a-z0-9][a-z0-9_-]{0,39}\Z",
        max_length=40,
        help_text=_(
            "A short name such as shop or till. With the message id it makes an event's identity, so it stays."
        ),
        error_messages={"invalid": _("Small letters, digits, - and _ only, at most 40.")},
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("server", _("Secret: for a server")),
            ("public", _("Public: stands in web pages and apps")),
        ],
    )
