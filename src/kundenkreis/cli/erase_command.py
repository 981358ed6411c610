"""`kreis erase`: forget a person, and prove it."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.kernel.errors import CallerError
from kundenkreis.settings import Settings

if TYPE_CHECKING:
    from kundenkreis.privacy.erasure import ErasureReport


class NobodyNamedError(CallerError):
    """Say whom to erase: kreis erase CUSTOMER, or kreis erase --again after restoring a backup."""

    code = "nobody_named"


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "customer",
        nargs="?",
        default="",
        metavar="CUSTOMER",
        help="profile id, user id, e-mail address, telephone number or anonymous id; or kind:value",
    )
    parser.add_argument(
        "--again", action="store_true", help="erase everybody again whose erasure a restored backup does not know"
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Erase, count, search. Exit code 1 when something was found afterwards."""
    import dataclasses

    from kundenkreis.privacy.erasure import erase, erase_again
    from kundenkreis.runtime.installation import existing_installation

    if bool(arguments.customer) == arguments.again:
        raise NobodyNamedError
    installation = existing_installation(settings)
    try:
        reports = erase_again(installation) if arguments.again else [erase(installation, arguments.customer)]
    finally:
        installation.close()

    def show(console: Console) -> None:
        if not reports:
            console.print("Nobody to erase.")
        for report in reports:
            console.print(f"Erased: {', '.join(map(str, report.profiles))}")
            for table, count in sorted(report.removed.items()):
                if count:
                    console.print(f"  {table}: {count:,} removed")
            console.print(
                f"Searched every file for {report.searched} identifiers of 6 characters or more.", highlight=False
            )
            for line in _left(report):
                console.print(line, markup=False, highlight=False)
            for remains in report.remains:
                console.print(f"Kept: {remains}")

    data = [{**dataclasses.asdict(report), "is_complete": report.is_complete} for report in reports]
    return Answer(data=data, show=show, exit_code=0 if all(report.is_complete for report in reports) else 1)


def _left(report: "ErasureReport") -> Iterator[str]:
    """What was found after the erasure, and what to do about it."""
    for table, count in report.remaining.items():
        if count:
            yield f"Still found: {count:,} rows of {table}"
    for file, count in report.traces.items():
        yield f"Still found: {count:,} places in {file}"
    if report.traces:
        yield (
            "Somebody else may have given the same address or number, or one that contains it: search for it on the page Customers, "
            "and erase whoever is the same person."
        )
    if report.is_complete:
        yield "Nothing is left."


COMMAND = Command(
    name="erase",
    summary="Erase a person from everything and prove it",
    add_arguments=_add_arguments,
    run=_run,
)
