"""Chance as a hash: everything invented follows from names and numbers, so that the demo is the same everywhere."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kundenkreis.demo.tables import Ints

T = TypeVar("T")


class Dice:
    """Draws for one invented thing: the same seed and question always give the same answer, in any order of asking."""

    __slots__ = ("_seed",)

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def number(self, question: str, below: int) -> int:
        """0 .. below - 1."""
        data = f"{self._seed}\x1f{question}".encode()
        return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") % below

    def between(self, question: str, low: int, high: int) -> int:
        """low .. high, both possible."""
        return low + self.number(question, high - low + 1)

    def chance(self, question: str, percent: float) -> bool:
        """Yes for this share of seeds."""
        return self.number(question, 100_000) < percent * 1_000

    def pick(self, question: str, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[self.number(question, len(options))]


def mix(numbers: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """A uniform 64-bit hash of each number. Source: splitmix64 finaliser (Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
