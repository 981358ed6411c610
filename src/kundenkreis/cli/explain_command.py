"""`kreis explain`: why somebody is in or out, got a message or not; now or at a past position."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.kernel.errors import CallerError
from kundenkreis.settings import Settings

_KINDS = ("segment", "phase", "score", "message", "journey")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("kind", choices=_KINDS, metavar="KIND", help="segment, phase, score, message or journey")
    parser.add_argument(
        "customer", metavar="CUSTOMER", help="email:..., user_id:..., another kind:value, a bare value, or a profile id"
    )
    parser.add_argument(
        "id",
        nargs="?",
        default="",
        metavar="ID",
        help="of the segment, score, journey, content or message; none for phase",
    )
    parser.add_argument(
        "--at", default="", metavar="POSITION", help="a log number, or an instant like 2026-11-21T10:00:00Z"
    )
    parser.add_argument("--language", choices=("de", "en"), default="en", help="language of the answer")


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Folds the customer's own log rows up to the position; nothing is written."""
    if arguments.kind == "phase" and arguments.id:
        raise CallerError(f"A phase is explained without an ID; leave out {arguments.id!r}.")
    from kundenkreis.cli.explain_texts import explain_in_words
    from kundenkreis.runtime.explain import Explainer
    from kundenkreis.runtime.installation import existing_installation

    installation = existing_installation(settings)
    try:
        answer = Explainer(installation, arguments.customer, at=arguments.at).ask(arguments.kind, arguments.id)
    finally:
        installation.close()

    def show(console: Console) -> None:
        for line in explain_in_words(answer, arguments.language, installation.zone):
            console.print(line, markup=False, highlight=False)

    return Answer(data=answer, show=show)


COMMAND = Command(
    name="explain",
    summary="Explain a segment, phase, score, message or journey of one customer, now or at a past position",
    add_arguments=_add_arguments,
    run=_run,
)
