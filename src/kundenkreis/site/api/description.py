"""The API as one object, and its description as an OpenAPI 3.1 document."""

from functools import cache
from typing import Any, Final

import msgspec
from django.http import Http404, HttpRequest
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.site.api import accounts, acts, circle, customers, definitions, trials
from kundenkreis.site.api.offers import OFFERED, Offer
from kundenkreis.site.api.problems import MEDIA_TYPE, answer_exception

PREFIX: Final = "/api/v1/"
_REFUSALS: Final = {
    "400": "The request cannot be read.",
    "401": "No key that works came with it.",
    "403": "The key or account does not have what this needs.",
    "404": "There is nothing at this address.",
    "409": "Somebody else was faster, or the same request is still under way.",
    "413": "The body is too large.",
    "422": "The request does not fit, or cannot be carried out.",
    "429": "Too many requests; Retry-After says when to come again.",
}
_PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "code": {"type": "string", "description": "For programs; stable."},
        "errors": {
            "type": "array",
            "description": "Each mistake with a JSON pointer into the body, or the name of its parameter.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "key": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "description": "The same request with the same key is carried out once; its answer is kept for 24 hours.",
}


class StrictParser(Parser):
    """JSON as RFC 8259 has it: no NaN, no lone surrogates, no zero characters."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body. Raises ValueError for what is not JSON, or could not be stored."""
        read: dict[str, Any] = msgspec.json.decode(request.body)
        if _is_unstorable(read):
            raise ValueError
        return read


def _is_unstorable(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _is_unstorable(one) for key, one in value.items())
    if isinstance(value, list):
        return any(_is_unstorable(one) for one in value)
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _build() -> NinjaAPI:
    api = NinjaAPI(
        title="Kundenkreis",
        version="1",
        description="What the pages do, for programs. Instants are microseconds since 1970-01-01 UTC, days are days since then.",
        openapi_url=None,
        docs_url=None,
        parser=StrictParser(),
    )
    for router in (customers.router, acts.router, circle.router, definitions.router, trials.router, accounts.router):
        api.add_router("", router)
    api.add_exception_handler(Exception, answer_exception)
    for kind in (Http404, HttpError, ValidationError):  # ninja has answers of its own for these
        api.add_exception_handler(kind, answer_exception)
    return api


API: Final = _build()


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document."""
    document: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(dict(API.get_openapi_schema(path_prefix=PREFIX)), enc_hook=str)
    )
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, OFFERED[method.upper(), path.removeprefix(PREFIX)])
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "kk_api_..."}}
    document["security"] = [{"key": []}]
    return document


def _complete(operation: dict[str, Any], offered: Offer) -> None:
    """Add what holds for every operation: permissions, refusals, the key for repeating."""
    refusal = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for status, words in _REFUSALS.items():
        operation["responses"][status] = {"description": words, "content": {MEDIA_TYPE: refusal}}
    if isinstance(offered.needs, tuple):
        operation["x-permissions"] = list(offered.needs)
    else:
        operation["x-permissions-by-kind"] = {kind: list(offered.needed({"kind": kind})) for kind in BY_KIND}
    if offered.media_type != "application/json":
        operation["responses"]["200"]["content"] = {offered.media_type: {"schema": {"type": "string"}}}
    if offered.is_writing:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY)
