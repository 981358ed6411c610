"""Every hash that decides something: event ids, effect ids, profile ids, buckets.

Chance is a hash (design: semantics): the same person gets the same answer on every machine and in every rebuild.
"""

from hashlib import blake2b

from kundenkreis.kernel.ids import EffectId, EventId, ProfileId

BUCKETS = 10_000
"""Resolution of splits, samples and holdouts: one bucket is 0.01 %."""

_SEPARATOR = b"\x1f"
_MOST_READY = 64
_LENGTHS = [length.to_bytes(4, "big") for length in range(_MOST_READY)]
"""Of nearly every part."""
_HASHES = {size: blake2b(digest_size=size) for size in (8, 16)}
"""Fresh ones: copying costs less than making."""


def _digest(size: int, parts: tuple[object, ...]) -> bytes:
    """Hot: several for each message."""
    prefixed: list[bytes] = []
    for part in parts:
        data = part if type(part) is bytes else str(part).encode("utf-8", "surrogatepass")
        length = len(data)
        prefixed += (_LENGTHS[length] if length < _MOST_READY else length.to_bytes(4, "big"), data)
    fresh = _HASHES[size].copy()
    fresh.update(b"".join(prefixed))
    return fresh.digest()


def hash128(*parts: object) -> bytes:
    """16 bytes over the parts, each prefixed by its length, so that ("ab","c") differs from ("a","bc")."""
    return _digest(16, parts)


def event_id_of(source: str, message_id: str) -> EventId:
    """The id of an event from outside: stable under repeats, distinct between sources. Hot: one hash, no joins."""
    return EventId(
        blake2b(source.encode() + _SEPARATOR + message_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    )


def effect_id_of(origin: bytes | int, run_id: bytes, step_id: str, occurrence: int) -> EffectId:
    """The id of an effect: what caused it, for which run and step, which time. No customer id, no log position."""
    return EffectId(hash128("effect", origin, run_id, step_id, occurrence))


def profile_id_of(event_id: bytes) -> ProfileId:
    """A new customer's id, from the event that created it."""
    return ProfileId(int.from_bytes(_digest(8, ("profile", event_id)), "big") >> 1 or 1)


def bucket_of(bucket_key: str, salt: str = "") -> int:
    """0..9999: where chance puts this person for the purpose named by `salt`."""
    return int.from_bytes(_digest(8, ("bucket", salt, bucket_key)), "big") % BUCKETS
