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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
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
LEAST_PART, MOST_PART = 0.2, 0.95

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
        if not self._is_ready and self._line.has_said_something():
            self._receive(_HELLO)
            self._is_ready = True
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
        return _read_folded(self._receive(_FOLDED))

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
        self._lent: list[tuple[FoldHelper, Share]] = []
        self._lent_us: Micros = 0
        self._not_before_us: Micros = 0
        self._wanted_us: Micros = 0
        self._part = 0.5
        """Of the work that can be lent: moved until worker and helpers end at the same time."""
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
            self._give_up()

    def rest(self) -> None:
        """There is no backlog; after a while of this they end."""
        if self._helpers and self._clock.monotonic_us() - self._wanted_us > REST_US:
            self.close()

    def lend(
        self, states: Sequence[StoredState], rows: Mapping[int, Sequence[LogRow]], orders: Orders, *, until_us: Micros,
        rulebooks: Rulebooks,
    ) -> set[int]:  # fmt: skip
        """Send some of these customers to the helpers; the profile ids of those sent.

        Args:
            states: customers who can be lent (`Share`).
            rows: profile id -> new rows.
            orders: at least those that their rows name.
        """
        if len(states) < self._fewest_customers:
            return set()
        lent: set[int] = set()
        self._lent_us = self._clock.monotonic_us()
        try:
            ready = [helper for helper in self._helpers if helper.is_ready()]
            left = iter(states)
            work = sum(len(rows[stored.profile_id]) + 1 for stored in states)
            for helper in ready:
                share = _share(left, rows, orders, work=work * self._part / len(ready), until_us=until_us)
                self._lent.append((helper, share))
                helper.give(share, rulebooks)
                lent.update(stored.profile_id for stored in share.states)
        except FoldHelperError:
            self._give_up()
            return set()
        return lent

    def collect(self) -> tuple[list[Folded], list[int]]:
        """(what the helpers did, profile ids of those the worker has to fold after all)."""
        done: list[Folded] = []
        back: list[int] = []
        began_us = self._clock.monotonic_us()
        was_early = all(helper.has_answered() for helper, _ in self._lent)
        while self._lent:
            helper, share = self._lent.pop()
            try:
                folded = helper.take()
            except FoldHelperError:
                back.extend(stored.profile_id for _, lost in [(helper, share), *self._lent] for stored in lost.states)
                self._give_up()
                return done, back
            done.append(folded)
            self.folded += folded.counts.customers
            back.extend(folded.handed_back)
        if done:
            now_us = self._clock.monotonic_us()
            waited = (now_us - began_us) / max(now_us - self._lent_us, 1)
            self._part = min(max(self._part * (1.05 if was_early else 1 - waited / 2), LEAST_PART), MOST_PART)
        return done, back

    def close(self) -> None:
        """End all of them."""
        for helper in self._helpers:
            helper.close()
        self._helpers.clear()
        self._lent.clear()

    def _give_up(self) -> None:
        _logger.exception("a fold helper failed; the worker goes on alone")
        self.close()
        self._not_before_us = self._clock.monotonic_us() + RETRY_US


def _share(
    states: Iterator[StoredState], rows: Mapping[int, Sequence[LogRow]], orders: Orders, *, work: float, until_us: Micros
) -> Share:  # fmt: skip
    share = Share(until_us, [], [], [])
    while work > 0 and (stored := next(states, None)) is not None:
        own = rows[stored.profile_id]
        work -= len(own) + 1
        share.states.append(stored)
        share.rows.extend(own)
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
    rulebooks: KnownRulebooks | None = None
    while True:
        kind, data = line.receive()
        if kind == _RULEBOOKS:
            rulebooks = KnownRulebooks(_read_published(data))
            rulebooks(rulebooks.newest_known)
            collect_rarely()
        elif kind == _SHARE and rulebooks is not None:
            with suppress(OSError):  # the worker has gone
                line.send(_FOLDED, _encode(fold_share(_read_share(data), rulebooks)))
        else:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
