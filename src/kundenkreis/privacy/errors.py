"""What can be wrong with a request about a person's data."""

from kundenkreis.kernel.errors import CallerError


class UnknownCustomerError(CallerError):
    """There is no such customer: give a profile id, a user id, an e-mail address, a telephone number or an anonymous id."""

    code = "unknown_person"


class AmbiguousCustomerError(CallerError):
    """Several customers go by this name; say whose by kind:value, such as email:anna@example.com or user_id:4711."""

    code = "ambiguous_customer"
