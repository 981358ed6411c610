"""Who may do what: roles, one table of permissions, one policy per address, and the viewer of the page being made.

The table is the only place where a role gets a permission. An address asks for permissions (`routes.route`), a page asks
`may()`, a template looks into `permissions`, a value of a person goes through `personal`. Without a viewer nothing is allowed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kundenkreis.kernel.errors import BugError


class UnknownPermissionError(BugError):
    """A page asks for a permission that the table of permissions does not have."""

    code = "unknown_permission"


class Role(StrEnum):
    """What an account is here for. Every account has exactly one role."""

    OWNER = "owner"
    ADMIN = "admin"
    MARKETING = "marketing"
    SALES = "sales"
    SERVICE = "service"
    PRIVACY_OFFICER = "privacy_officer"
    VIEWER = "viewer"
    EXTERNAL_PARTNER = "external_partner"


# Least privilege: a cross where the daily work needs it. `personal.*` are the values of a person's fields (name, addresses, birthday,
# texts); without it they are shown masked and cannot be searched. `personal.sensitive` are special categories (Art. 9 GDPR).
_TABLE: Final = """
                     owner  admin  marketing  sales  service  privacy_officer  viewer  external_partner
start.see              x      x        x        x       x            x            x           x
customers.see          x      x        x        x       x            x            x           .
customers.edit         x      x        x        x       x            x            .           .
customers.merge        x      x        .        x       x            x            .           .
personal.see           x      x        x        x       x            x            .           .
personal.sensitive     x      .        .        .       .            x            .           .
segments.see           x      x        x        x       x            x            x           x
segments.edit          x      x        x        .       .            .            .           .
journeys.see           x      x        x        x       x            x            x           x
journeys.edit          x      x        x        .       .            .            .           .
journeys.publish       x      x        x        .       .            .            .           .
content.see            x      x        x        x       x            x            x           x
content.edit           x      x        x        .       .            .            .           x
messages.see           x      x        x        x       x            x            x           .
messages.stop          x      x        x        x       x            x            .           .
messages.release       x      x        x        x       x            .            .           .
events.see             x      x        x        .       .            x            .           .
events.replay          x      x        .        .       .            .            .           .
insights.see           x      x        x        x       x            x            x           x
exports.make           x      x        x        .       .            x            .           .
privacy.answer         x      x        .        .       .            x            .           .
privacy.erase          x      .        .        .       .            x            .           .
settings.see           x      x        x        .       .            x            .           .
settings.edit          x      x        .        .       .            .            .           .
status.see             x      x        x        .       .            x            .           .
users.see              x      x        .        .       .            x            .           .
users.edit             x      x        .        .       .            .            .           .
keys.see               x      x        .        .       .            .            .           .
keys.edit              x      x        .        .       .            .            .           .
audit.see              x      x        .        .       .            x            .           .
"""


def _read_table(text: str) -> dict[str, frozenset[Role]]:
    head, *rows = (line.split() for line in text.strip().splitlines())
    roles = [Role(name) for name in head]
    return {row[0]: frozenset(role for role, sign in zip(roles, row[1:], strict=True) if sign == "x") for row in rows}


ROLES_WITH: Final = _read_table(_TABLE)
"""Permission -> roles that have it."""
PERMISSIONS: Final = tuple(ROLES_WITH)
"""Every permission, in the order of the table. The part before the dot is the kind of object."""
_OF_ROLE: Final = {role: frozenset(name for name, roles in ROLES_WITH.items() if role in roles) for role in Role}
NOTHING: Final[frozenset[str]] = frozenset()


def permissions_of(role: Role) -> frozenset[str]:
    """What a role may do."""
    return _OF_ROLE[role]


def grantable_roles(role: Role) -> tuple[Role, ...]:
    """Roles that somebody of this role may give to others or take from them: those with no right beyond their own, A41."""
    if "users.edit" not in _OF_ROLE[role]:
        return ()
    return tuple(
        other for other in Role if _OF_ROLE[other] <= _OF_ROLE[role] and (other != Role.OWNER or role == other)
    )


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who looks at the page that is being made."""

    account_id: int
    name: str
    """How the audit log calls them."""
    role: Role
    permissions: frozenset[str]
    """Those of the role; of somebody who comes with an API key, those that the key and its owner both have."""


_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def viewer() -> Viewer | None:
    """Who looks, None for somebody who is not signed in."""
    return _viewer.get()


@contextmanager
def seen_by(someone: Viewer | None) -> Iterator[None]:
    """What happens inside happens for this viewer. A streamed answer is made after its request: wrap it again."""
    token = _viewer.set(someone)
    try:
        yield
    finally:
        _viewer.reset(token)


def may(*needed: str) -> bool:
    """Whether the viewer has all of these permissions.

    Raises:
        UnknownPermissionError: there is no such permission.
    """
    check_known(needed)
    someone = _viewer.get()
    return someone is not None and someone.permissions.issuperset(needed)


def check_known(names: tuple[str, ...]) -> None:
    """Raises UnknownPermissionError for a permission that the table does not have."""
    if unknown := [name for name in names if name not in ROLES_WITH]:
        raise UnknownPermissionError(f"There is no permission {', '.join(unknown)}; see site/access.py.", names=unknown)
