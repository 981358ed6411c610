"""What a request to an unsubscribe link means (RFC 8058), decided without doing anything.

A GET or HEAD changes nothing, because link scanners open every address in every mail (trust A20): it shows a page
with a button. A POST withdraws: with exactly `List-Unsubscribe=One-Click`, as mail programs send it,
or from the page's form.
"""

from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from kundenkreis.channels.core.tokens import Scope

BODY_LIMIT_BYTES = 4096
"""A one-click body has 26 octets; a form with two fields and a boundary stays under 1,000."""

Reach = Literal["purpose", "all"]


class ShowPage(msgspec.Struct, frozen=True):
    """200 with the page that has the button."""

    scope: Scope
    with_body: bool
    """False for HEAD."""


class Withdraw(msgspec.Struct, frozen=True):
    """Record the withdrawal durably, then answer 200. Doing it twice is doing it once."""

    scope: Scope
    reach: Reach
    """purpose: this list only; all: everything that promotes."""
    one_click: bool
    """From a mail program: nobody reads a page."""


class Refuse(msgspec.Struct, frozen=True):
    """Answer with this status and nothing else; 404 looks the same whatever the reason."""

    status: Literal[400, 404, 405, 413]


Decision = ShowPage | Withdraw | Refuse


def decide(method: str, scope: Scope | None, *, content_type: str = "", body: bytes = b"") -> Decision:
    """The answer to a request. `scope` is what the token in the address opened to, None if it opened to nothing."""
    if method not in ("GET", "HEAD", "POST"):
        return Refuse(405)
    if scope is None:
        return Refuse(404)
    if method != "POST":
        return ShowPage(scope, method == "GET")
    if len(body) > BODY_LIMIT_BYTES:
        return Refuse(413)
    meaning = _MEANINGS.get(tuple(form_fields(content_type, body) or ()))
    return Withdraw(scope, meaning[0], one_click=meaning[1]) if meaning is not None else Refuse(400)


_MEANINGS: dict[tuple[tuple[str, str], ...], tuple[Reach, bool]] = {
    (("List-Unsubscribe", "One-Click"),): ("purpose", True),
    (("reach", "purpose"),): ("purpose", False),
    (("reach", "all"),): ("all", False),
}
"""All that a body may say: (what it withdraws, whether a mail program said it)."""


def form_fields(content_type: str, body: bytes, *, most: int = 8) -> list[tuple[str, str]] | None:
    """The fields of a urlencoded or multipart form, None if it is neither, malformed, or has more of them."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return parse_qsl(
                body.decode("ascii").strip(), keep_blank_values=True, strict_parsing=True, max_num_fields=most
            )
        if kind == "multipart/form-data":
            return _multipart(parameters, body)
    except ValueError:
        return None
    return None


def _multipart(parameters: str, body: bytes) -> list[tuple[str, str]] | None:
    boundary = _parameter(parameters, "boundary")
    if not boundary or len(boundary) > 70:
        return None
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("ascii"))
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        return None
    fields = []
    for part in parts[1:-1]:
        head, separator, value = part.partition(b"\r\n\r\n")
        name = _field_name(head.decode("ascii"))
        if not separator or name is None:
            return None
        fields.append((name, value.decode("ascii")))
    return fields


def _field_name(head: str) -> str | None:
    for line in head.split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            kind, _, parameters = value.partition(";")
            return _parameter(parameters, "name") if kind.strip().lower() == "form-data" else None
    return None


def _parameter(parameters: str, wanted: str) -> str | None:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == wanted:
            return value.strip().strip('"')
    return None
