"""Nobody gets past here: who is signed in, for how long still, and whether the address is theirs to use."""

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from kundenkreis.site import access
from kundenkreis.site.models import Account
from kundenkreis.site.mounted import mounted
from kundenkreis.site.routes import EVERYBODY, SIGNED_IN, is_met, policy_of

IDLE_US: Micros = 12 * HOUR
"""A session in which nothing happened for so long is over."""
LONGEST_US: Micros = 30 * DAY
"""So is one that began so long ago, however busy."""
_NOTE_EVERY_US: Micros = 10 * MINUTE
"""How exactly the last use is known: every note is a write."""
_BEGAN, _USED = "kreis_began_us", "kreis_used_us"

_log = logging.getLogger(__name__)


class AccessMiddleware:
    """Ends sessions that are over, makes the viewer known, and refuses what an address's policy does not allow."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the rest of the chain for the viewer of this request."""
        if request.user.is_authenticated:
            _end_or_note(request)
        with access.seen_by(viewer_of(request)):
            return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """None to go on. Effects: none.

        Raises:
            PermissionDenied: the viewer's role does not have what the address asks for, or the address has no policy.
        """
        policy = policy_of(view)
        if policy is None:
            _log.error("An address without a policy was asked for and refused: mount it with routes.route().")
            raise PermissionDenied
        need = policy.need(request.method)
        someone = access.viewer()
        if need is None:
            need = (
                EVERYBODY if EVERYBODY in (policy.see, policy.change) else SIGNED_IN
            )  # 405, but not told to strangers
        if is_met(need, someone):
            return None
        if someone is None:
            return _to_login(request)
        raise PermissionDenied


def viewer_of(request: HttpRequest) -> access.Viewer | None:
    """Who is signed in by the session's cookie."""
    account = request.user
    if not isinstance(account, Account):
        return None
    role = access.Role(account.role)
    return access.Viewer(
        account_id=account.pk, name=account.shown_name, role=role, permissions=access.permissions_of(role)
    )


def _end_or_note(request: HttpRequest) -> None:
    now_us = mounted().clock_us()
    session = request.session
    began, used = session.get(_BEGAN), session.get(_USED)
    if isinstance(began, int) and isinstance(used, int):
        if now_us - used >= IDLE_US or now_us - began >= LONGEST_US:
            logout(request)
        elif now_us - used >= _NOTE_EVERY_US:
            session[_USED] = now_us
        return
    session[_BEGAN] = session[_USED] = now_us


def _to_login(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back; a part of a page that is fetched later tells the whole page to go there."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": resolve_url("login")})
    return redirect_to_login(request.get_full_path(), resolve_url("login"))
