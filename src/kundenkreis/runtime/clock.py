"""Clocks: the only places where the time is read. Everything else is told."""

import time
from typing import Protocol

from kundenkreis.kernel.ids import Micros


class Clock(Protocol):
    """What time it is."""

    def now_us(self) -> Micros:
        """Wall time in microseconds since the epoch."""

    def monotonic_us(self) -> Micros:
        """A clock that never goes back: for leases and time-outs."""


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> Micros:
        return time.time_ns() // 1000

    def monotonic_us(self) -> Micros:
        return time.monotonic_ns() // 1000


class VirtualClock:
    """A clock that is set by hand: the demo's year, the simulator, tests."""

    def __init__(self, now_us: Micros = 0) -> None:
        self._now_us = now_us

    def now_us(self) -> Micros:
        return self._now_us

    def monotonic_us(self) -> Micros:
        return self._now_us

    def advance_to(self, at_us: Micros) -> None:
        """Set the time; never back."""
        self._now_us = max(self._now_us, at_us)
