"""Errors of taking events in.

What is wrong with a single event is not an error but a value: `core.messages.Malformed`.
"""

from kundenkreis.kernel.errors import CallerError, ProviderError


class InboxFullError(ProviderError):
    """More events are waiting to be stored than may wait; send them again in a moment."""

    code = "inbox_full"


class InboxUnavailableError(ProviderError):
    """Events cannot be stored durably right now; send them again in a moment."""

    code = "inbox_unavailable"


class InboxDamagedError(InboxUnavailableError):
    """The file of requests that wait is damaged; put it back from a copy or move it away, then a new one begins."""

    code = "inbox_damaged"


class WriteKeyFileError(CallerError):
    """The file of write keys cannot be read."""

    code = "write_key_file"
