"""`kreis settings`: which settings are in force, and where each comes from."""

import dataclasses
from argparse import ArgumentParser, Namespace
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings, variable_of

_HIDDEN = "(set, not shown)"


def _add_arguments(parser: ArgumentParser) -> None:
    """This command has no arguments of its own."""


def _rows(settings: Settings) -> list[dict[str, Any]]:
    rows = []
    for each in dataclasses.fields(settings):
        value = getattr(settings, each.name)
        hidden = each.metadata["secret"] and value
        rows.append(
            {
                "name": variable_of(each.name),
                "value": _HIDDEN if hidden else value if isinstance(value, int) else str(value),
                "unit": each.metadata["unit"],
                "is_default": value == each.default,
            }
        )
    return rows


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """List the settings; secrets only as set or not."""
    rows = _rows(settings)

    def show(console: Console) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("Setting", "Value", "Unit", "From"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            origin = "default" if row["is_default"] else "environment"
            table.add_row(row["name"], escape(str(row["value"])), row["unit"], origin)
        console.print(table)

    return Answer(data={"settings": rows}, show=show)


COMMAND = Command(
    name="settings",
    summary="Show the settings in force and where they come from",
    add_arguments=_add_arguments,
    run=_run,
)
