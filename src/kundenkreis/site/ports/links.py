"""What the content editor asks about the links of a content: a check that runs beside the page, looked at until it is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kundenkreis.content.core.links import Finding


@dataclass(frozen=True, kw_only=True)
class LinkCheck:
    """How far a check is."""

    check_id: str
    links: tuple[str, ...]
    """What it asks about, in the order of the content."""
    findings: Mapping[str, Finding]
    """Link -> what is said of it, as far as known; of every link once it is over."""
    left_out: int
    """So many more there are, of which nobody was asked."""
    is_over: bool


class LinkChecks(Protocol):
    """Asks websites whether links work."""

    def start(self, links: Sequence[str]) -> LinkCheck | None:
        """Ask about these links (30 at most) and wait a moment; None while too many other checks run."""
        ...

    def find(self, check_id: str) -> LinkCheck | None:
        """A check that was started a while ago; None for one that nobody knows any more."""
        ...
