"""Calling an ASGI application without a server: one request in, one answer out."""

import asyncio
import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kundenkreis.events.tracking import AsgiApp


class Answer(NamedTuple):
    """What the application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of an error answer."""
        return str(json.loads(self.body)["code"])


def basic(key: str) -> tuple[bytes, bytes]:
    """The Authorization header of a write key."""
    return b"authorization", b"Basic " + base64.b64encode(f"{key}:".encode())


async def call(
    app: AsgiApp,
    path: str,
    body: bytes | Sequence[bytes] | Any = b"",
    *,
    headers: Iterable[tuple[bytes, bytes]] = (),
    key: str = "",
    method: str = "POST",
    client: str = "192.0.2.1",
    hang_up: bool = False,
    stall: bool = False,
) -> Answer | None:
    """Send a request; a list of chunks arrives one by one. None if the application answered nothing."""
    chunks = list(body) if isinstance(body, list) and all(isinstance(one, bytes) for one in body) else [_encoded(body)]
    all_headers = [*headers, *([basic(key)] if key else [])]
    scope = {
        "type": "http", "method": method, "path": path, "headers": all_headers, "client": (client, 40000), "query_string": b"",
    }  # fmt: skip
    messages = [
        {"type": "http.request", "body": chunk, "more_body": hang_up or stall or i + 1 < len(chunks)}
        for i, chunk in enumerate(chunks)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        if stall:
            await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message["body"] for message in rest),
    )


def _encoded(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
