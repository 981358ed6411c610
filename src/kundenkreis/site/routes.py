"""Addresses with their policy beside them: `route("segments/", segments.show_list, name="segments", see="segments.see")`.

`see` is asked for GET and HEAD, `change` for everything else. Without `change` an address answers GET alone, so nothing changes by a link.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, Final, Literal

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path

from kundenkreis.site.access import Viewer, check_known

SAFE_METHODS: Final = ("GET", "HEAD")


class Openness(Enum):
    """Needs that are no permission."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed in"


EVERYBODY: Final = Openness.EVERYBODY
"""Whoever can reach the server, without signing in."""
SIGNED_IN: Final = Openness.SIGNED_IN
"""Every account, whatever its role: one's own affairs."""

Need = Openness | tuple[str, ...]
"""An openness, or the permissions that are needed, all of them."""
View = Callable[..., HttpResponseBase]
Asked = Openness | str | tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """What an address asks for."""

    see: Need | None
    """To read; None: it cannot be read, only posted to."""
    change: Need | None
    """To post; None: it cannot be posted to."""

    def need(self, method: str | None) -> Need | None:
        """What this method needs, None where it is not allowed at all."""
        return self.see if method in SAFE_METHODS else self.change


def is_met(need: Need, someone: Viewer | None) -> bool:
    """Whether a viewer (None: not signed in) has what is needed."""
    if need is EVERYBODY:
        return True
    if someone is None:
        return False
    return need is SIGNED_IN or (isinstance(need, tuple) and someone.permissions.issuperset(need))


def policy_of(view: object) -> Policy | None:
    """The policy of a view as `route` mounted it; None: it has none, and nobody may use it."""
    return getattr(view, "kreis_policy", None)


def route(
    address: str,
    view: View,
    *,
    name: str,
    see: Asked | None = None,
    change: Asked | None = None,
) -> URLPattern:
    """An address with its policy.

    Args:
        address: as in django.urls.path.
        see: for GET and HEAD: a permission, several, EVERYBODY or SIGNED_IN. None: they are answered with 405.
        change: the same for POST and every other method.

    Raises:
        UnknownPermissionError: a permission is not in the table.
    """
    policy = Policy(_need(see), _need(change))

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if policy.need(request.method) is None:
            return _not_allowed(policy)
        return view(request, *args, **kwargs)

    guarded.kreis_policy = policy  # type: ignore[attr-defined] # read by policy_of()
    return path(address, login_not_required(guarded), name=name)


def _need(asked: Asked | None) -> Need | None:
    if asked is None or isinstance(asked, Openness):
        return asked
    names = (asked,) if isinstance(asked, str) else asked
    check_known(names)
    return names


def _not_allowed(policy: Policy) -> HttpResponse:
    methods: list[Literal["GET", "HEAD", "POST"]] = []
    if policy.see is not None:
        methods += ["GET", "HEAD"]
    if policy.change is not None:
        methods += ["POST"]
    return HttpResponseNotAllowed(methods)
