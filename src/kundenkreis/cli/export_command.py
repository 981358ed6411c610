"""`kreis export DIR`: write the definitions in force as files."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec
from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "directory", type=Path, help="a directory that holds no YAML files but those of an earlier export"
    )
    parser.add_argument(
        "--schema",
        type=Path,
        metavar="FILE",
        help="also write the JSON schema of definitions, with the words of what is installed, into this file",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """One file per definition; applying them afterwards changes nothing."""
    from kundenkreis.definitions.installed import installed_plugins
    from kundenkreis.definitions.schema import schema_text
    from kundenkreis.definitions.use_cases.export_definitions import export_definitions
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.publishing import StorePublisher

    installation = existing_installation(settings)
    try:
        exported = export_definitions(arguments.directory, StorePublisher(installation))
        if arguments.schema is not None:
            arguments.schema.write_text(schema_text(installed_plugins()), encoding="utf-8")
    finally:
        installation.close()

    def show(console: Console) -> None:
        for word, names in (("written", exported.written), ("removed", exported.removed)):
            for name in names:
                console.print(f"{word}: {name}", markup=False, highlight=False)
        if not (exported.written or exported.unchanged):
            console.print("Nothing is published yet: there is nothing to write.", highlight=False)
            return
        console.print(f"{len(exported.unchanged)} unchanged", highlight=False)

    return Answer(data=msgspec.to_builtins(exported), show=show)


COMMAND = Command(
    name="export",
    summary="Write the definitions in force as files",
    add_arguments=_add_arguments,
    run=_run,
)
