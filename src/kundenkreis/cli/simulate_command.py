"""`kreis simulate`: a journey draft over the recorded past."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "draft",
        nargs="?",
        type=Path,
        metavar="DRAFT",
        help="a YAML file or a directory: a journey and what else it changes",
    )
    parser.add_argument("--journey", default="", metavar="ID", help="instead of a draft: a published journey")
    parser.add_argument(
        "--from",
        dest="from_day",
        required=True,
        metavar="DATE",
        help="first day, as 2026-01-31: the draft is published here",
    )
    parser.add_argument("--to", dest="to_day", required=True, metavar="DATE", help="last day, as 2026-03-31")
    parser.add_argument(
        "--sample", default="100%", metavar="PERCENT", help="only this share of customers, by stable hash"
    )
    parser.add_argument(
        "--reaction",
        action="append",
        default=[],
        metavar="NAME=PERCENT@DAYS",
        help="assume that so many answer a message with this event ('Order Completed=5%%@2d'); default: nobody (may be repeated)",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Writes nothing; works beside a running server."""
    import msgspec

    from kundenkreis.cli.progress import progress_bar
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.simulate import BadSimulationError, Reaction, read_draft, simulate

    installation = existing_installation(settings)
    try:
        newest = installation.rulebooks.newest_version()
        if bool(arguments.draft) == bool(arguments.journey):
            either = (
                "either a draft or a published journey with --journey, not both"
                if arguments.draft
                else "a draft, or a published journey with --journey"
            )
            raise BadSimulationError(f"Name {either}.")
        if arguments.draft:
            draft = read_draft(arguments.draft, installation.rulebooks.stored(newest) if newest else b"[]")
        else:
            documents = installation.rulebooks.documents(newest) if newest else []
            draft = [one for one in documents if one["kind"] == "journey" and one["id"] == arguments.journey]
            if not draft:
                known = ", ".join(sorted(one["id"] for one in documents if one["kind"] == "journey")) or "none"
                raise BadSimulationError(
                    f"There is no published journey `{arguments.journey}`. Known: {known}.", journey=arguments.journey
                )
        with progress_bar("simulating", "customers", silent=arguments.json) as progress:
            result = simulate(
                installation, draft, from_day=_day(arguments.from_day), to_day=_day(arguments.to_day),
                reactions=[Reaction.parse(one) for one in arguments.reaction], sample_percent=_percent(arguments.sample),
                progress=progress,
            )  # fmt: skip
    finally:
        installation.close()
    return Answer(data=msgspec.to_builtins(result), show=lambda console: _show(console, result))


def _day(text: str) -> int:
    from datetime import date

    from kundenkreis.kernel.zones import day_of
    from kundenkreis.runtime.simulate import BadSimulationError

    try:
        return day_of(date.fromisoformat(text))
    except ValueError:
        raise BadSimulationError(f"A day is written 2026-01-31, not {text!r}.") from None


def _percent(text: str) -> float:
    from kundenkreis.runtime.simulate import BadSimulationError

    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise BadSimulationError(f"A share is written 10%, not {text!r}.") from None


def _show(console: Console, result: Any) -> None:
    def told(count: int) -> str:
        if result.sample_percent == 100:
            return f"{count:,}"
        estimate, margin = result.estimate(count)
        return f"{count:,} (about {estimate:,} ± {margin:,} of all)"

    console.print(
        f"{', '.join(result.journeys)} from {result.from_day} to {result.to_day}, {result.customers:,} customers",
        highlight=False,
    )
    if result.sample_percent < 100:
        console.print(f"A sample of {result.sample_percent:g} % by stable hash.", highlight=False)
    assumed = "; ".join(f"{one.percent:g} % {one.name} after {one.days} days" for one in result.reactions)
    console.print(f"Assumed reactions to messages that were never sent: {assumed or 'none'}.", highlight=False)
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("Entries", told(result.entries)), ("of them in the control group", told(result.holdout)), ("Messages", told(result.messages)),
        ("Postponed", told(result.postponed)), ("Met a limit of the contact budget", told(result.cap_hits)),
        ("Reached the goal", told(result.goals)), ("Still under way", told(result.under_way)),
        ("Real messages that would not have gone out", told(sum(result.displaced_real.values()))),
    ):  # fmt: skip
        facts.add_row(name, value)
    console.print(facts)
    for title, counts in (
        ("Message", result.messages_by_content), ("Not sent because", result.not_sent_by_reason), ("Left by", result.exits),
        ("Real message displaced", result.displaced_real),
    ):  # fmt: skip
        if counts:
            _counts(console, title, {name: told(count) for name, count in sorted(counts.items())})
    days = sorted({*result.entries_per_day, *result.messages_per_day})
    if days:
        table = Table("Day", "Entries", "Messages", box=None, pad_edge=False, header_style="bold")
        for day in days:
            channels = ", ".join(
                f"{count} {name}" for name, count in sorted(result.messages_per_day.get(day, {}).items())
            )
            table.add_row(day, str(result.entries_per_day.get(day, 0)), channels)
        console.print(table)
    if result.failed:
        console.print(f"{result.failed:,} customers could not be folded and are left out.", highlight=False)


def _counts(console: Console, title: str, counts: dict[str, str]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, min_width=28)
    table.add_column("", justify="right")
    for name, count in counts.items():
        table.add_row(name, count)
    console.print(table)


COMMAND = Command(
    name="simulate",
    summary="Simulate a journey draft over the recorded past: entries, messages, limits met, exits",
    add_arguments=_add_arguments,
    run=_run,
)
