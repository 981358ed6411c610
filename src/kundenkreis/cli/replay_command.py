"""`kreis replay`: send in again what lies in quarantine."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--events", action="store_true", help="put quarantined events back into the inbox")
    parser.add_argument(
        "--id", type=int, action="append", default=[], metavar="N", help="only this event (may be repeated)"
    )
    parser.add_argument("--code", default="", metavar="REASON", help="only events quarantined for this reason")
    parser.add_argument(
        "--customers", action="store_true", help="let quarantined customers out: all rows they missed are folded"
    )
    parser.add_argument(
        "--customer",
        type=int,
        action="append",
        default=[],
        metavar="PROFILE",
        help="only this customer (may be repeated)",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Without --events and --customers it only shows what lies there."""
    import msgspec

    from kundenkreis.kernel.zones import iso
    from kundenkreis.runtime.installation import existing_installation
    from kundenkreis.runtime.replaying import Replayed, quarantined, release_customers, replay_events

    events, customers = arguments.events or arguments.id or arguments.code, arguments.customers or arguments.customer
    done = Replayed()
    installation = existing_installation(settings)
    try:
        held = quarantined(installation)
        if events:
            done = replay_events(installation, ids=arguments.id, code=arguments.code)
        if customers:
            done.customers = release_customers(installation, arguments.customer).customers
        missing = _not_held(held, arguments)
    finally:
        installation.close()

    def show(console: Console) -> None:
        if events or customers:
            console.print(
                f"{done.events:,} events sent in again, {done.customers:,} customers released", highlight=False
            )
            if done.skipped:
                console.print(f"{done.skipped:,} hold nothing that can be sent again", highlight=False)
            for what, ids in missing.items():
                if ids:
                    listed = ", ".join(map(str, ids))
                    console.print(f"Not in quarantine: {what} {listed}", markup=False, highlight=False)
            return
        for event in held["events"]:
            line = f"event {event['id']}  {iso(event['received_us'])[:19]}Z  {event['source']}  {event['code']}: {event['detail']}"
            console.print(line, markup=False, highlight=False)
        for one in held["customers"]:
            console.print(
                f"customer {one['profile_id']}  {one['code']}: {' '.join(one['detail'])}", markup=False, highlight=False
            )
        if not held["events"] and not held["customers"]:
            console.print("Nothing lies in quarantine.")

    data = {"quarantine": held, "replayed": msgspec.to_builtins(done), "not_in_quarantine": missing}
    return Answer(data=data, show=show, exit_code=1 if any(missing.values()) else 0)


def _not_held(held: Mapping[str, Sequence[Mapping[str, Any]]], arguments: Namespace) -> dict[str, list[int]]:
    """Who and what was asked for by its number and does not lie in quarantine."""
    events, customers = {one["id"] for one in held["events"]}, {one["profile_id"] for one in held["customers"]}
    return {
        "events": sorted(set(arguments.id) - events),
        "customers": sorted(set(arguments.customer) - customers),
    }


COMMAND = Command(
    name="replay",
    summary="Show what lies in quarantine, and send it in again",
    add_arguments=_add_arguments,
    run=_run,
)
"""Events pass all checks anew; what is still wrong goes back into quarantine."""
