"""Messages that were put aside until a person decides: why, and what can be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from kundenkreis.site.ports.customer_acts import Actor

Why = Literal["uncertain", "overdue", "poison"]
"""uncertain: the connection broke while it was handed over. overdue: it would have gone out long after its time. poison: it was begun again and
again, and never came to an end."""
Decision = Literal["send", "close"]
"""send: it is judged anew and goes out if the contact rules allow. close: it stays as it is and waits for nobody any more."""
AUDITED: Mapping[Decision, str] = {"send": "released", "close": "settled"}
"""What the audit log calls each."""
MOST_AT_ONCE = 500
"""Messages that one decision settles."""


@dataclass(frozen=True, kw_only=True)
class HeldGroup:
    """Messages that were put aside for one reason and say the same."""

    why: Why
    content_id: str
    journey_id: str
    channel: str
    count: int
    still_useful: int
    """How many of them are not past their validity: only these can be sent."""
    since_us: int
    """When the first of them was put aside."""


@dataclass(frozen=True, kw_only=True)
class HeldPage:
    """What waits for a person."""

    groups: tuple[HeldGroup, ...]
    is_all: bool
    """False: more wait than were looked at."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which of them: one by its id, or all of one group."""

    message_id: str = ""
    why: str = ""
    content_id: str = ""
    journey_id: str = ""


class HeldMessages(Protocol):
    """Reads what was put aside, and settles it."""

    def find_groups(self) -> HeldPage:
        """All of it, the longest waiting group first."""
        ...

    def find_one(self, message_id: str) -> HeldGroup | None:
        """This message as a group of one, if it was put aside and nobody has decided yet."""
        ...

    def decide(self, chosen: Chosen, decision: Decision, actor: Actor) -> int:
        """Settle up to MOST_AT_ONCE of those chosen; how many were. What is past its validity is not sent and not counted."""
        ...
