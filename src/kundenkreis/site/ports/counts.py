"""What the segment builder asks when an estimate is not enough: everybody counted, in the background, with progress."""

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from kundenkreis.site.ports.segments import Estimate

CountState = Literal["at_work", "done", "failed"]
ASKED_SECONDS: Final = 30
"""A count of which nobody asked for so long ends."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """One count, as far as it is."""

    count_id: str
    state: CountState
    done: int
    """States gone through, of `total`; 0 of 0 until it is its turn."""
    total: int
    result: Estimate | None
    """When it is done: exact, with `as_of_us`; or why the condition cannot be asked."""


class Counts(Protocol):
    """Counts for whom conditions hold, one at a time for each who asks."""

    def begin(self, asker: str, condition: Any) -> Count:
        """Begin to count everybody; takes the place of an earlier count of the same asker."""
        ...

    def find(self, asker: str, count_id: str) -> Count | None:
        """How far this count is; None if it was ended, a newer one took its place, or the process was started anew."""
        ...

    def end(self, asker: str) -> None:
        """End the count of this asker, if there is one."""
        ...
