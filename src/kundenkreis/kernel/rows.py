"""The log row: the one shape in which anything ever happens to a customer.

Everything the fold knows comes from these rows and from due instants. The names of the columns are the names of the
fields, but for the checksum, which only the store knows; `docs/reference/log.md` explains each.
"""

from typing import Any, Literal

import msgspec

Origin = Literal["api", "import", "human", "derived", "feedback", "control"]

LATE = 1
"""Older than the lateness limit on arrival: updates profile and facts, starts no journey."""
CLAMPED = 2
"""Claimed to be more than 5 minutes ahead: happened_us was set to received_us."""
DERIVED = 4
"""Written for the record by the fold itself; never folded again."""
CLAIMED = 8
"""Came in by a public write key naming a user id it cannot prove; see links["claimed_user_id"]."""
PUBLIC = 16
"""Came in by a public write key: may not touch identity, e-mail, phone or consent."""

STATE_CARRIED = "State Carried"
"""Name of a base: a row of type `state` with a customer's whole state, from which a rebuild starts. Flagged DERIVED: never folded."""


class LogRow(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """One row of the log. Immutable once appended; `number` is ascending within the partition, not gapless."""

    partition: int
    number: int
    event_id: bytes
    profile_id: int
    type: str
    """identify, track, page, screen, group, alias; or control, merge, state (a base)."""
    name: str
    """Event name for track/page/screen and derived events; "" for identify."""
    happened_us: int
    received_us: int
    at_us: int
    """max(received_us, the partition's clock): the instant at which the row is folded."""
    day: int
    """Installation day number of happened_us (days since 1970-01-01 in the installation's zone)."""
    origin: str
    actor: str = ""
    reason: str = ""
    cause: bytes = b""
    """Event id of what made this row, b"" for events from outside."""
    depth: int = 0
    flags: int = 0
    source: str = ""
    brand: str = ""
    schema_version: int = 1
    links: dict[str, Any] | None = None
    """What the resolver found out: {"attach": [[kind, value], ...], "claimed_user_id": ..., "order_ids": [...]}."""
    body: dict[str, Any] = msgspec.field(default_factory=dict)
    """The message as received (decoded JSON object): properties, traits, context, ids. Stored as JSON bytes."""

    @property
    def properties(self) -> dict[str, Any]:
        """The event's properties (track, page, screen) or {}."""
        value = self.body.get("properties")
        return value if type(value) is dict else {}

    @property
    def traits(self) -> dict[str, Any]:
        """The traits (identify, group) or {}."""
        value = self.body.get("traits")
        return value if type(value) is dict else {}
