"""`kreis broadcast JOURNEY`: let everybody into a broadcast whom it is meant for now."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("journey", help="id of a journey in force whose entry is a broadcast")
    parser.add_argument("--actor", default="command line", help="who starts it, as the log names them")


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Who enters is decided by the worker, customer by customer."""
    from kundenkreis.definitions.use_cases.switch_journey import start_broadcast
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.publishing import StorePublisher

    installation = existing_installation(settings)
    try:
        number = start_broadcast(arguments.journey, StorePublisher(installation), actor=arguments.actor)
    finally:
        installation.close()

    def show(console: Console) -> None:
        console.print(
            f"Started {arguments.journey}: everybody it is meant for enters now.", markup=False, highlight=False
        )

    return Answer(data={"journey": arguments.journey, "number": number}, show=show)


COMMAND = Command(
    name="broadcast",
    summary="Start a broadcast: everybody it is meant for enters the journey now",
    add_arguments=_add_arguments,
    run=_run,
)
