"""The command `kreis`: reads the settings once, runs one command, prints its answer."""

import argparse
import codecs
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from rich.console import Console

from kundenkreis.cli import (
    apply_command,
    broadcast_command,
    demo_command,
    erase_command,
    explain_command,
    export_command,
    feedback_command,
    keys_command,
    login_command,
    rebuild_command,
    replay_command,
    resume_command,
    serve_command,
    settings_command,
    simulate_command,
    status_command,
)
from kundenkreis.cli.command import Command
from kundenkreis.cli.failures import told
from kundenkreis.kernel.errors import BugError, CallerError, KundenkreisError
from kundenkreis.settings import read_settings

COMMANDS: tuple[Command, ...] = (
    demo_command.COMMAND,
    serve_command.COMMAND,
    apply_command.COMMAND,
    export_command.COMMAND,
    broadcast_command.COMMAND,
    explain_command.COMMAND,
    simulate_command.COMMAND,
    rebuild_command.COMMAND,
    erase_command.COMMAND,
    status_command.COMMAND,
    replay_command.COMMAND,
    resume_command.COMMAND,
    feedback_command.COMMAND,
    keys_command.COMMAND,
    login_command.COMMAND,
    settings_command.COMMAND,
)
"""Every command, in the order of the help page."""

_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


def _version() -> str:
    try:
        return version("kundenkreis")
    except PackageNotFoundError:
        return "from a source tree that is not installed"


class UsageError(CallerError):
    """The command was not called as it is meant to be."""

    code = "usage"


class _Console(Console):
    """Tells that whoever read the output has gone instead of ending the process, so that the exit code stays the answer's."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print, so that `--json` gets a document for this as well."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, usage=" ".join(self.format_usage().removeprefix("usage: ").split()))


def build_parser() -> argparse.ArgumentParser:
    """The parser of `kreis` with all commands."""
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    parser = _Parser(prog="kreis", description="Kundenkreis accompanies every customer through the whole lifecycle.")
    parser.add_argument("--version", action="version", version=f"kreis {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name, parents=[common], help=command.summary, description=f"{command.summary}."
        )
        command.add_arguments(own)
        own.set_defaults(chosen=command, own=own)
    return parser


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parsed, unknown = build_parser().parse_known_args(arguments)
    if unknown:
        # The parser of all commands would say so as well, with a usage that names no argument of this one.
        parsed.own.error(f"unrecognized arguments: {' '.join(unknown)}")
    return parsed


def run_command(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command.

    Returns: the exit code: 0 done; 1 the command's own "no" or a failure outside; 2 the request cannot be carried out;
        3 a bug; 130 interrupted.
    """
    try:
        parsed = _parsed(arguments)
    except UsageError as error:
        if "--json" not in arguments:
            sys.stderr.write(f"usage: {error.data['usage']}\n")
        _print_error(error, as_json="--json" in arguments)
        return 2
    command: Command = parsed.chosen
    try:
        answer = command.run(parsed, read_settings(environ))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as failure:  # the edge of a command: what nobody foresaw is told like any other error
        what = told(failure)
        _print_error(what, as_json=parsed.json)
        return 2 if isinstance(what, CallerError) else 3 if isinstance(what, BugError) else 1
    if answer is None:
        return 0
    try:
        if parsed.json:
            _print_json(answer.data)
        else:
            answer.show(_Console(soft_wrap=True))
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    return answer.exit_code


def _print_error(error: KundenkreisError, *, as_json: bool) -> None:
    data = dict(error.data)
    if trace := data.pop("trace", ""):
        sys.stderr.write(f"{trace}")
    if as_json:
        _print_json({"error": {"code": error.code, "message": str(error), "data": data}})
    else:
        sys.stderr.write(f"kreis: {error}\n")


def _print_json(document: object) -> None:
    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    sys.stdout.write(json.dumps(document, ensure_ascii=not is_utf8, indent=2, default=str) + "\n")


def _drop_output() -> None:
    """Whoever read our output (head, less) has gone; keep the interpreter from complaining while it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows ASCII only, and names of files that are no UTF-8: shown escaped instead of not at all.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run_command(sys.argv[1:], os.environ))


if __name__ == "__main__":
    main()
