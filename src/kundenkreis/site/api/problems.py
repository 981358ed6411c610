"""Every refusal as application/problem+json (RFC 9457), with one table of statuses."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.errors import (
    BadDraftError,
    DefinitionsRefusedError,
    NoDraftError,
    PublishedMeanwhileError,
    StaleDraftError,
)
from kundenkreis.kernel.errors import CallerError, KundenkreisError
from kundenkreis.site.accounts.errors import (
    EmailTakenError,
    LastOwnerError,
    NotYoursToGrantError,
    OwnAccountError,
    UnknownScopeError,
)
from kundenkreis.site.api import errors
from kundenkreis.site.database_away import is_database_away

MEDIA_TYPE: Final = "application/problem+json"
STATUS_OF: Final[dict[type[KundenkreisError], int]] = {
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    NoDraftError: 404,
    errors.TrialGoneError: 404,
    errors.CountGoneError: 404,
    errors.MethodError: 405,
    errors.StillWorkingError: 409,
    PublishedMeanwhileError: 409,
    StaleDraftError: 409,
    BadDraftError: 422,
    errors.ImpossibleError: 422,
    errors.ConditionRefusedError: 422,
    errors.DraftsRefusedError: 422,
    errors.StillUsedError: 422,
    DefinitionsRefusedError: 422,
    EmailTakenError: 422,
    LastOwnerError: 422,
    NotYoursToGrantError: 422,
    OwnAccountError: 422,
    UnknownScopeError: 422,
    errors.OtherRequestError: 422,
    errors.TooManyRequestsError: 429,
    CallerError: 400,
    KundenkreisError: 500,
}
"""Kind of error -> HTTP status; an error that is not listed has that of its nearest ancestor."""

_log = logging.getLogger(__name__)


def status_of(error: KundenkreisError) -> int:
    """The status that an error is answered with."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def problem(status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """A refusal.

    Args:
        code: stable slug, for programs.
        detail: for people.
        more: further members of the document.
    """
    body = {
        "type": f"urn:kundenkreis:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    return HttpResponse(msgspec.json.encode(body), status=status, content_type=MEDIA_TYPE)


def answer_exception(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """The refusal that stands for whatever was raised."""
    if isinstance(error, ValidationError):
        return problem(422, "invalid", "The request does not fit its description.", errors=pointed(error.errors))
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", "The body is too large.")
    if isinstance(error, HttpError):
        return problem(error.status_code, "unreadable", "The body is not valid JSON.")
    if isinstance(error, Exception) and is_database_away(error):
        _log.exception("The API failed at %s.", request.path)
        return problem(
            503, "unavailable", "The database does not answer, or nothing can be written. Ask again in a minute."
        )
    if not isinstance(error, KundenkreisError):
        _log.exception("The API failed at %s.", request.path)
        return problem(500, "failed", "Something went wrong here. It is in the server's log.")
    status = status_of(error)
    if status >= 500:
        _log.exception("The API failed at %s.", request.path)
    response = problem(status, error.code, str(error), **_particulars(error))
    if isinstance(error, errors.UnauthenticatedError):
        response["WWW-Authenticate"] = 'Bearer realm="Kundenkreis"'
    if isinstance(error, errors.TooManyRequestsError | errors.StillWorkingError):
        response["Retry-After"] = str(error.data.get("seconds", 1))
    if isinstance(error, errors.MethodError):
        response["Allow"] = str(error.data["allow"])
    return response


def pointed(found: Sequence[Any]) -> list[dict[str, str]]:
    """Each mistake with where it is: a JSON pointer into the body, or the name of the parameter."""
    return [_pointed(one) for one in found]


def _pointed(one: Any) -> dict[str, str]:
    where, *rest = [str(part) for part in one["loc"]]
    if where == "body":
        return {"pointer": pointer(rest[1:]), "detail": str(one["msg"])}
    return {"parameter": rest[-1] if rest else where, "detail": str(one["msg"])}


def pointer(path: Sequence[object]) -> str:
    """A path as a JSON pointer in a fragment (RFC 6901)."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _particulars(error: KundenkreisError) -> dict[str, Any]:
    if isinstance(error, StaleDraftError):
        current = error.data.get("current")
        return {"current": msgspec.to_builtins(current) if isinstance(current, Draft) else None}
    if isinstance(error, errors.ConditionRefusedError | errors.DraftsRefusedError | errors.StillUsedError):
        return {"errors": error.data.get("errors", [])}
    if isinstance(error, errors.ForbiddenError):
        return {"needs": error.data.get("needs", [])}
    if isinstance(error, PublishedMeanwhileError):
        keys = error.data.get("keys", ())
        return {"keys": list(keys) if isinstance(keys, tuple | list) else []}
    return {}
