"""A publisher in memory, for tests: keeps what was published and answers a stated impact."""

from collections.abc import Collection

from kundenkreis.definitions.impact import Impact

NOBODY = Impact(customers=0, memberships=(), journeys=())


class MemoryPublisher:
    """Keeps rulebooks in a list (definitions/publisher.py: Publisher)."""

    def __init__(self, impact: Impact = NOBODY) -> None:
        self.published: list[tuple[bytes, str, tuple[str, ...]]] = []
        """(definitions, actor, include_existing) of every version."""
        self._impact = impact

    def in_force(self) -> bytes:
        """The definitions published last."""
        return self.published[-1][0] if self.published else b"[]"

    def impact(self, definitions: bytes, *, include_existing: Collection[str] = ()) -> Impact:
        """The impact stated at the beginning."""
        return self._impact

    def publish(self, definitions: bytes, *, actor: str, include_existing: Collection[str] = ()) -> tuple[int, int]:
        """(number of versions so far, 1000 times that)."""
        self.published.append((definitions, actor, tuple(sorted(include_existing))))
        return len(self.published), 1000 * len(self.published)
