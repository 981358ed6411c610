"""How far long work is, on stderr: a bar in a terminal, else a line now and then; silent with --json."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 15


class Told(Protocol):
    """Is told how much is done, of how much, and where that is."""

    def __call__(self, done: int, total: int, where: str = "", /) -> None: ...


@contextmanager
def progress_bar(what: str, unit: str, *, silent: bool) -> Iterator[Told]:
    """Gives a function to be told how far it is."""
    console = Console(stderr=True)
    if not silent and not console.is_terminal:
        yield _lines(what, unit, console.print)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} " + unit + "  {task.fields[where]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=silent, transient=True) as bar:
        task = bar.add_task(what, total=0, where="")
        yield lambda done, total, where="", /: bar.update(task, completed=done, total=total, where=where)


def _lines(what: str, unit: str, say: Callable[[str], None]) -> Told:
    said = time.monotonic()

    def told(done: int, total: int, where: str = "", /) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said = now
            say(f"{what}: {done:,} of {total:,} {unit}{f', {where}' if where else ''}")

    return told
