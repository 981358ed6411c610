"""What the API offers: each operation with what it needs, in one table that the door, the description and the tests read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ninja import Router

from kundenkreis.site.access import check_known, may
from kundenkreis.site.api.errors import ForbiddenError

Method = Literal["GET", "POST", "PUT", "DELETE"]
Needs = tuple[str, ...]
Handler = Callable[..., Any]
PERSON: Final[Needs] = ("customers.see", "personal.see")
"""For everything that holds values of a person: answers are never masked, so whoever may not see them gets none."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One operation."""

    method: Method
    path: str
    """Below /api/v1/, with {parameters}."""
    needs: Needs | Callable[[Mapping[str, str]], Needs]
    """Permissions, all of them; or which, by the parameters of the path."""
    is_writing: bool
    summary: str
    media_type: str = "application/json"
    """Of the answer."""
    secret: str = ""
    """The member of the answer that is given once: a repeated request gets it empty, and it is kept nowhere."""

    def needed(self, parameters: Mapping[str, str]) -> Needs:
        """The permissions for these parameters."""
        return self.needs if isinstance(self.needs, tuple) else self.needs(parameters)


OFFERED: Final[dict[tuple[str, str], Offer]] = {}
"""(method, path) -> operation."""


def offer(
    router: Router,
    method: Method,
    path: str,
    *,
    needs: Needs | Callable[[Mapping[str, str]], Needs],
    answer: Any,
    summary: str,
    is_writing: bool = False,
    media_type: str = "application/json",
    secret: str = "",
) -> Callable[[Handler], Handler]:
    """Take a function in as an operation.

    Args:
        answer: type of the answer.
        summary: in English, in the catalogue (gettext_noop).
        is_writing: it changes something, so it keeps its answer for an Idempotency-Key.
        media_type, secret: see Offer.
    """
    if isinstance(needs, tuple):
        check_known(needs)
    OFFERED[method, path] = Offer(
        method=method, path=path, needs=needs, is_writing=is_writing, summary=summary, media_type=media_type, secret=secret
    )  # fmt: skip

    def take(handler: Handler) -> Handler:
        decorate = router.api_operation(
            [method], f"/{path}", response=answer, operation_id=handler.__name__, summary=summary
        )
        taken: Handler = decorate(handler)
        return taken

    return take


def require(*needs: str) -> None:
    """Raises ForbiddenError unless the viewer has all of these."""
    if not may(*needs):
        raise ForbiddenError(needs=list(needs))
