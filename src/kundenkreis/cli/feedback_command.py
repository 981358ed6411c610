"""`kreis feedback`: take in mails that came back."""

from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("places", nargs="+", type=Path, metavar="PLACE", help="a mail as a file, or a Maildir")


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Bounces and complaints become events of the people they are about; a Maildir's new mails move to cur."""
    import msgspec

    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.returned_mails import mails_in, take_mails

    files = mails_in(arguments.places)
    installation = existing_installation(settings)
    try:
        taken = list(take_mails(installation, files))
    finally:
        installation.close()
    counts = Counter(one.outcome for one in taken)

    def show(console: Console) -> None:
        for one in taken:
            who = f"  customer {one.profile_id}" if one.profile_id else ""
            line = f"{one.outcome}{': ' + one.reason if one.reason else ''}{who}  {one.name}  {one.detail}".rstrip()
            console.print(line, markup=False, highlight=False)
        listed = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
        console.print(f"{len(taken):,} mails read" + (f": {listed}" if listed else ""), highlight=False)

    return Answer(data={"mails": msgspec.to_builtins(taken), "counts": dict(sorted(counts.items()))}, show=show)


COMMAND = Command(
    name="feedback",
    summary="Take in bounces and complaints from mails that came back",
    add_arguments=_add_arguments,
    run=_run,
)
"""A mail server hands them over with `kreis feedback FILE`, or leaves them in a Maildir that a timer looks into."""
