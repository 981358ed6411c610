"""What a command of `kreis` is: one file, one registration in cli/main.py."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from kundenkreis.settings import Settings

Value = Any
"""What json.dumps takes: the answer to somebody who asks with --json."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command found out, for machines and for people."""

    data: Value
    """Printed as one JSON document with --json. The same facts as `show` prints."""
    show: Callable[[Console], None]
    """Prints the answer for people."""
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command. Its module imports what is heavy inside `run`, so that `kreis --help` stays quick."""

    name: str
    summary: str
    """One line, begins with a verb, ends without a full stop."""
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Settings], Answer | None]
    """Does the work. Progress goes to stderr. None: everything was said already (a server that ended).

    Raises: KundenkreisError for what people can mend; anything else is a bug.
    """
