"""What can be wrong with a request about accounts and keys."""

from kundenkreis.kernel.errors import CallerError


class NotYoursToGrantError(CallerError):
    """Nobody gives or takes rights beyond their own."""

    code = "not_yours_to_grant"


class LastOwnerError(CallerError):
    """An installation keeps at least one owner. Make somebody else the owner first."""

    code = "last_owner"


class OwnAccountError(CallerError):
    """Your own role and access are changed by somebody else."""

    code = "own_account"


class EmailTakenError(CallerError):
    """There is an account with this e-mail address already."""

    code = "email_taken"


class UnknownScopeError(CallerError):
    """A key can have permissions that its owner has, and nothing else."""

    code = "unknown_scope"
