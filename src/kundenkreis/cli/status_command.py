"""`kreis status`: lag, backlog, next wake-ups, quarantine, sending."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--check",
        action="store_true",
        help="for a monitoring: exit code 1 when somebody has to look: a process does not run, the disk is nearly full, the clock is behind, "
        "sending is paused or stopped, or events, dates or messages are late",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Read the status; works beside a running server. With --check exit code 1 when there is a problem."""
    import msgspec

    from kundenkreis.kernel.zones import iso
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.status import InstallationStatus
    from kundenkreis.site.ports.status import problems_of

    installation = existing_installation(settings)
    try:
        status = InstallationStatus(installation).read_status()
    finally:
        installation.close()
    problems = problems_of(status)

    def show(console: Console) -> None:
        facts = Table(box=None, pad_edge=False, show_header=False)
        for name, value in (
            ("Store", status.store),
            ("Customers", f"{status.customers:,}"),
            ("Newest log row", f"{status.newest_row:,}"),
            ("Rulebook version", str(status.rulebook_version)),
            ("Lag", f"{status.lag_us / 1e6:.1f} s"),
            ("Requests waiting in the inbox", f"{status.inbox_rows:,}"),
            ("Rows on the log, not folded", f"{status.unfolded_rows:,}"),
            ("Overdue wake-ups", f"{status.overdue_wake_ups:,}"),
            ("Next wake-up", iso(status.next_wake_us) if status.next_wake_us is not None else "none"),
            *((f"Wake-ups until {iso(span.until_us)[:16]}Z", f"{span.customers:,}") for span in status.wake_ups),
            ("In quarantine", f"{status.quarantined_total:,}"),
        ):
            facts.add_row(name, value)
        console.print(facts)
        for problem in problems:
            if problem in _SENTENCES:
                console.print(_SENTENCES[problem], style="bold red")
        if status.paused is not None:
            console.print(
                f"Sending is paused since {iso(status.paused.since_us)}: the database was restored from a backup. {status.paused.found:,} messages "
                "had gone out that it did not know of; they are not sent again. Go on with: kreis resume",
                style="bold red",
            )
            if status.paused.missing:
                console.print(
                    f"{status.paused.missing:,} lines of the journal of sent messages cannot be read.", style="bold red"
                )
        if status.stopped is not None:
            console.print(
                f"Nothing is sent since {iso(status.stopped.since_us)}: {status.stopped.detail}",
                style="bold red",
                markup=False,
            )
        for sending in status.sending:
            console.print(
                f"{sending.channel}: {sending.waiting:,} waiting, {sending.handed_over:,} handed over, "
                f"{sending.failed:,} failed, {sending.uncertain:,} uncertain"
            )
        for answer in status.answers:
            console.print(
                f"{answer.messages:,} tried again from {iso(answer.next_try_us)} on, the server said: {answer.text}",
                markup=False,
                style="bold red",
            )
        for role in status.roles:
            console.print(f"{role.name}: {'running' if role.is_alive else 'not running'}, {role.restarts} restarts")
        for item in status.quarantine[:5]:
            console.print(f"quarantined {item.kind} {item.name}: {item.reason}", markup=False, style="dim")

    data = {**msgspec.to_builtins(status), "problems": problems}
    return Answer(data=data, show=show, exit_code=1 if arguments.check and problems else 0)


_SENTENCES = {
    "disk_full": "Almost no room is left on the disk of the data folder: without any, events are refused and no message goes out.",
    "clock_behind": "The machine's clock is behind the newest data. Until it has caught up, no message goes out: set it right.",
    "events_late": "Behind: events wait longer than ten seconds to be processed.",
    "dates_late": "Behind: dates of customers have been due for more than a minute.",
    "messages_late": "Behind: messages wait longer than an hour to go out.",
}
"""What no other line of the answer says."""


COMMAND = Command(
    name="status",
    summary="Show lag, backlog, next wake-ups, quarantine and sending",
    add_arguments=_add_arguments,
    run=_run,
)
