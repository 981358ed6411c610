"""The sent journal: an append-only file beside the database that names every message a server has taken.

A restored backup of the database does not know what went out after it was made; this file does (docs/adr/0007-sent-journal.md). Lines are
durable before the outbox records the hand-over. Room for many lines is taken ahead, as empty lines, so that a disk which fills up is noticed
before a message is handed over and not after.

One file belongs to one process at a time: a lock on it, which the system lets go of when the process dies.
"""

import fcntl
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from kundenkreis.channels.core.journal_lines import Receipt, journal_line, read_line
from kundenkreis.channels.errors import SentJournalError
from kundenkreis.kernel.ids import Micros

_log = logging.getLogger(__name__)

ROOM_BYTES = 256 * 1024
"""Taken at once: some 2,500 lines, so that the file grows rarely and each append overwrites blocks that are there."""
LEAST_BYTES = 32 * 1024
"""So much must be left before a message is handed over: a line of every thread that may have one in the air."""
_BLOCK = 64 * 1024
_HEAD = "first"
"""What the line with number 0 says before the number of the first line behind it."""


class Missing(msgspec.Struct, frozen=True):
    """Lines that cannot be read any more: whatever they named, nobody knows."""

    count: int
    last: int
    """Number of the last of them."""


class _Entry:
    __slots__ = ("done", "error", "number", "receipt")

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self.number = 0
        self.error: OSError | None = None
        self.done = False


class SentJournal:
    """One open journal. Its lines are numbered from 1 without a gap; `id` tells it from every other."""

    def __init__(self, path: Path, descriptor: int, *, point: Callable[[str], None]) -> None:
        """Take an open and locked file that begins with a head (`open_journal`)."""
        self.path = path
        self._descriptor = descriptor
        self._point = point
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._waiting: list[_Entry] = []
        self._owed = b""
        self._size = os.fstat(descriptor).st_size
        head = read_line(os.pread(descriptor, 256, 0).partition(b"\n")[0])
        if head is None or head[0] != 0:
            raise SentJournalError(f"{path} does not begin as a journal of sent messages does.", path=str(path))
        self.id = head[1].effect_id.hex()
        self.first = int(head[1].reply.removeprefix(_HEAD))
        self.last = self.first - 1
        """Number of the last line."""
        self._end = self._find_end()

    def make_ready(self) -> None:
        """See to it that what is handed over now can be noted afterwards.

        Raises:
            SentJournalError: it cannot; nothing may be handed over.
        """
        if not self._owed and self._size - self._end >= LEAST_BYTES:
            return
        with self._writing:
            try:
                if self._owed:
                    self._put(self._owed)
                if self._size - self._end < LEAST_BYTES:
                    self._grow()
            except OSError as error:
                raise SentJournalError(detail=str(error), path=str(self.path)) from error

    def append(self, receipt: Receipt) -> int:
        """Note a hand-over; the number of its line, which is durable when this returns. Threads share the way to the disk.

        Raises:
            SentJournalError: the disk failed. The line is kept and written by the next `make_ready`, before anything else is sent.
        """
        entry = _Entry(receipt)
        with self._adding:
            self._waiting.append(entry)
        with self._writing:
            if not entry.done:
                self._write_waiting()
        if entry.error is not None:
            raise SentJournalError(detail=str(entry.error), path=str(self.path)) from entry.error
        return entry.number

    def lines(self, after: int) -> Iterator[tuple[int, Receipt] | Missing]:
        """Every line with a higher number, in order, and what is missing between them."""
        previous = max(after, self.first - 1)
        with open(self.path, "rb") as file:
            file.seek(self._before(after))
            while file.tell() < self._end:
                found = read_line(file.readline(4096))
                if found is None or found[0] <= previous:
                    continue
                if found[0] > previous + 1:
                    yield Missing(found[0] - previous - 1, found[0] - 1)
                previous = found[0]
                yield found
        if previous < self.last:
            yield Missing(self.last - previous, self.last)

    def continue_after(self, number: int) -> None:
        """Give no number up to this one any more: the database knows lines that are lost here."""
        with self._writing:
            self.last = max(self.last, number)

    def cut(self, before_us: Micros) -> int:
        """Drop the lines of an earlier time that stand at the beginning; how many. For whoever opened it just now."""
        first, dropped = self.last + 1, 0
        for found in self.lines(0):
            if isinstance(found, Missing):
                continue
            if found[1].at_us >= before_us:
                first = found[0]
                break
            dropped += 1
        if dropped:
            self._rewrite(first)
        return dropped

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _write_waiting(self) -> None:
        with self._adding:
            batch, self._waiting = self._waiting, []
        lines = b""
        for number, entry in enumerate(batch, start=self.last + 1):
            entry.number = number
            lines += journal_line(number, entry.receipt)
        self.last += len(batch)
        try:
            self._put(self._owed + lines)
        except OSError as error:
            self._owed += lines
            for entry in batch:
                entry.error = error
        finally:
            for entry in batch:
                entry.done = True

    def _put(self, lines: bytes) -> None:
        """Write at the end of the lines. After a failure the same is written to the same place again: a failed fsync says nothing of the blocks."""
        _write(self._descriptor, lines, self._end)
        self._point("journal.before_fsync")
        os.fdatasync(self._descriptor)
        self._point("journal.after_fsync")
        self._end += len(lines)
        self._size = max(self._size, self._end)
        self._owed = b""

    def _grow(self) -> None:
        _write(self._descriptor, b"\n" * ROOM_BYTES, self._size)
        self._point("journal.room.before_fsync")
        os.fsync(self._descriptor)
        self._point("journal.room.after_fsync")
        self._size += ROOM_BYTES

    def _find_end(self) -> int:
        """Where the next line goes: behind the last whole one. What a crash tore after it is cleared."""
        end = self._size
        while end > 0:
            block = os.pread(self._descriptor, min(_BLOCK, end), max(0, end - _BLOCK))
            kept = block.rstrip(b"\n\0")
            end -= len(block) - len(kept)
            if kept:
                break
        tail_at = max(0, end - _BLOCK)
        *before, last = os.pread(self._descriptor, end - tail_at, tail_at).split(b"\n")
        if (found := read_line(last)) is not None:
            self.last = max(found[0], self.last)
            if end == self._size:
                self._size += _write(self._descriptor, b"\n", end)
            return end + 1
        _log.warning("%s: the last line was torn by a crash and is cut off", self.path)
        _write(self._descriptor, b"\n" * len(last), end - len(last))
        damaged = 0
        for line in reversed(before):
            if (found := read_line(line)) is not None:
                self.last = max(
                    found[0] + damaged, self.last
                )  # their numbers are spent: `lines` tells that they are missing
                break
            damaged += bool(line)
        return end - len(last)

    def _before(self, number: int) -> int:
        """Where to begin reading for the lines after this one: at or before its own line."""
        step = _BLOCK
        while self._end > step:
            start = self._end - step
            lines = os.pread(self._descriptor, 4096, start).split(b"\n")[1:-1]
            numbers = [found[0] for line in lines if (found := read_line(line)) is not None]
            if numbers and numbers[0] <= number:
                return start
            step *= 2
        return 0

    def _rewrite(self, first: int) -> None:
        """The same journal with its lines from this number on, in the place of the old file."""
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        at = _write(descriptor, _head(self.id, first), 0)
        for found in self.lines(first - 1):
            if not isinstance(found, Missing):
                at += _write(descriptor, journal_line(*found), at)
        self._point("journal.cut.before_fsync")
        os.fsync(descriptor)
        os.replace(new, self.path)
        _flush_folder(self.path.parent, self._point)
        self._point("journal.cut.after_fsync")
        os.close(self._descriptor)
        self._descriptor, self._end, self._size, self.first = descriptor, at, at, first


def open_journal(path: Path, *, point: Callable[[str], None]) -> SentJournal | None:
    """The journal in this file, begun where there is none; None where another process has it.

    Raises:
        SentJournalError: it cannot be opened, or is no journal.
    """
    try:
        while True:
            if not path.exists():
                _begin(path, point)
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            with suppress(FileNotFoundError):
                if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
                    break
            os.close(descriptor)  # its owner has put a shorter one in its place meanwhile
    except OSError as error:
        raise SentJournalError(detail=str(error), path=str(path)) from error
    try:
        return SentJournal(path, descriptor, point=point)
    except BaseException:
        os.close(descriptor)
        raise


def _begin(path: Path, point: Callable[[str], None]) -> None:
    """A new journal, whole from its first moment: under another name until it is."""
    new = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        head = _head(secrets.token_hex(16), 1)
        _write(descriptor, head + b"\n" * ROOM_BYTES, 0)
        point("journal.begin.before_fsync")
        os.fsync(descriptor)
        with suppress(FileExistsError):  # another process was faster
            os.link(new, path)
    finally:
        os.close(descriptor)
        new.unlink(missing_ok=True)
    _flush_folder(path.parent, point)
    point("journal.begin.after_fsync")


def _head(journal_id: str, first: int) -> bytes:
    return journal_line(0, Receipt(bytes.fromhex(journal_id), 0, f"{_HEAD}{first}"))


def _write(descriptor: int, data: bytes, offset: int) -> int:
    """Write all of it; its length."""
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done:], offset + done)
    return done


def _flush_folder(folder: Path, point: Callable[[str], None]) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        point("journal.folder.before_fsync")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
