"""A publisher and drafts in memory, for tests."""

from collections.abc import Collection

from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.errors import PublishedMeanwhileError
from kundenkreis.definitions.impact import Impact

NOBODY = Impact(customers=0, memberships=(), journeys=())


class MemoryPublisher:
    """Keeps rulebooks in a list (definitions/publisher.py: Publisher)."""

    def __init__(self, impact: Impact = NOBODY) -> None:
        self.published: list[tuple[bytes, str, tuple[str, ...]]] = []
        """(definitions, actor, include_existing) of every version."""
        self.ended: list[tuple[str, str]] = []
        """(journey, actor) of every stop."""
        self.started: list[tuple[str, str]] = []
        """(journey, actor) of every broadcast."""
        self._impact = impact

    def in_force(self) -> bytes:
        """The definitions published last."""
        return self.published[-1][0] if self.published else b"[]"

    def version_in_force(self) -> int:
        """How many were published."""
        return len(self.published)

    def impact(self, definitions: bytes, *, include_existing: Collection[str] = ()) -> Impact:
        """The impact stated at the beginning."""
        return self._impact

    def publish(
        self, definitions: bytes, *, actor: str, include_existing: Collection[str] = (), after: int | None = None
    ) -> tuple[int, int]:
        """(number of versions so far, 1000 times that)."""
        if after not in (None, len(self.published)):
            raise PublishedMeanwhileError
        self.published.append((definitions, actor, tuple(sorted(include_existing))))
        return len(self.published), 1000 * len(self.published)

    def start_broadcast(self, journey_id: str, *, actor: str) -> int:
        """How often that happened."""
        self.started.append((journey_id, actor))
        return len(self.started)

    def end_runs(self, journey_id: str, *, actor: str) -> int:
        """How often that happened."""
        self.ended.append((journey_id, actor))
        return len(self.ended)


class MemoryDrafts:
    """Keeps drafts in a dict (definitions/drafts.py: DraftStore)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Draft] = {}

    def find(self, kind: str, name: str) -> Draft | None:
        """See DraftStore."""
        return self._kept.get((kind, name))

    def every(self, kind: str = "") -> tuple[Draft, ...]:
        """See DraftStore."""
        return tuple(draft for key, draft in sorted(self._kept.items()) if kind in ("", key[0]))

    def save(self, draft: Draft) -> bool:
        """See DraftStore."""
        kept = self._kept.get((draft.kind, draft.id))
        if (kept.revision if kept is not None else 0) != draft.revision - 1:
            return False
        self._kept[draft.kind, draft.id] = draft
        return True

    def remove(self, kind: str, name: str, *, revision: int) -> bool:
        """See DraftStore."""
        kept = self._kept.get((kind, name))
        if kept is None or kept.revision != revision:
            return False
        del self._kept[kind, name]
        return True
