"""Writes the pages of docs/reference/ that are made from code: `make reference`.

A test holds the pages equal to what this writes, so a setting, command or error cannot appear without its page.
"""

import argparse
import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import kundenkreis
from kundenkreis.cli.main import COMMANDS
from kundenkreis.kernel.errors import BugError, CallerError, KundenkreisError, ProviderError
from kundenkreis.settings import Settings, variable_of

FOLDER = Path(__file__).parent / "reference"
_MADE = "<!-- Made by `make reference`. Change the code, not this page. -->\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"


def _table(*headings: str) -> str:
    return _row(*headings) + _row(*["---"] * len(headings))


def settings_page() -> str:
    """Every setting with unit, default and meaning."""
    page = _MADE + (
        "# Settings\n\n"
        "Settings are environment variables. They are read once, when a command starts. Without any, Kundenkreis runs on one\n"
        "machine, stores in `./data` and is reachable from that machine only. A value or a mix that cannot work is refused at\n"
        "start, with what to do about it. `kreis settings` shows what is in force.\n\n"
    )
    page += _table("Setting", "Unit", "Default", "Meaning")
    for each in dataclasses.fields(Settings):
        default = f"`{each.default}`" if str(each.default) else "empty"
        low, high = each.metadata["low"], each.metadata["high"]
        limits = f" From {low} to {high}." if high else ""
        page += _row(f"`{variable_of(each.name)}`", each.metadata["unit"], default, each.metadata["doc"] + limits)
    return page


def commands_page() -> str:
    """Every command with its arguments."""
    page = _MADE + (
        "# Commands\n\n"
        'Every command takes `--json` and then prints one JSON document; errors too, as `{"error": {code, message, data}}`.\n'
        "Exit codes: 0 done, 1 the answer is no or something outside failed, 2 the request cannot be carried out, 3 a bug,\n"
        "130 interrupted.\n"
    )
    for command in COMMANDS:
        parser = argparse.ArgumentParser(prog=f"kreis {command.name}", add_help=False)
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of text")
        command.add_arguments(parser)
        page += f"\n## kreis {command.name}\n\n{command.summary}.\n\n" + _table("Argument", "Meaning")
        for action in parser._actions:  # argparse has no public list of its arguments
            name = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            page += _row(f"`{name}`", str(action.help or ""))
    return page


def modules() -> Iterator[ModuleType]:
    """Every module of the package, imported. Pages of the site need Django to be set up first."""
    from kundenkreis.runtime import sqlite_library  # noqa: PLC0415 - imports of ours begin only when asked for

    sqlite_library.install()
    for found in pkgutil.walk_packages(kundenkreis.__path__, "kundenkreis."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def error_classes() -> list[type[KundenkreisError]]:
    """Every error class of the package, sorted by code."""
    for _ in modules():
        pass
    found: set[type[KundenkreisError]] = set()
    waiting: list[type[KundenkreisError]] = [KundenkreisError]
    while waiting:
        one = waiting.pop()
        if one.__module__.startswith("kundenkreis."):
            found.add(one)
        waiting.extend(one.__subclasses__())
    return sorted(found, key=lambda one: (one.code, one.__name__))


def _fault(error: type[KundenkreisError]) -> str:
    if issubclass(error, CallerError):
        return "caller"
    if issubclass(error, ProviderError):
        return "provider"
    return "us" if issubclass(error, BugError) else ""


def errors_page() -> str:
    """Every error code with its message and whose fault it is."""
    page = _MADE + (
        "# Error codes\n\n"
        "A code is stable; the message may name particulars. *Caller*: mend the request or the setting. *Provider*: a service\n"
        "outside failed. *Us*: a bug, please report it.\n\n"
    )
    page += _table("Code", "Whose fault", "Message")
    for error in error_classes():
        message = (error.__doc__ or "").strip().split("\n\n", maxsplit=1)[0]
        page += _row(f"`{error.code}`", _fault(error), message)
    return page


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
}
"""File name under docs/reference/ -> what writes it."""


def main() -> None:
    """Write all pages."""
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
