"""Fakes of this part for tests and for the simulator. They pass the same contract suite as the real ones."""

from collections.abc import Sequence
from typing import Any

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.withdrawals import may_forbid
from kundenkreis.events.errors import InboxUnavailableError
from kundenkreis.events.inbox import Point, no_point


class MemoryInbox:
    """An inbox in memory, shaped like `SqliteInbox`. What it holds outlives `close`, as a file would."""

    def __init__(self, *, point: Point = no_point) -> None:
        self._point = point
        self._rows: list[tuple[int, InboxItem]] = []
        self._last = 0
        self.refuses = False
        """While True, `append` fails as a full disk does."""

    def append(self, items: Sequence[InboxItem]) -> None:
        """See `Inbox.append`."""
        if self.refuses:
            raise InboxUnavailableError(reason="refuses on purpose")
        rows = list(enumerate(items, self._last + 1))
        self._point("inbox.before_commit")
        self._rows.extend(rows)
        self._last += len(rows)
        self._point("inbox.after_commit")

    def forbidding(self, after: int) -> list[int]:
        """See `SqliteInbox.forbidding`."""
        return [position for position, item in self._rows if position > after and may_forbid(item)]

    def bodies(self, positions: Sequence[int]) -> list[tuple[Any, ...]]:
        """See `SqliteInbox.bodies`."""
        return [(position, item.endpoint, item.body) for position, item in self._rows if position in positions]

    def read(self, after: int, *, most_items: int, most_bytes: int) -> list[tuple[int, InboxItem]]:
        """See `SqliteInbox.read`."""
        found: list[tuple[int, InboxItem]] = []
        size = 0
        for position, item in self._rows:
            if position <= after:
                continue
            size += len(item.body)
            if len(found) == most_items or (found and size > most_bytes):
                break
            found.append((position, item))
        return found

    def last_position(self) -> int:
        """See `SqliteInbox.last_position`."""
        return self._last

    def backlog(self, after: int = 0) -> int:
        """See `SqliteInbox.backlog`."""
        return sum(position > after for position, _ in self._rows)

    def prune(self, up_to: int) -> int:
        """See `SqliteInbox.prune`."""
        before = len(self._rows)
        self._rows = [row for row in self._rows if row[0] > up_to]
        return before - len(self._rows)

    def close(self) -> None:
        """See `Inbox.close`."""
