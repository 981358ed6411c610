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
from contextlib import suppress
from queue import SimpleQueue
from select import select

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.clock import Clock
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.lending import FoldHelperError, Lending, Returned
from kundenkreis.runtime.rulebooks import KnownRulebooks, Published, Rulebooks
from kundenkreis.runtime.shares import Folded, Share, fold_share

_logger = logging.getLogger(__name__)

RETRY_US = 60_000_000
"""How long nobody follows a helper that failed."""
PATIENCE_SECONDS = 60.0
"""A share takes a tenth of a second; a helper that says nothing for this long is taken for dead."""
FEWEST_CUSTOMERS = 16
"""Fewer are folded sooner than sent."""
PART = 500
"""Messages; some tens of milliseconds of resolving and writing, and of folding."""
HEARS_WITHIN_SECONDS = 0.0002
"""How long the worker may wait until a helper that folds makes room for its next share."""
UNHEARD_BYTES = 1 << 20
"""Of answers that wait while the worker does something else, if the system allows as much."""

_encode = msgspec.msgpack.Encoder().encode
_read_published = msgspec.msgpack.Decoder(Published).decode
_read_share = msgspec.msgpack.Decoder(Share).decode
_read_folded = msgspec.msgpack.Decoder(Folded).decode

_HELLO, _RULEBOOKS, _SHARE, _FOLDED = b"h", b"r", b"s", b"f"


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
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNHEARD_BYTES)
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
    """The helpers of one worker, who starts them when there is a backlog, and ends them when there has been none for a while.

    Args:
        most: how many; never more than there are other processors.
        fewest_customers: in a part of a batch, for it to be shared.
        part: messages that are resolved while a helper folds those before them.
    """

    def __init__(self, clock: Clock, *, most: int, fewest_customers: int = FEWEST_CUSTOMERS, part: int = PART) -> None:
        self._clock = clock
        self._most = most
        self.fewest_customers = fewest_customers
        self.part = part
        self._helpers: list[FoldHelper] = []
        self._lending: Lending | None = None
        self._not_before_us: Micros = 0
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
        if self._clock.monotonic_us() < self._not_before_us:
            return
        while len(self._helpers) < self._most:
            self._helpers.append(FoldHelper())
        try:
            for helper in self._helpers if wait else ():
                helper.wait_until_ready()
        except FoldHelperError:
            _logger.warning("a fold helper does not start")
            self._give_up()

    def lend(self, rulebooks: Rulebooks) -> Lending | None:
        """Begin to share the fold of a batch; None when nobody is ready to help."""
        try:
            helpers = [helper for helper in self._helpers if helper.is_ready()]
        except FoldHelperError:
            self._give_up()
            return None
        self._lending = Lending(helpers, rulebooks) if helpers else None
        return self._lending

    def finish(self, lending: Lending) -> Returned:
        """What has come back since the last look, once nothing is with the helpers any more. Waits for them."""
        self._lending = None
        lending.finish()
        if lending.error is not None:
            self._give_up()
        self.folded += lending.folded
        return lending.returned()

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
        try:
            kind, data = line.receive()
        except OSError:  # gone before it had read everything
            kind, data = b"", b""
        heard.put((kind, data))


if __name__ == "__main__":
    main(int(sys.argv[1]))
