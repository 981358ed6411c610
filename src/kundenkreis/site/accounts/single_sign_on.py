"""Single sign-on: going to the company's OpenID Connect provider and coming back. django-allauth does the protocol.

What is asked beyond it: an answer is taken only whole and about one person, a link made by one provider is none of another, and a
provider that cannot be reached, or does not speak OpenID Connect, ends on a page that says so.

Source: OpenID Connect Core 1.0, sections 3.1.3.7 and 5.3.2; OpenID Connect Discovery 1.0, section 3.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from requests import RequestException

_NEEDED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
"""What a provider's configuration must name."""
_LONGEST_SUBJECT: Final = 191
"""What the table of links holds; the standard allows 255, no provider we know of uses more than 100."""
_BAD_GATEWAY = 502

_log = logging.getLogger(__name__)


class CompanyProvider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc] # allauth ships no types
    """The provider of KREIS_OIDC_URL. Raises OAuth2Error for answers that are not OpenID Connect."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """Where the provider answers what."""
        found = super().openid_config
        if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NEEDED):
            raise OAuth2Error(f"The provider's configuration does not name all of {', '.join(_NEEDED)}.")
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        """Who the provider says it is: the subject of its token, with what it tells about that subject."""
        answer = kwargs["response"]
        if not isinstance(answer, dict) or not isinstance(answer.get("id_token"), str):
            raise OAuth2Error("The provider gave no ID token.")
        signed = self._decode_id_token(app, answer["id_token"])
        told = self._fetch_user_info(token.token)
        subject = signed.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise OAuth2Error("The ID token names no usable subject.")
        if not isinstance(told, dict) or told.get("sub") != subject:
            raise OAuth2Error("The ID token and the user info are about different people.")
        _forget_links_of_others(signed["iss"], subject, provider=self.provider_id)
        said = told | {"email": _text(told.get("email")), "email_verified": _is_true(told.get("email_verified"))}
        found: SocialLogin = self.get_provider().sociallogin_from_response(
            request, {"userinfo": said, "id_token": signed}
        )
        return found


def _forget_links_of_others(issuer: str, subject: str, *, provider: str) -> None:
    """Drop what the provider of another issuer linked: its subject of the same name is somebody else. Who it was comes in by address."""
    for linked in SocialAccount.objects.filter(provider=provider, uid=subject):
        known = (linked.extra_data or {}).get("id_token")
        if not isinstance(known, dict) or known.get("iss") != issuer:
            linked.delete()


def _is_true(value: object) -> bool:
    """Some providers send the words "true" and "false"."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def go(request: HttpRequest, provider_id: str) -> HttpResponse:
    """To the provider. Only to sign in: nobody ties another identity to the account that is signed in here."""
    if request.GET.get("process", "login") != "login":
        raise Http404

    def away(provider: CompanyProvider) -> HttpResponse:
        _ = (
            provider.openid_config
        )  # seen to be whole before anybody is sent there; the view asks for it anew, unchecked
        return _answer(OAuth2LoginView.adapter_view(provider), request)

    return _asked(request, provider_id, away)


def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """What the provider answered: signed in, on to the second factor, or why not."""
    return _asked(request, provider_id, lambda provider: _answer(OAuth2CallbackView.adapter_view(provider), request))


def _answer(view: Callable[[HttpRequest], HttpResponse], request: HttpRequest) -> HttpResponse:
    return view(request)


def _asked(request: HttpRequest, provider_id: str, ask: Callable[[CompanyProvider], HttpResponse]) -> HttpResponse:
    try:
        return ask(CompanyProvider(request, provider_id))
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (RequestException, OAuth2Error) as error:
        return provider_failed(request, error)


def provider_failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """The provider is the reason: no address, no answer, or one that makes no sense. The server's log says which."""
    _log.warning("Single sign-on failed: %s: %s", type(error).__name__, str(error)[:300])
    return render(request, "accounts/sso_failed.html", {"is_provider": True}, status=_BAD_GATEWAY)
