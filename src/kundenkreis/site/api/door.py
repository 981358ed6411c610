"""The door of the API: who comes, how often, whether they may, and whether it was done before. Behind it answers ninja."""

import hashlib
from typing import Final

import msgspec
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch
from django.urls.resolvers import RegexPattern, URLResolver
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from kundenkreis.kernel.zones import MINUTE, SECOND, to_datetime
from kundenkreis.site import access
from kundenkreis.site.access import Viewer
from kundenkreis.site.accounts.api_keys import viewer_by_key
from kundenkreis.site.api import errors
from kundenkreis.site.api.description import API, description
from kundenkreis.site.api.offers import OFFERED, Offer, require
from kundenkreis.site.api.problems import answer_exception
from kundenkreis.site.api.repeats import once
from kundenkreis.site.mounted import mounted

VERSION: Final = "v1/"
PER_MINUTE: Final = 600
"""Requests of one key, or of one account's pages: ten a second, which one process serves beside its pages."""
_BEARER: Final = "bearer "

_behind: Final = URLResolver(RegexPattern(""), API.urls[0])


@csrf_exempt  # whoever changes something comes with a key, which no foreign page can send along
@never_cache
def answer(request: HttpRequest, address: str) -> HttpResponseBase:
    """Answer a request to /api/<address>. JSON, also for what is refused; a file where one is offered."""
    try:
        return _answer(request, address)
    except Exception as error:
        return answer_exception(request, error)


def _answer(request: HttpRequest, address: str) -> HttpResponseBase:
    if request.method == "HEAD":
        request.method = "GET"
    if address == f"{VERSION}openapi.json":
        return _described(request)
    match, template = _resolve(address)
    offered = _offered(str(request.method), template)
    someone = _come(request)
    with access.seen_by(someone):
        require(*offered.needed(match.kwargs))
        return _carry_out(request, match, offered, someone)


def _described(request: HttpRequest) -> HttpResponse:
    if request.method != "GET":
        raise errors.MethodError(allow="GET")
    return HttpResponse(msgspec.json.encode(description()), content_type="application/json")


def _resolve(address: str) -> tuple[ResolverMatch, str]:
    if not address.startswith(VERSION):
        raise errors.NotFoundError
    try:
        match = _behind.resolve(address.removeprefix(VERSION))
    except Http404 as error:
        raise errors.NotFoundError from error
    return match, match.route.replace("<", "{").replace(">", "}")


def _offered(method: str, template: str) -> Offer:
    offered = OFFERED.get((method, template))
    if offered is None:
        raise errors.MethodError(allow=", ".join(sorted(one for one, path in OFFERED if path == template)))
    return offered


def _carry_out(request: HttpRequest, match: ResolverMatch, offered: Offer, someone: Viewer) -> HttpResponseBase:
    def carry_out() -> HttpResponse:
        response = match.func(request, *match.args, **match.kwargs)
        assert isinstance(response, HttpResponse)  # only files stream
        return response

    if offered.is_writing and "Idempotency-Key" in request.headers:
        return once(request, someone.account_id, carry_out, secret=offered.secret)
    if offered.media_type != "application/json":
        answered: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return answered
    return carry_out()


def _come(request: HttpRequest) -> Viewer:
    """Who asks, within what they may ask in a minute.

    Raises:
        UnauthenticatedError, TooManyRequestsError
    """
    given = request.headers.get("Authorization", "")
    now_us = mounted().clock_us()
    if given:
        key = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
        someone, who = viewer_by_key(key, now=to_datetime(now_us)), _name_of(key)
    else:
        someone = access.viewer() if request.method == "GET" else None
        who = f"account-{someone.account_id}" if someone is not None else ""
    if someone is None:
        raise errors.UnauthenticatedError
    minute, spent = divmod(now_us, MINUTE)
    counter = f"api-rate:{who}:{minute}"
    cache.add(counter, 0, timeout=120)
    if cache.incr(counter) > PER_MINUTE:
        raise errors.TooManyRequestsError(seconds=-((spent - MINUTE) // SECOND))
    return someone


def _name_of(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
