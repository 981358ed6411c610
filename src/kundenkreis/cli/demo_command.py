"""`kreis demo`: load a year of real households, then serve it."""

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from typing import Any

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.kernel.errors import CallerError
from kundenkreis.settings import Settings

EXPECTED_EVENTS = 260_000
"""About; only to tell how far it is."""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--households", type=int, default=None, metavar="N", help="only the first N real households")
    parser.add_argument("--load-only", action="store_true", help="load the year and end, without serving")


def _run(arguments: Namespace, settings: Settings) -> Answer | None:
    """Load the year unless it is there already, print the summary, serve."""
    import dataclasses

    from kundenkreis.cli.progress import progress_bar
    from kundenkreis.demo.run import DemoExistsError, load_demo, summary
    from kundenkreis.kernel.zones import zone
    from kundenkreis.runtime.clock import SystemClock
    from kundenkreis.runtime.installation import Installation
    from kundenkreis.runtime.serve import await_port

    if arguments.households is not None and arguments.households < 1:
        raise CallerError("Name at least one household with --households.")
    if not (arguments.load_only or arguments.json):
        await_port(settings)  # said now rather than after the year is loaded
    settings = dataclasses.replace(settings, zone="America/New_York")
    today = zone("America/New_York").date(time.time_ns() // 1000)
    try:
        with progress_bar("loading", "events", silent=arguments.json) as progress:
            about = (arguments.households and arguments.households * 110) or EXPECTED_EVENTS
            run = load_demo(
                settings,
                today=today,
                households=arguments.households,
                clock=SystemClock(),
                progress=lambda done, at_us: progress(done, max(done, about), _day(at_us)),
            )
    except DemoExistsError:
        if arguments.load_only:
            raise
        print("The demo is loaded already.", file=sys.stderr)
    else:
        installation = Installation(settings)
        found = summary(installation, run)
        installation.close()
        answer = Answer(data=found, show=lambda console: _show(console, found))
        if arguments.load_only or arguments.json:
            return answer
        answer.show(Console(soft_wrap=True))
    # What serves begins anew: the loader's memory is many times a supervisor's, and its fold helper would stay.
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "kundenkreis.cli.main", "serve"])


def _day(at_us: int) -> str:
    from kundenkreis.kernel.zones import to_datetime

    return to_datetime(at_us).date().isoformat()


def _show(console: Console, found: dict[str, Any]) -> None:
    real = found["orders"]["real"]
    console.print(
        f"{found['events']:,} events in {found['seconds']} s ({found['events_per_second']:,} a second; set-up {found['set_up_seconds']} s)"
    )
    if real:
        console.print(f"Real households: {real['count']:,} orders, {real['sales_minor'] / 100:,.2f} US dollars")
    console.print(f"{found['customers']:,} customers; names, addresses and everything marked 'erfunden' are invented.")
    for title, part in (
        ("Phase", found["phases"]),
        ("Sub-state", found["sub_states"]),
        ("Situation", found["situations"]),
        ("Segment", found["segments"]),
        ("Message sent", found["messages"]["by_content"]),
        ("Withheld because", found["messages"]["withheld_by_reason"]),
    ):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(title, min_width=28)
        table.add_column("", justify="right")
        for name, count in part.items():
            table.add_row(name, f"{count:,}")
        console.print(table)
    if found["quarantined"]:
        console.print(f"{found['quarantined']:,} events in quarantine: kreis status")


COMMAND = Command(
    name="demo",
    summary="Load a year of 2,469 real households, then serve it",
    add_arguments=_add_arguments,
    run=_run,
)
