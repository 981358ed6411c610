"""`kreis apply DIR`: check files of definitions, show what they change and for whom, and publish them."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec
from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings

_NOT_CONFIRMED = 1


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, help="directory of YAML files")
    parser.add_argument("--yes", action="store_true", help="publish; without it everything is only shown")
    parser.add_argument("--dry-run", action="store_true", help="show only, and say so with exit code 0")
    parser.add_argument("--actor", default="command line", help="who publishes, as the log names them")
    parser.add_argument("--language", choices=("de", "en"), default="en", help="language of the answer")
    parser.add_argument(
        "--include-existing",
        action="append",
        default=[],
        metavar="JOURNEY",
        help="start this journey also for people who match at the moment of publishing (may be repeated)",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Shows diff and impact; publishes with --yes."""
    from contextlib import ExitStack, closing
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from kundenkreis.definitions.use_cases.apply_definitions import applied_in_words, apply_definitions
    from kundenkreis.runtime.installation import Installation, is_there
    from kundenkreis.runtime.publishing import StorePublisher

    publishes = arguments.yes and not arguments.dry_run
    with ExitStack() as stack:
        if not publishes and not is_there(settings):  # what is only shown begins no installation
            folder = Path(stack.enter_context(TemporaryDirectory()))
            settings = replace(settings, data_dir=folder)
        installation = stack.enter_context(closing(Installation(settings)))
        applied = apply_definitions(
            arguments.directory,
            StorePublisher(installation),
            actor=arguments.actor,
            dry_run=not publishes,
            include_existing=arguments.include_existing,
        )
    unconfirmed = bool(applied.changes) and not publishes and not arguments.dry_run

    def show(console: Console) -> None:
        for note in applied.notes:
            console.print(f"Note: {note}", markup=False, highlight=False)
        for line in applied_in_words(applied, arguments.language):
            console.print(line, markup=False, highlight=False)
        if applied.version:
            console.print(f"\nPublished as rulebook {applied.version}.", highlight=False)
        elif unconfirmed:
            console.print("\nNothing was published. Say --yes to publish.", highlight=False)

    data = {**msgspec.to_builtins(applied), "published": bool(applied.version)}
    return Answer(data=data, show=show, exit_code=_NOT_CONFIRMED if unconfirmed else 0)


COMMAND = Command(
    name="apply",
    summary="Check a directory of definitions, show what it changes, and publish it",
    add_arguments=_add_arguments,
    run=_run,
)
