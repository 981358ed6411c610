"""What people do to many customers together: looked at before, one event per customer, told afterwards who was changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.customers import CustomerLine, CustomerQuery

Act = Literal["pause", "resume", "set"]
"""Pause marketing, end a pause, set a value of the profile."""
Fate = Literal["pending", "done", "as_is", "several", "gone"]
"""What becomes of one person: still to be changed; changed; stays as it is, because it is so already; holds several values
where one would be set; joined into another record or erased meanwhile."""
FATES: Final[tuple[Fate, ...]] = ("pending", "done", "as_is", "several", "gone")
State = Literal["gathering", "at_work", "done", "too_many", "stopped"]
"""Finding out whom it concerns; changing them; over; refused because they are more than MOST_PEOPLE; ended before its time. In the
last two nobody, or nobody further, was changed."""
MOST_PEOPLE: Final = 10_000
"""Most people of one act: so many are found, written and folded within half a minute, and whoever errs can still look through them.
For more there are segments and journeys."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to each of them."""

    act: Act
    until_us: int = 0
    """Of a pause: its end."""
    name: str = ""
    """Of a value: which."""
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What an act would do."""

    people: int
    """Whom it concerns; from a sample where `is_exact` is not so."""
    is_exact: bool
    is_too_many: bool
    fates: Mapping[Fate, int]
    """How many of them would be changed (done), and how many not; only where `is_exact` and a change was given."""
    first: tuple[CustomerLine, ...]
    """A few of them."""


@dataclass(frozen=True, kw_only=True)
class BulkAct:
    """One act on many, as far as it is."""

    bulk_id: str
    change: Change
    actor: Actor
    account_id: int
    begun_us: int
    state: State
    total: int
    """Whom it concerns; 0 while that is being found out."""
    fates: Mapping[Fate, int]
    is_resting: bool
    """Unfinished, and nobody works on it."""
    is_shown: bool
    """Every page shows it: the last of its events is folded."""


class BulkActs(Protocol):
    """Acts on many customers. Whoever works on one holds it for a while; what was not finished can be taken up again."""

    def look(self, query: CustomerQuery, change: Change | None) -> Look:
        """What this would do to the people that the query finds, looked at for about a second; without a change only who they are."""
        ...

    def begin(self, bulk_id: str, change: Change, actor: Actor, *, account_id: int) -> bool:
        """Note it and hold it; False if it is noted already, so that what is sent twice happens once."""
        ...

    def gather(self, bulk_id: str, query: CustomerQuery) -> bool:
        """Note whom it concerns and what becomes of each; False, and nobody is changed, if they are too many."""
        ...

    def take(self, bulk_id: str) -> tuple[int, ...]:
        """The next people to be changed, for whoever holds it; () when it is over."""
        ...

    def perform(self, bulk_id: str, people: Sequence[int]) -> None:
        """Change these: one event each, which is written once however often this is called."""
        ...

    def find(self, bulk_id: str) -> BulkAct | None:
        """One act, None if there is none."""
        ...

    def take_up(self, bulk_id: str) -> bool:
        """Hold one that is resting and knows whom it concerns; False if somebody else works on it or it is over."""
        ...

    def stop(self, bulk_id: str) -> None:
        """End it; who was changed stays so."""
        ...

    def unfinished(self) -> tuple[BulkAct, ...]:
        """Those that are not over, the oldest first; somebody may work on them."""
        ...
