"""Safeties removed on purpose, each in a child process only: the tests must notice every one."""

from collections.abc import Callable


def mutate(name: str) -> None:
    """Take one safety out of this process; "" takes none."""
    if name:
        MUTATIONS[name]()


MUTATIONS: dict[str, Callable[[], None]] = {}
