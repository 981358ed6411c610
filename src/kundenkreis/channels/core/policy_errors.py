"""What can be wrong with a contact policy."""

from kundenkreis.kernel.errors import CallerError


class PolicyError(CallerError):
    """The contact policy contradicts itself."""

    code = "policy_invalid"
