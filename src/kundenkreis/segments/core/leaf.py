"""The base of compiled leaves: what every kind of condition shares."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.protocol import FactSpec, Reason


class Leaf(ABC):
    """A condition without parts. A kind states its answer and what it found."""

    __slots__ = ("_config", "_facts", "_kind", "_reads")

    def __init__(
        self, kind: str, config: msgspec.Struct, *, reads: tuple[str, ...] = (), facts: tuple[FactSpec, ...] = ()
    ) -> None:
        self._kind = kind
        self._config = config
        self._facts = facts
        self._reads = frozenset((*reads, *(f"fact:{spec.key}" for spec in facts)))

    @property
    def reads(self) -> frozenset[str]:
        """Dirty keys after which the answer must be asked again."""
        return self._reads

    @property
    def facts(self) -> tuple[FactSpec, ...]:
        """Facts it needs in the state."""
        return self._facts

    @abstractmethod
    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(does it hold, when that flips without an event)."""

    @abstractmethod
    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """What the state says, as plain data."""

    def explain(self, state: CustomerState, at_us: Micros) -> Reason:
        """The answer with its configuration and what was found."""
        holds, flips_us = self.answer(state, at_us)
        return Reason(self._kind, holds, msgspec.to_builtins(self._config), self.found(state, at_us), [], flips_us)


def names_of(name: str | list[str]) -> tuple[str, ...]:
    """Event names as configured: one or several."""
    return (name,) if isinstance(name, str) else tuple(name)


@lru_cache(maxsize=64)
def day_number(zone: Zone, at_us: Micros) -> int:
    """The installation day of an instant; remembers the last few, because one turn asks for the same one again and again."""
    return zone.day_number(at_us)


@lru_cache(maxsize=8192)
def day_start_us(zone: Zone, day: int) -> Micros:
    """The first instant of a day; a few thousand days are asked for all the time."""
    return zone.day_start_us(day)


def day_flip_us(day: int | None, zone: Zone) -> Micros:
    """The first instant of a day, NEVER for none."""
    return NEVER if day is None else day_start_us(zone, day)
