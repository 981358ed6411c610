"""`kreis resume`: let sending go on after a backup was restored."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    """This command has no arguments of its own."""


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Exit code 1 when sending was not paused."""
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.sending import resume_sending

    installation = existing_installation(settings)
    try:
        was_paused = resume_sending(installation, actor="command line")
    finally:
        installation.close()

    def show(console: Console) -> None:
        console.print("Messages go out again." if was_paused else "Sending was not paused.")

    return Answer(data={"was_paused": was_paused}, show=show, exit_code=0 if was_paused else 1)


COMMAND = Command(
    name="resume",
    summary="Let messages go out again after a backup was restored",
    add_arguments=_add_arguments,
    run=_run,
)
