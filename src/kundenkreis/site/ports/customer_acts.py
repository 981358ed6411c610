"""What people may do to a customer from the pages. Every act is an event on the person's log, with who did it and why."""

from dataclasses import dataclass
from typing import Protocol

from kundenkreis.site.ports.customers import CustomerLine


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MergedValue:
    """One value of the profile before and after two records become one."""

    name: str
    kept: str
    """What the record that stays says now."""
    joined: str
    """What the other one says."""
    after: str


@dataclass(frozen=True, kw_only=True)
class MergePreview:
    """What two records would become."""

    kept: CustomerLine
    joined: CustomerLine
    after: CustomerLine
    values: tuple[MergedValue, ...]
    """Those in which the two differ."""
    consents_lost: tuple[str, ...]
    """"channel|purpose" of consents of either that would no longer hold: a merge never widens."""


class CustomerActs(Protocol):
    """Acts on single customers. Each waits up to a second until the person's page shows it, and says whether it does."""

    def correct_value(self, profile_id: int, name: str, value: str, actor: Actor) -> bool:
        """Set a value of the profile."""
        ...

    def pause_marketing(self, profile_id: int, until_us: int, actor: Actor) -> bool:
        """No marketing until an instant, 90 days from now at the latest."""
        ...

    def resume_marketing(self, profile_id: int, actor: Actor) -> bool:
        """Lift a pause."""
        ...

    def stop_message(self, profile_id: int, message_id: str, actor: Actor) -> bool:
        """Take back a planned message for good."""
        ...

    def preview_merge(self, kept_id: int, joined_id: int) -> MergePreview | None:
        """What joining one record into another would make; None where the two cannot be joined: one is missing, they are one
        already, or the one that stays has no customer number."""
        ...

    def merge(self, kept_id: int, joined_id: int, actor: Actor) -> bool:
        """Join one record into another."""
        ...
