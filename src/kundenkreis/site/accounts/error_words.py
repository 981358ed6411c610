"""What is wrong with a request about accounts, in the viewer's words."""

from django.utils.translation import gettext as _

from kundenkreis.kernel.errors import CallerError


def error_sentence(error: CallerError) -> str:
    """The sentence for an error; its own message where the pages have none."""
    return {
        "not_yours_to_grant": _("Nobody gives or takes rights beyond their own."),
        "last_owner": _("An installation keeps at least one owner. Make somebody else the owner first."),
        "own_account": _("Your own role and access are changed by somebody else."),
        "email_taken": _("There is an account with this e-mail address already."),
        "unknown_scope": _("A key can have permissions that its owner has, and nothing else."),
    }.get(error.code, str(error))
