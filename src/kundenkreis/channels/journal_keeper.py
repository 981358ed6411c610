"""Keeps the sent journal of one sending process: holds it against the database before anything is sent, and notes every hand-over.

Whatever the journal names was sent for sure. What it names and the database does not know as handed over was sent after the backup that
the database was restored from, unless the sender died between the line and the record.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from kundenkreis.channels import pause
from kundenkreis.channels.core.claims import Claim, Completion
from kundenkreis.channels.core.journal_lines import JournalMark, Receipt, reply_of
from kundenkreis.channels.core.outcomes import Sent
from kundenkreis.channels.errors import SentJournalError
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.sent_journal import Missing, SentJournal, open_journal
from kundenkreis.channels.transactions import Transaction, TransactionalStore
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY

_log = logging.getLogger(__name__)

KEPT: Micros = 180 * DAY
"""How long lines are kept: a backup that is older must not be restored for sending."""
_CUT_AT: Micros = 210 * DAY
"""Age of the first line at which older ones are dropped: rarely, because the file is written anew for it."""
_INTENTS = "SELECT effect_id FROM outbox WHERE state IN ('queued', 'claimed', 'intent') AND state = 'intent'"
"""The first condition names the index of what is not finished."""
_AT_ONCE = 500
_RECALLED = 10_000
"""So many lines before the last one known to the database may still miss their record: threads overtake each other."""


class JournalKeeper:
    """The journal of one process. Shared by its threads."""

    def __init__(
        self,
        store: TransactionalStore,
        folder: Path,
        *,
        now_us: Callable[[], Micros],
        point: Callable[[str], None],
        alarm: Callable[[str, str], None],
    ) -> None:
        """Take the database and the folder of the journals; opens nothing yet."""
        self._store, self._folder, self._now_us, self._point, self._alarm = store, folder, now_us, point, alarm
        self._outbox = SqlOutbox(store)
        self._journal: SentJournal | None = None
        self._guard = threading.Lock()
        self._is_checked = False
        self._is_stopped: bool | None = None
        self._recorded_to = 0
        self._unrecorded: dict[bytes, Receipt] = {}

    def make_ready(self) -> None:
        """Before each claim: see to it that the database knows what was sent, and that the next hand-over can be noted.

        Raises:
            SentJournalError: the journal cannot be written; nothing may be claimed.
        """
        with self._guard:
            try:
                if self._journal is None or not self._is_checked or self._is_restored(self._journal):
                    self._begin()
                assert self._journal is not None
                self._journal.make_ready()
            except SentJournalError as error:
                self._tell(str(error.data.get("detail") or error))
                raise
            self._tell("")

    def check(self) -> None:
        """Right before the last moment: raises SentJournalError if the hand-over could not be noted."""
        assert self._journal is not None
        self._journal.make_ready()

    def note(self, effect_id: bytes, outcome: Sent, *, at_us: Micros) -> JournalMark | None:
        """Note a hand-over, durably; where it stands. None if the disk failed: nothing more is sent before the line is written."""
        assert self._journal is not None
        receipt = Receipt(effect_id, at_us, reply_of(outcome))
        self._unrecorded[effect_id] = receipt
        try:
            return JournalMark(self._journal.id, self._journal.append(receipt))
        except SentJournalError as error:
            _log.exception("%s is sent but not in the journal yet", effect_id.hex())
            self._alarm(error.code, str(error.data.get("detail", "")))
            return None

    def recorded(self, completions: Sequence[Completion]) -> None:
        """These hand-overs are recorded in the outbox."""
        for completion in completions:
            self._unrecorded.pop(completion.effect_id, None)
            if completion.mark is not None:
                self._recorded_to = max(self._recorded_to, completion.mark.number)

    def receipt_of(self, claim: Claim) -> Receipt | None:
        """Whether this process has handed the message over without being able to record it."""
        return claim.sent or self._unrecorded.get(claim.message.effect_id)

    def close(self) -> None:
        """Let go of the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _begin(self) -> None:
        """Open a journal and hold everything that lies here and that nobody else holds against the database."""
        if self._journal is None:
            self._journal = self._first_free()
        self._compare(self._journal)
        for path in sorted(self._folder.glob("sent*.journal")):
            other = open_journal(path, point=self._point) if path != self._journal.path else None
            if other is not None:  # of a process that is not started any more
                try:
                    self._compare(other)
                finally:
                    other.close()
        self._cut(self._journal)
        self._is_checked = True

    def _first_free(self) -> SentJournal:
        for number in count(1):
            path = self._folder / ("sent.journal" if number == 1 else f"sent-{number}.journal")
            journal = open_journal(path, point=self._point)
            if journal is not None:
                return journal
        raise AssertionError

    def _is_restored(self, journal: SentJournal) -> bool:
        """Whether the database under our feet is another one than that in which we have recorded."""
        with self._store.reading() as tx:
            return self._recorded_to > _position(tx, journal.id)

    def _compare(self, journal: SentJournal) -> None:
        with self._store.transaction("outbox.journal") as tx:
            tx.run("INSERT INTO journals (journal_id, position) VALUES (?, 0) ON CONFLICT DO NOTHING", (journal.id,))
            position = _position(tx, journal.id)
            others = tx.rows("SELECT count(*) FROM journals WHERE position > 0")[0][0]
            intents = {bytes(row[0]) for row in tx.rows(_INTENTS)}
        if others and not journal.last and not position:
            _log.warning(
                "%s is new, but the database knows %d others: one that was deleted protects no restore",
                journal.path,
                others,
            )
        if position > journal.last:
            _log.error("%s ends at line %d; the database knows %d", journal.path, journal.last, position)
            self._alarm("sent_journal_short", str(journal.path))
            journal.continue_after(position)
        self._replay(journal, position, intents)
        if journal is self._journal:
            self._recorded_to = journal.last

    def _replay(self, journal: SentJournal, position: int, intents: set[bytes]) -> None:
        """Tell the database what it does not know. Killed on the way, the rest is told at the next start."""
        receipts: list[Receipt] = []
        unknown = missing = 0
        for found in journal.lines(max(0, position - _RECALLED) if intents else position):
            if isinstance(found, Missing):
                missing += found.count if found.last > position else 0
            elif found[0] > position or found[1].effect_id in intents:
                receipts.append(found[1])
                if len(receipts) == _AT_ONCE:
                    unknown += self._take(JournalMark(journal.id, found[0]), receipts, missing)
                    receipts, missing = [], 0
        if receipts or missing:
            unknown += self._take(JournalMark(journal.id, journal.last), receipts, missing)
        if unknown:
            self._alarm(
                "paused_after_restore", f"{unknown} messages of {journal.path.name} were unknown to the database"
            )

    def _take(self, position: JournalMark, receipts: Sequence[Receipt], missing: int) -> int:
        if missing:
            _log.error("%d lines of the journal of sent messages cannot be read", missing)
            self._alarm("sent_journal_damaged", f"{missing} lines up to {position.number}")
        return self._outbox.take_receipts(position, receipts, missing=missing, at_us=self._now_us())

    def _cut(self, journal: SentJournal) -> None:
        now_us = self._now_us()
        first = next((found for found in journal.lines(0) if not isinstance(found, Missing)), None)
        if first is None or first[1].at_us >= now_us - _CUT_AT:
            return
        try:
            dropped = journal.cut(now_us - KEPT)
        except OSError:
            _log.exception("%s stays as long as it is", journal.path)
            return
        with self._store.transaction("outbox.forget_sent") as tx:
            tx.run("DELETE FROM sent_before WHERE sent_us < ?", (now_us - KEPT,))
        _log.info("%d lines of %s have had their time", dropped, journal.path)

    def _tell(self, detail: str) -> None:
        """Say in the database, for status and pages, that nothing is sent, or that it goes on. Best effort: its disk may be the full one."""
        if self._is_stopped == bool(detail):
            return
        try:
            with self._store.transaction("outbox.stopped") as tx:
                if detail:
                    pause.stop(tx, at_us=self._now_us(), detail=detail)
                else:
                    pause.go_on(tx, pause.STOPPED)
        except Exception:  # the journal's own failure is what the caller has to hear of
            _log.exception("the status cannot be told")
            return
        self._is_stopped = bool(detail)


def _position(tx: Transaction, journal_id: str) -> int:
    rows = tx.rows("SELECT position FROM journals WHERE journal_id = ?", (journal_id,))
    return int(rows[0][0]) if rows else 0
