"""`kreis rebuild`: fold everything from the log again, to prove what is stored or to put it back."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings

_DIFFERS = 1


def _add_arguments(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--verify",
        action="store_true",
        help="check the rows of the log, rebuild into an empty second database and compare; exit code 1 if something differs",
    )
    which.add_argument(
        "--in-place",
        action="store_true",
        help="drop all derived tables and rebuild them from the log, also beside a running server; sends nothing",
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="PATH",
        help="keep the second database in this new SQLite file; default: a temporary one",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Works beside a running server."""
    import dataclasses

    from kundenkreis.cli.progress import progress_bar
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.rebuild import rebuild_in_place, second_store, verify

    installation = existing_installation(settings)
    try:
        with (
            second_store(arguments.into) as second,
            progress_bar("rebuilding", "customers", silent=arguments.json) as progress,
        ):
            rebuild = verify if arguments.verify else rebuild_in_place
            report = rebuild(installation.store, second, zone=installation.zone, progress=progress)
    finally:
        installation.close()
    data = {"equal": report.is_equal, **dataclasses.asdict(report)}

    def show(console: Console) -> None:
        console.print(
            f"{report.customers:,} customers from {report.rows:,} log rows"
            + (f", {report.overdue:,} with an overdue timer" if report.overdue else "")
            + (f", {report.quarantined:,} in quarantine" if report.quarantined else "")
            + (
                f", {report.not_carried_over:,} not yet carried over from the version before"
                if report.not_carried_over
                else ""
            )
            + (f", {report.without_checksum:,} without a checksum in the log" if report.without_checksum else ""),
            highlight=False,
        )
        table = Table("Table", "Rows compared", box=None, pad_edge=False, header_style="bold")
        table.columns[1].justify = "right"
        for name, count in report.compared.items():
            table.add_row(name, f"{count:,}")
        console.print(table)
        for one in report.differences:
            where = f"{one.table} {one.key}" + (f", {one.column}" if one.column else "")
            console.print(f"{where}: stored {one.stored}, rebuilt {one.rebuilt}", markup=False, highlight=False)
        if report.differing > len(report.differences):
            console.print(f"and {report.differing - len(report.differences):,} more", highlight=False)
        if report.not_compared:
            console.print(f"Nothing else was compared: {report.not_compared}", markup=False, highlight=False)
        if report.what_to_do:
            console.print(report.what_to_do, highlight=False)
        console.print(_verdict(report.differing, arguments.verify), highlight=False)

    return Answer(data=data, show=show, exit_code=_DIFFERS if arguments.verify and not report.is_equal else 0)


def _verdict(differing: int, verify: bool) -> str:
    places = f"{differing:,} place{'' if differing == 1 else 's'}"
    if verify:
        return f"Differs in {places} from what the log says." if differing else "Equal to what the log says."
    return f"Rebuilt in place; {places} differed before." if differing else "Rebuilt in place; nothing differed."


COMMAND = Command(
    name="rebuild",
    summary="Fold every customer from the log again: to verify what is stored, or to put it back",
    add_arguments=_add_arguments,
    run=_run,
)
