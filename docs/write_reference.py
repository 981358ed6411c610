"""Writes the pages of docs/reference/ that are made from code: `make reference`.

A test runs this with --check, so a setting, command or error cannot appear without its page.
"""

import argparse
import dataclasses
import importlib
import pkgutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import kundenkreis
from kundenkreis.cli.main import COMMANDS
from kundenkreis.kernel.errors import BugError, CallerError, KundenkreisError, ProviderError
from kundenkreis.privacy.registry import RETENTION, personal_tables
from kundenkreis.settings import Settings, variable_of
from kundenkreis.site import django_setup
from kundenkreis.site.access import ROLES_WITH, Role, grantable_roles

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
            page += _row(f"`{name}`", str(action.help or "").replace("%%", "%"))
    return page


def import_everything() -> None:
    """Import every module of the package. Models of the site need Django to be set up first, for no installation."""
    with tempfile.TemporaryDirectory() as folder:
        django_setup.configure(Settings(data_dir=Path(folder)))
        for found in pkgutil.walk_packages(kundenkreis.__path__, "kundenkreis."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


@lru_cache
def error_classes() -> list[type[KundenkreisError]]:
    """Every error class of the package, sorted by code."""
    import_everything()
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


def retention_page() -> str:
    """Every table with personal data: whose rows, how they end, how long they live."""
    page = _MADE + (
        "# Personal data: where it is, how long it stays, how it is erased\n\n"
        "One registry (`privacy/registry.py`) names every table that holds something about a person. `kreis erase` and the worker's\n"
        "pruning go by it, and a test compares it with the tables of a freshly made installation.\n\n"
        "## How long\n\n"
    )
    page += _table("Class", "Kept", "Ended by")
    for name, each in RETENTION.items():
        page += _row(name, each.period, each.ended_by)
    page += "\n## Where\n\n" + _table("Table", "Place", "Person found by", "Way of erasing", "Class")
    for table in personal_tables():
        page += _row(f"`{table.name}`", table.place, f"`{table.erase_by}`", table.way, table.retention)
    return page + (
        "\nPlaces: *store* is `kreis.db`, *inbox* `inbox.db`, *application* `app.db` in the data folder; with PostgreSQL all are tables of\n"
        "the one database. Ways: *profile* by profile id; *merges* by either side of a merge; *events* by the event ids of the\n"
        "person's log rows; *content* by looking for the person's identifiers inside; *kept* as proof, without anything that leads to\n"
        "the person; *account* with the account of somebody who works here.\n\n"
        "## What an erasure cannot reach\n\n"
        "Messages that were handed over are with their recipients. Backups hold what they held: `tombstones.jsonl` in the data folder\n"
        "keeps keyed hashes of erased identifiers apart from the database, and the next start erases them again after a restore.\n"
        "[Restoring a backup](../explanation/backups.md) tells the whole way.\n"
        "PostgreSQL keeps old pages in its write-ahead log until it recycles them. Anonymous visitors who were forgotten leave no\n"
        "tombstone: whoever comes back is a new visitor.\n"
    )


def access_page() -> str:
    """Every permission with the roles that have it."""
    page = _MADE + (
        "# Roles and permissions\n\n"
        "Written from the table in `site/access.py`, the only place where a role gets a permission. How pages use it:\n"
        "[access.md](../explanation/access.md).\n\n"
    )
    page += _table("Permission", *(f"`{role}`" for role in Role))
    for name, roles in ROLES_WITH.items():
        page += _row(f"`{name}`", *("x" if role in roles else "" for role in Role))
    page += "\n" + _table("Role", "May give and take these roles")
    for role in Role:
        page += _row(f"`{role}`", ", ".join(f"`{each}`" for each in grantable_roles(role)) or "none")
    return page


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "retention.md": retention_page,
    "access.md": access_page,
}
"""File name under docs/reference/ -> what writes it."""


def problems() -> list[str]:
    """What is wrong with the pages or with what they are made from."""
    found = [
        f"docs/reference/{name} is not what the code says. Run: make reference"
        for name, write in PAGES.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text(encoding="utf-8") != write()
    ]
    errors = error_classes()
    found += [
        f"Error code {code} is used {times} times."
        for code, times in Counter(e.code for e in errors).items()
        if times > 1
    ]
    found += [f"{error.__qualname__} has no message." for error in errors if not (error.__doc__ or "").strip()]
    return found


def main(arguments: list[str]) -> int:
    """Write all pages; with --check only say what is wrong."""
    if arguments == ["--check"]:
        found = problems()
        sys.stdout.write("".join(f"{problem}\n" for problem in found))
        return 1 if found else 0
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
