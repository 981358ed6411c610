"""What channels need of the operational store: a part of its session and of where transactions come from."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Transaction(Protocol):
    """The verbs of an open transaction that the outbox uses (a part of the store's session)."""

    @property
    def dialect(self) -> str: ...

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def rows_in(self, sql: str, keys: Sequence[Any]) -> list[tuple[Any, ...]]: ...

    def run(self, sql: str, params: Sequence[Any] = ()) -> int: ...

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None: ...


class TransactionalStore(Protocol):
    """Where transactions come from."""

    def transaction(self, name: str = "tx") -> AbstractContextManager[Any]: ...

    def reading(self) -> AbstractContextManager[Any]: ...
