"""A second process for the fold, while a worker on SQLite catches up.

The worker stays the only writer and the only one that decides what a batch is: it sends a helper some of the batch's customers, folds the
others meanwhile, and writes both in its one transaction. A helper has no store and remembers nothing but the rulebooks; if it
dies, the worker folds its share again. So whether there is a helper changes when something is decided, never what.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue
from select import select

import msgspec

from kundenkreis.customers.core.commerce import orders_named
from kundenkreis.customers.core.turn import Orders
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.clock import Clock
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.rulebooks import KnownRulebooks, Published, Rulebooks
from kundenkreis.runtime.shares import Folded, Share, StoredState, fold_share

_logger = logging.getLogger(__name__)

REST_US = 10_000_000
"""A helper that had nothing to do for this long ends: its memory is worth more than the second in which it starts."""
RETRY_US = 60_000_000
"""How long nobody follows a helper that failed."""
PATIENCE_SECONDS = 60.0
"""A share takes a tenth of a second; a helper that says nothing for this long is taken for dead."""
FEWEST_CUSTOMERS = 40
"""Fewer are folded sooner than sent."""
PIECES = 16
"""In so many pieces for each process a batch is shared: who is done takes the next, so all end at about the same time."""
LEAST_PIECE = 8
"""Customers; fewer are folded sooner than sent."""
HEARS_WITHIN_SECONDS = 0.0002
"""How long the worker may wait until a helper that folds makes room for its next share."""
WAITING = 2
"""Pieces that a helper has at hand: while one is folded the other is on its way."""

_encode = msgspec.msgpack.Encoder().encode
_read_published = msgspec.msgpack.Decoder(Published).decode
_read_share = msgspec.msgpack.Decoder(Share).decode
_read_folded = msgspec.msgpack.Decoder(Folded).decode

_HELLO, _RULEBOOKS, _SHARE, _FOLDED = b"h", b"r", b"s", b"f"


class FoldHelperError(KundenkreisError):
    """A fold helper does not answer."""

    code = "fold_helper"


class Line:
    """Messages over a socket between two processes of this machine: a letter, a length, the bytes."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._reading = end.makefile("rb", buffering=1 << 20)
        self._writing = end.makefile("wb", buffering=1 << 20)

    def send(self, kind: bytes, data: bytes = b"") -> None:
        """Raises OSError when nobody reads."""
        self._writing.write(kind + len(data).to_bytes(8, "big"))
        self._writing.write(data)
        self._writing.flush()

    def receive(self) -> tuple[bytes, bytes]:
        """The next message; (b"", b"") when the other side has gone."""
        head = self._reading.read(9)
        if len(head) < 9:
            return b"", b""
        size = int.from_bytes(head[1:], "big")
        data = self._reading.read(size)
        return (head[:1], data) if len(data) == size else (b"", b"")

    def has_said_something(self) -> bool:
        """Whether receive() would find at least the beginning of a message."""
        return bool(select([self._end], [], [], 0)[0])

    def close(self) -> None:
        """Both directions."""
        for file in (self._writing, self._reading):
            with suppress(OSError):
                file.close()
        self._end.close()


class FoldHelper:
    """The worker's side of one helper process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kundenkreis.runtime.fold_helpers", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        ours.settimeout(PATIENCE_SECONDS)
        self._line = Line(ours)
        self._is_ready = False
        self._told = 0

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it has started. Raises FoldHelperError when it never will."""
        if self._line.has_said_something():
            self.wait_until_ready()
        return self._is_ready

    def wait_until_ready(self) -> None:
        """Raises FoldHelperError when it does not start."""
        if not self._is_ready:
            self._receive(_HELLO)
            self._is_ready = True

    def give(self, share: Share, rulebooks: Rulebooks) -> None:
        """Let it fold a share, by the rulebooks known here. Raises FoldHelperError."""
        try:
            if self._told != rulebooks.newest_known:
                self._told = rulebooks.newest_known
                self._line.send(_RULEBOOKS, _encode(rulebooks.published))
            self._line.send(_SHARE, _encode(share))
        except OSError as error:
            raise FoldHelperError from error

    def has_answered(self) -> bool:
        """Whether take() would not have to wait long."""
        return self._line.has_said_something()

    def take(self) -> Folded:
        """What became of the share. Raises FoldHelperError."""
        try:
            return _read_folded(self._receive(_FOLDED))
        except msgspec.DecodeError as error:
            raise FoldHelperError from error

    def close(self) -> None:
        """End it."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def _receive(self, wanted: bytes) -> bytes:
        try:
            kind, data = self._line.receive()
        except OSError as error:
            raise FoldHelperError from error
        if kind != wanted:
            raise FoldHelperError
        return data


class FoldHelpers:
    """The helpers of one worker: started when there is a backlog, ended when there has been none for a while.

    Args:
        most: how many; never more than there are other processors.
        fewest_customers: in a batch, for it to be shared.
    """

    def __init__(self, clock: Clock, *, most: int, fewest_customers: int = FEWEST_CUSTOMERS) -> None:
        self._clock = clock
        self._most = most
        self._fewest_customers = fewest_customers
        self._helpers: list[FoldHelper] = []
        self._lending: Lending | None = None
        self._not_before_us: Micros = 0
        self._wanted_us: Micros = 0
        self.folded = 0
        """Customers folded by helpers so far, each counted once a batch."""

    @property
    def pids(self) -> list[int]:
        """Of the processes that run."""
        return [helper.pid for helper in self._helpers]

    @property
    def are_there(self) -> bool:
        """Whether any has been called and not ended."""
        return bool(self._helpers)

    def call(self, *, wait: bool = False) -> None:
        """There is a backlog: helpers are worth their start. They join when they are ready."""
        now_us = self._wanted_us = self._clock.monotonic_us()
        if now_us < self._not_before_us:
            return
        while len(self._helpers) < self._most:
            self._helpers.append(FoldHelper())
        try:
            for helper in self._helpers if wait else ():
                helper.wait_until_ready()
        except FoldHelperError:
            _logger.warning("a fold helper does not start")
            self._give_up()

    def rest(self) -> None:
        """There is no backlog; after a while of this they end."""
        if self._helpers and self._clock.monotonic_us() - self._wanted_us > REST_US:
            self.close()

    def lend(
        self, states: Sequence[StoredState], rows: Mapping[int, Sequence[LogRow]], orders: Orders, *, until_us: Micros,
        rulebooks: Rulebooks,
    ) -> "Lending":  # fmt: skip
        """Share the fold of these customers.

        Args:
            states: customers who can be lent (`Share`).
            rows: profile id -> new rows.
            orders: at least those that their rows name.
        """
        helpers: list[FoldHelper] = []
        if len(states) >= self._fewest_customers:
            try:
                helpers = [helper for helper in self._helpers if helper.is_ready()]
            except FoldHelperError:
                self._give_up()
        pieces = _pieces(states, rows, parts=PIECES * (len(helpers) + 1)) if helpers else [list(states)]
        self._lending = Lending(helpers, pieces, lambda piece: _share(piece, rows, orders, until_us), rulebooks)
        return self._lending

    def finish(self, lending: "Lending") -> tuple[list[Folded], list[int]]:
        """(what the helpers did, profile ids of those the worker has to fold after all). Waits for the helpers."""
        self._lending = None
        lending.finish()
        if lending.error is not None:
            self._give_up()
        self.folded += sum(folded.counts.customers for folded in lending.done)
        return lending.done, lending.back

    def drop(self) -> None:
        """Forget what is lent: the batch has failed. Waits for the helpers, so that they are heard no more about it."""
        if self._lending is not None:
            self.finish(self._lending)

    def close(self) -> None:
        """End all of them."""
        for helper in self._helpers:
            helper.close()
        self._helpers.clear()

    def _give_up(self) -> None:
        self.close()
        self._not_before_us = self._clock.monotonic_us() + RETRY_US


class Lending:
    """One batch, shared: the worker takes pieces from the end while helpers take them from the beginning."""

    def __init__(
        self, helpers: Sequence[FoldHelper], pieces: list[list[StoredState]],
        share_of: Callable[[list[StoredState]], Share], rulebooks: Rulebooks,
    ) -> None:  # fmt: skip
        self.customers = frozenset(stored.profile_id for piece in pieces for stored in piece)
        """Everybody in it, whoever folds them."""
        self._pieces = deque(pieces)
        self._share_of = share_of
        self._rulebooks = rulebooks
        self._at_hand: dict[FoldHelper, deque[list[StoredState]]] = {helper: deque() for helper in helpers}
        self.done: list[Folded] = []
        self.back: list[int] = []
        """Profile ids of those whom a helper handed back, or had when it failed."""
        self.error: FoldHelperError | None = None

    def own_pieces(self) -> Iterator[list[int]]:
        """Profile ids for the worker to fold, piece by piece, until nothing is left that could be given."""
        while True:
            self._tend(is_end=False)
            if not self._pieces:
                return
            yield [stored.profile_id for stored in self._pieces.pop()]

    def finish(self) -> None:
        """Wait for what is with the helpers."""
        self._pieces.clear()
        self._tend(is_end=True)

    def _tend(self, *, is_end: bool) -> None:
        """Take what the helpers have done and give them more."""
        try:
            for helper, at_hand in self._at_hand.items():
                while at_hand and (is_end or helper.has_answered()):
                    folded = helper.take()
                    at_hand.popleft()
                    self.done.append(folded)
                    self.back.extend(folded.handed_back)
                while self._pieces and len(at_hand) < WAITING:
                    at_hand.append(self._pieces.popleft())
                    helper.give(self._share_of(at_hand[-1]), self._rulebooks)
        except FoldHelperError as error:
            _logger.warning("a fold helper failed; the worker goes on alone", exc_info=error)
            self.error = error
            lost = [piece for pieces in self._at_hand.values() for piece in pieces]
            self.back.extend(stored.profile_id for piece in lost for stored in piece)
            self._at_hand.clear()


def _pieces(
    states: Sequence[StoredState], rows: Mapping[int, Sequence[LogRow]], *, parts: int
) -> list[list[StoredState]]:
    """These customers in about so many pieces of equal work, none of them tiny."""
    most = max(sum(len(rows[stored.profile_id]) + 1 for stored in states) // parts, 2 * LEAST_PIECE)
    pieces: list[list[StoredState]] = []
    work = most
    for stored in states:
        if work >= most:
            pieces.append([])
            work = 0
        pieces[-1].append(stored)
        work += len(rows[stored.profile_id]) + 1
    return pieces


def _share(states: list[StoredState], rows: Mapping[int, Sequence[LogRow]], orders: Orders, until_us: Micros) -> Share:
    share = Share(until_us, states, [row for stored in states for row in rows[stored.profile_id]], [])
    named = {order_id for row in share.rows if (order_id := orders_named(row))}
    share.orders.extend(order for (_, order_id), order in orders.items() if order_id in named)
    return share


def other_processors() -> int:
    """How many processors this process may use besides the one it runs on."""
    try:
        return len(os.sched_getaffinity(0)) - 1
    except AttributeError:  # macOS
        return (os.cpu_count() or 1) - 1


def main(end: int) -> None:
    """Be a helper: answer shares until the worker closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when this ends
    line = Line(socket.socket(fileno=end))
    line.send(_HELLO)
    # Heard by a thread: while this one sends an answer, the worker may be sending the next share, and neither may wait for the other.
    heard: SimpleQueue[tuple[bytes, bytes]] = SimpleQueue()
    sys.setswitchinterval(HEARS_WITHIN_SECONDS)
    threading.Thread(target=_hear, args=(line, heard), daemon=True).start()
    rulebooks: KnownRulebooks | None = None
    while True:
        kind, data = heard.get()
        if kind == _RULEBOOKS:
            rulebooks = KnownRulebooks(_read_published(data))
            rulebooks(rulebooks.newest_known)
            collect_rarely()
        elif kind == _SHARE and rulebooks is not None:
            with suppress(OSError):  # the worker has gone
                line.send(_FOLDED, _encode(fold_share(_read_share(data), rulebooks)))
        else:
            os._exit(0)  # not by way of the thread, which may still hold the line


def _hear(line: Line, heard: "SimpleQueue[tuple[bytes, bytes]]") -> None:
    kind = b"?"
    while kind:
        kind, data = line.receive()
        heard.put((kind, data))


if __name__ == "__main__":
    main(int(sys.argv[1]))
