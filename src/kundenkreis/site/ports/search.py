"""What the command palette asks: things of one kind that are called like this."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Found:
    """One thing that was found."""

    kind: str
    """customer, journey, segment, content, page ...: which icon and heading it gets."""
    id: str
    title: str
    detail: str
    """A second line that tells two of the same title apart; "" if there is nothing to say."""
    path: str
    """Where it leads to, on this site."""


class Search(Protocol):
    """Finds things of one kind."""

    def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """At most `limit` things whose names hold what was typed, the likeliest first."""
        ...
