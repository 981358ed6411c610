"""The base of every error that Kundenkreis raises on purpose.

An error's docstring is the message a person reads; its fields are data; `code` is a stable slug that the API,
the command line and the docs use. Sorted by whose fault it is: the caller's, a provider's, ours.
"""


class KundenkreisError(Exception):
    """Something went wrong in Kundenkreis."""

    code = "error"

    def __init__(self, message: str = "", **data: object) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.data = data


class CallerError(KundenkreisError):
    """The request cannot be carried out as it was given."""

    code = "caller_error"


class ProviderError(KundenkreisError):
    """A service outside Kundenkreis failed."""

    code = "provider_error"


class BugError(KundenkreisError):
    """Kundenkreis contradicts itself; please report this."""

    code = "bug"
