"""The outbox in values: what a claim holds and what can be recorded about it.

A claim carries an epoch; every later write names it and touches nothing if somebody else has claimed since. The epoch
is generation x 16 + lapses: a fresh claim begins a generation, a claim of a row whose lease ran out counts a lapse, so
that the epoch only ever rises and says by itself how often a message was claimed without any progress. Fresh rows are claimed by
the batch, a lapsed one alone: the second lapse of a message is its own doing.

States: queued -> claimed -> intent -> accepted | failed | withheld | postponed | held, and back to queued for another
try. What is held a person decides (runtime/held_messages.py): postponed,
until the fold has judged it anew, or closed. `next_try_us` is when a queued row is due and when a claimed one's lease ends, so that one index finds both.
"""

from typing import Literal

import msgspec

from kundenkreis.channels.core.journal_lines import JournalMark, Receipt
from kundenkreis.channels.core.outcomes import MailboxRow
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.ids import Micros

State = Literal["queued", "claimed", "intent", "accepted", "failed", "withheld", "postponed", "held"]
FINAL: frozenset[State] = frozenset({"accepted", "failed", "withheld", "postponed", "held"})
Intent = Literal["committed", "fenced", "waiting", "lost"]
"""committed: write the dot. fenced: the person withdrew meanwhile. waiting: a withdrawal of theirs is not folded yet. lost: another
worker has the message now."""

LAPSES = 16
"""Epochs of one generation; poison is found long before (3)."""


class Claim(msgspec.Struct, frozen=True, gc=False):
    """One message that this worker may handle until the lease ends."""

    message: SendMessage
    epoch: int
    attempts: int
    """Tries that reached a server and were told to come again."""
    uncertain: int
    """How often nobody knew whether a server took it; counts the lapsed intent that this claim found."""
    after_intent: bool
    """The last worker died, or lost the answer, between intent and reply."""
    sent: Receipt | None = None
    """A journal names the message as handed over, which the database does not know: it is recorded, never sent."""
    seen_to: int = 0
    """Number of the last log row that the gate's answer knows of."""

    @property
    def lapses(self) -> int:
        """Claims in a row that ended without any recorded progress, before this one."""
        return self.epoch % LAPSES


class Completion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to record about one claimed message."""

    effect_id: bytes
    profile_id: int
    epoch: int
    state: State
    at_us: Micros
    reply: str = ""
    attempts: int = 0
    next_try_us: Micros = 0
    uncertain: int = 0
    events: tuple[AppendEvent, ...] = ()
    """What comes back to the log, by way of the internal inbox."""
    row: MailboxRow | None = None
    mark: JournalMark | None = None
    """The line of the journal that holds this hand-over: with the record the database knows of it."""
    guard: "Guard | None" = None
    """For hand-overs that happen in this very transaction."""


class Guard(msgspec.Struct, frozen=True, gc=False):
    """What a hand-over is held against in the transaction that records it, and what to record instead."""

    claim: Claim
    fenced: Completion
    """If a fence stops it."""
    waiting: Completion
    """If a withdrawal is not folded yet."""
