"""What the write keys allow the events of their sources: to prove user ids, and to bring so many strangers.

A public key can be copied out of a web page, and every new anonymous id makes a customer. So strangers are counted per source in
windows of an hour (the key's own limit) and a day (a setting), by the time of arrival; what is beyond goes to the quarantine with reason
`anonymous_quota` and can be replayed. Known people are never affected.
"""

from typing import Final

from kundenkreis.events.core.messages import FUTURE_TOLERANCE_US
from kundenkreis.events.core.request_body import MOST_EVENT_BYTES
from kundenkreis.events.write_keys import WriteKeys
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.stores.schema import ANONYMOUS_COUNTS
from kundenkreis.runtime.stores.session import Session

ANONYMOUS_QUOTA: Final = "anonymous_quota"
"""Reason of events in the quarantine that would have created one anonymous customer too many."""

_SPANS: dict[str, Micros] = {"hour": HOUR, "day": DAY}
_ADD = "ON CONFLICT (span, started_us, source) DO UPDATE SET count = anonymous_counts.count + excluded.count"


class Admission:
    """The rules of an installation's write keys, as the worker asks them.

    Args:
        keys: None: no user id can be proved by a public key, and only the daily limit counts.
        anonymous_per_day: per source; 0 for no limit.
        event_bytes: largest event; larger ones are quarantined.
        future_tolerance_us: how far ahead an event may claim to be.
    """

    def __init__(
        self, keys: WriteKeys | None = None, *, anonymous_per_day: int = 0, event_bytes: int = MOST_EVENT_BYTES,
        future_tolerance_us: Micros = FUTURE_TOLERANCE_US,
    ) -> None:  # fmt: skip
        self._keys = keys
        self.event_bytes = event_bytes
        self.future_tolerance_us = future_tolerance_us
        self._per_day = anonymous_per_day

    def refresh(self, monotonic_us: Micros) -> None:
        """Read the keys again if their file changed; once per batch."""
        if self._keys is not None:
            self._keys.refresh(monotonic_us / 1e6)

    def identity_secret(self, source: str) -> str:
        """With what a server signs user ids for the public key of this source; "" if it does not."""
        key = self._keys.by_source(source) if self._keys is not None else None
        return key.identity_secret if key is not None else ""

    def limits(self, source: str) -> dict[str, int]:
        """Span -> how many strangers the source may bring in one; spans without a limit are missing."""
        key = self._keys.by_source(source) if self._keys is not None else None
        per_hour = key.anonymous_per_hour if key is not None else 0
        return {span: limit for span, limit in (("hour", per_hour), ("day", self._per_day)) if limit > 0}


class Strangers:
    """The count of one batch, inside the resolver's transaction."""

    def __init__(self, tx: Session, admission: Admission) -> None:
        self._tx = tx
        self._admission = admission
        self._before: dict[tuple[str, Micros, str], int] = {}
        self._added: dict[tuple[str, Micros, str], int] = {}

    def admit(self, source: str, received_us: Micros) -> bool:
        """Whether this source may bring one more stranger at this time; counts it if so."""
        windows = [
            ((span, received_us - received_us % _SPANS[span], source), limit)
            for span, limit in self._admission.limits(source).items()
        ]
        if any(self._count(window) >= limit for window, limit in windows):
            return False
        for window, _ in windows:
            self._added[window] = self._added.get(window, 0) + 1
        return True

    def write(self) -> None:
        """Add what this batch counted; in one order everywhere, so that two resolvers never wait for each other."""
        rows = [(*window, count) for window, count in sorted(self._added.items())]
        self._tx.insert(ANONYMOUS_COUNTS, rows, conflict=_ADD)

    def _count(self, window: tuple[str, Micros, str]) -> int:
        if window not in self._before:
            found = self._tx.rows(
                "SELECT count FROM anonymous_counts WHERE span = ? AND started_us = ? AND source = ?", window
            )
            self._before[window] = int(found[0][0]) if found else 0
        return self._before[window] + self._added.get(window, 0)
