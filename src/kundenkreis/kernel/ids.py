"""Names for the identifiers that travel through every part, so that a mix-up is a type error."""

from typing import NewType

ProfileId = NewType("ProfileId", int)
"""63-bit positive integer, derived from the event that created the customer; globally unique, never reused."""

MOST_PROFILE_ID = (1 << 63) - 1
"""No store takes a number beyond it, so nobody can have one; addresses may name it all the same."""

EventId = NewType("EventId", bytes)
"""16 bytes: hash of (source, messageId) for events from outside, of the deciding facts for derived ones."""

EffectId = NewType("EffectId", bytes)
"""16 bytes: hash(origin event id or due instant, run id, step id, occurrence). Survives merges and moves."""

RunId = NewType("RunId", bytes)
"""16 bytes: hash of (journey, entry key, entering event id or instant)."""

Micros = int
"""An instant: microseconds since 1970-01-01T00:00:00Z. The fold's only representation of time (ADR 0002)."""

NEVER: Micros = (1 << 62) - 1
"""An instant that never comes: the flip of an answer that no passing of time changes."""

PARTITIONS = 256
"""Virtual partitions, for ever: moving a customer between machines moves whole partitions."""


def partition_of(profile_id: int) -> int:
    """Which of the 256 partitions a customer lives in. The id is a hash already, so its low byte is uniform."""
    return profile_id & (PARTITIONS - 1)


def profile_id_in(text: str) -> int:
    """The number that people or programs wrote; 0 where it is none that anybody can have."""
    number = int(text) if text.isdecimal() and len(text) < 20 else 0
    return number if number <= MOST_PROFILE_ID else 0
