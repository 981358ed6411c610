"""One batch of a worker, shared with fold helpers: what is with whom, and what has come back.

Helpers take pieces from the beginning, the worker, when it has nothing else to do, from the end: so both are done at about the same time.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from kundenkreis.customers.core.commerce import orders_named
from kundenkreis.customers.core.turn import Orders
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.shares import Folded, Share, StoredState

_logger = logging.getLogger(__name__)

PIECE = 60
"""Rows and customers of one piece, at most: some milliseconds of work, many times what sending it costs."""
SMALLEST_PIECE = 12
PIECES_EACH = 4
"""Into so many pieces for everybody who folds goes what is left: the less that is, the smaller they are, so that nobody waits long for the last one."""
WAITING = 24
"""Pieces that a helper has at hand: enough for as long as the worker resolves and writes without a look."""
WAITING_AT_LAST = 2
"""The same once the worker folds too and looks after every piece, when little is left: while one is folded the other is on its way."""
WAITING_WHILE_SAVING = 6
"""And while it writes what some hundred customers brought about."""


class FoldHelperError(KundenkreisError):
    """A fold helper does not answer."""

    code = "fold_helper"


class Helper(Protocol):
    """Who folds shares in the order in which they were given. Everything here raises FoldHelperError when nobody answers."""

    def give(self, share: Share, rulebooks: Rulebooks) -> None:
        """Let it fold a share, by the rulebooks known here."""

    def has_answered(self) -> bool:
        """Whether take() would not have to wait long."""

    def take(self) -> Folded:
        """What became of the next share."""


class Piece(msgspec.Struct):
    """Some customers of a batch, to be folded by one process."""

    states: list[StoredState]
    rows: Mapping[int, Sequence[LogRow]]
    """New rows by profile id; of these customers among others."""
    orders: Orders
    until_us: Micros

    @property
    def work(self) -> int:
        """Rows and customers."""
        return len(self.states) + sum(len(self.rows[stored.profile_id]) for stored in self.states)

    def share(self) -> Share:
        """What a helper needs for it, and no more."""
        rows = [row for stored in self.states for row in self.rows[stored.profile_id]]
        named = {order_id for row in rows if (order_id := orders_named(row))}
        orders = [order for (_, order_id), order in self.orders.items() if order_id in named]
        return Share(self.until_us, self.states, rows, orders)


class Returned(msgspec.Struct):
    """What came back from helpers."""

    folded: list[Folded]
    back: list[int]
    """Profile ids of those whom a helper handed back, or had when it failed: the worker has to fold them."""


class Lending:
    """What is lent of one batch."""

    def __init__(self, helpers: Sequence[Helper], rulebooks: Rulebooks) -> None:
        self.customers: set[int] = set()
        """Everybody in it, whoever folds them."""
        self.folded = 0
        """Customers that helpers have folded."""
        self.error: FoldHelperError | None = None
        self._rulebooks = rulebooks
        self._pieces: deque[Piece] = deque()
        self._left = 0
        """Rows and customers in these."""
        self._at_hand: dict[Helper, deque[Piece]] = {helper: deque() for helper in helpers}
        self._returned = Returned([], [])

    def add(
        self, states: Sequence[StoredState], rows: Mapping[int, Sequence[LogRow]], orders: Orders, until_us: Micros,
        *, at_hand: int = WAITING,
    ) -> None:  # fmt: skip
        """Let these customers be folded by whoever comes to it, each once in a batch.

        Args:
            states: customers who can be lent (`Share`).
            rows: profile id -> new rows.
            orders: at least those that their rows name.
            at_hand: pieces that each helper gets at once.
        """
        self.customers.update(stored.profile_id for stored in states)
        pieces = [Piece(part, rows, orders, until_us) for part in _parts(states, rows, PIECE)]
        self._pieces.extend(pieces)
        self._left += sum(piece.work for piece in pieces)
        self.tend(at_hand=at_hand)

    def tend(self, *, at_hand: int = WAITING) -> None:
        """Take what helpers have done and give them more; waits for nobody. To be called again and again."""
        self._exchange(at_hand, waits=False)

    def own_pieces(self) -> Iterator[Piece]:
        """Pieces for the worker to fold, until nothing is left that could be given."""
        while True:
            self.tend(at_hand=WAITING_AT_LAST)
            if not self._pieces:
                return
            yield self._cut(self._pieces.pop(), self._pieces.append)

    @property
    def is_with_somebody(self) -> bool:
        """Whether a helper has not answered for all it was given."""
        return any(self._at_hand.values())

    def returned(self) -> Returned:
        """What has come back since this was last asked."""
        returned, self._returned = self._returned, Returned([], [])
        return returned

    def finish(self) -> None:
        """Wait for what is with the helpers; what is with nobody is forgotten."""
        self._pieces.clear()
        self._left = 0
        self._exchange(0, waits=True)

    def _cut(self, piece: Piece, put_back: Callable[[Piece], None]) -> Piece:
        """As much of a piece as is right now; the rest of it is put back."""
        right = max(self._left // (PIECES_EACH * (len(self._at_hand) + 1)), SMALLEST_PIECE)
        parts = round(piece.work / right)
        if parts > 1:
            part = next(_parts(piece.states, piece.rows, -(-piece.work // parts)))
            if len(part) < len(piece.states):
                put_back(msgspec.structs.replace(piece, states=piece.states[len(part) :]))
                piece = msgspec.structs.replace(piece, states=part)
        self._left -= piece.work
        return piece

    def _exchange(self, most_at_hand: int, *, waits: bool) -> None:
        try:
            for helper, at_hand in self._at_hand.items():
                while at_hand and (waits or helper.has_answered()):
                    folded = helper.take()
                    at_hand.popleft()
                    self.folded += folded.counts.customers
                    self._returned.folded.append(folded)
                    self._returned.back.extend(folded.handed_back)
                # While much is left a helper gets its even part of it: the worker also writes, and may be long in looking again.
                most = max(most_at_hand, min(len(self._pieces) // (len(self._at_hand) + 1), WAITING))
                while self._pieces and len(at_hand) < most:
                    at_hand.append(self._cut(self._pieces.popleft(), self._pieces.appendleft))
                    helper.give(at_hand[-1].share(), self._rulebooks)
        except FoldHelperError as error:
            _logger.warning("a fold helper failed; the worker goes on alone", exc_info=error)
            self.error = error
            lost = [piece for pieces in self._at_hand.values() for piece in pieces]
            self._returned.back.extend(stored.profile_id for piece in lost for stored in piece.states)
            self._at_hand.clear()


def _parts(
    states: Iterable[StoredState], rows: Mapping[int, Sequence[LogRow]], size: int
) -> Iterator[list[StoredState]]:
    """These customers in parts of about equal work."""
    part: list[StoredState] = []
    work = 0
    for stored in states:
        part.append(stored)
        work += len(rows[stored.profile_id]) + 1
        if work >= size:
            yield part
            part, work = [], 0
    if part:
        yield part
