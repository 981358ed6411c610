"""The HTTP protocol of the server with a bound on the head of a request: how long it may take and how large it may be.

uvicorn waits for ever for the end of the headers and keeps any number of them. A sender of one header byte a minute would
hold a connection for days, one that never ends its headers would fill the memory. Use it as
`uvicorn.Config(..., http=GuardedHttpProtocol)`; it costs nothing measurable, because a head that arrives in one piece, as
nearly all do, starts no timer.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""From the connection, or from the first byte of a later request, to the end of the headers."""

MOST_HEAD_BYTES = 64 * 1024
"""Four times what browsers and proxies send at most."""


class GuardedHttpProtocol(HttpToolsProtocol):
    """Closes connections whose headers come too slowly or never end."""

    head_seconds = HEAD_SECONDS
    most_head_bytes = MOST_HEAD_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """A connection must say something at all."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_seconds, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to guard."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._is_in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there; the body is the application's concern."""
        self._is_in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; if the head is still open afterwards, count and hurry."""
        super().data_received(data)
        if not self._is_in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.most_head_bytes:
            self.transport.close()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
