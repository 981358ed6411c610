"""What publishing needs of the store: the rulebook in force, what a new one would do, and putting it in force."""

from collections.abc import Collection
from typing import Protocol

from kundenkreis.definitions.impact import Impact


class Publisher(Protocol):
    """A place that keeps rulebooks (runtime/publishing.py; a fake in definitions/testing.py)."""

    def in_force(self) -> bytes:
        """Canonical JSON of the rulebook in force; b"[]" while there is none."""

    def version_in_force(self) -> int:
        """Its number; 0 while there is none."""

    def impact(self, definitions: bytes, *, include_existing: Collection[str] = ()) -> Impact:
        """What publishing these definitions now would do. Changes nothing."""

    def publish(
        self, definitions: bytes, *, actor: str, include_existing: Collection[str] = (), after: int | None = None
    ) -> tuple[int, int]:
        """Put these definitions in force for everybody: (rulebook version, log position).

        Raises:
            PublishedMeanwhileError: `after` is given, and the rulebook in force is another version.
        """

    def start_broadcast(self, journey_id: str, *, actor: str) -> int:
        """Let everybody in of whom the audience of this broadcast holds now; the log position."""

    def end_runs(self, journey_id: str, *, actor: str) -> int:
        """Let everybody leave who is under way in a journey, whatever its version; the log position. Messages not handed over are taken back."""
