"""What the REST API answers when it cannot do what was asked; each has its line in `problems.STATUS_OF`."""

from kundenkreis.kernel.errors import CallerError


class UnauthenticatedError(CallerError):
    """Send an API key that works: Authorization: Bearer kk_api_... A browser's session may read, but not change."""

    code = "unauthenticated"


class ForbiddenError(CallerError):
    """This key or account does not have the permissions that this needs."""

    code = "forbidden"


class NotFoundError(CallerError):
    """There is nothing at this address."""

    code = "not_found"


class MethodError(CallerError):
    """This address does not take this method."""

    code = "method_not_allowed"


class TrialGoneError(CallerError):
    """This trial run is not there: it was ended, a newer one of the journey took its place, or the server was started anew. Begin it again."""

    code = "trial_gone"


class CountGoneError(CallerError):
    """This count is not there: a newer one took its place, nobody asked for 30 seconds, or the server was started anew. Begin it again."""

    code = "count_gone"


class ImpossibleError(CallerError):
    """This cannot be done with this customer."""

    code = "impossible"


class ConditionRefusedError(CallerError):
    """This condition cannot be asked."""

    code = "condition_refused"


class DraftsRefusedError(CallerError):
    """The drafts still have mistakes; nothing was published."""

    code = "drafts_refused"


class StillUsedError(CallerError):
    """Something would miss this definition; nothing was changed."""

    code = "still_used"


class TooManyRequestsError(CallerError):
    """Too many requests with this key in this minute."""

    code = "too_many_requests"


class OtherRequestError(CallerError):
    """This Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"


class StillWorkingError(CallerError):
    """The first request with this Idempotency-Key is still under way."""

    code = "still_working"


class BadIdempotencyKeyError(CallerError):
    """An Idempotency-Key is 1 to 200 printable ASCII characters."""

    code = "bad_idempotency_key"
