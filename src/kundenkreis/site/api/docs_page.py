"""The page that documents the API, made from its OpenAPI document: what can be asked, with what, and who may."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from kundenkreis.site.api.description import PREFIX, description

_REF: Final = "#/components/schemas/"
_DEPTH: Final = 2
"""How far parts of parts are written out; deeper ones are in the document itself."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A value that an operation takes or gives."""

    name: str
    type: str
    is_required: bool
    note: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    note: str
    permissions: str
    parameters: tuple[Parameter, ...]
    body: tuple[Parameter, ...]
    answer: tuple[Parameter, ...]
    takes_key: bool


def show_docs(request: HttpRequest) -> HttpResponse:
    """Every operation, by area."""
    operations: dict[str, list[Operation]] = {}
    for path, methods in description()["paths"].items():
        for method, found in methods.items():
            operations.setdefault(found["tags"][0], []).append(_operation(path, method, found))
    words = {
        "customers": _("Customers"),
        "acts": _("Filters, exports, many customers, switching journeys"),
        "circle": _("Figures, segments, journeys, content, messages"),
        "definitions": _("Definitions and drafts"),
        "trials": _("Trial runs"),
        "accounts": _("Accounts and keys"),
    }
    groups = [(tag, words[tag], listed) for tag, listed in operations.items()]
    context = {"groups": groups, "document_path": f"{PREFIX}openapi.json", "document_name": "OpenAPI 3.1"}
    return render(request, "api/docs.html", context)


def _operation(path: str, method: str, found: dict[str, Any]) -> Operation:
    listed = [one for one in found.get("parameters", ()) if one["name"] != "Idempotency-Key"]
    body = found.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    answer = found["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
    by_kind = found.get("x-permissions-by-kind")
    needs, summary = found.get("x-permissions", []), str(found["summary"])
    return Operation(
        anchor=found["operationId"],
        method=method.upper(),
        path=path,
        summary=_(summary),
        note=found.get("description", ""),
        permissions=", ".join(sorted({one for each in by_kind.values() for one in each}) if by_kind else needs),
        parameters=tuple(
            Parameter(
                name=one["name"],
                type=_type(one["schema"]),
                is_required=bool(one.get("required")),
                note=one["schema"].get("description", ""),
            )
            for one in listed
        ),
        body=_fields(body),
        answer=_fields(answer),
        takes_key=len(listed) < len(found.get("parameters", ())),
    )


def _fields(schema: dict[str, Any], prefix: str = "", depth: int = 0) -> tuple[Parameter, ...]:
    """The members of an object, those of its parts indented by their path."""
    held = _follow(schema)
    found: list[Parameter] = []
    for name, part in held.get("properties", {}).items():
        found.append(
            Parameter(
                name=prefix + name,
                type=_type(part),
                is_required=name in held.get("required", ()),
                note=part.get("description", ""),
            )
        )
        if depth + 1 < _DEPTH:
            found += _fields(part, f"{prefix}{name}.", depth + 1)
    return tuple(found)


def _follow(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema is of: behind references, lists and "or null"."""
    schemas = description()["components"]["schemas"]
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].removeprefix(_REF)]
        elif schema.get("type") == "array" and isinstance(schema.get("items"), dict):
            schema = schema["items"]
        elif "anyOf" in schema:
            schema = next((one for one in schema["anyOf"] if one.get("type") != "null"), {})
        else:
            return schema


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(_REF))
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"{_type(items)}[]" if isinstance(items, dict) else "array"
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "JSON")
