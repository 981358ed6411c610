"""`kreis keys`: the write keys by which touchpoints send events."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("list", "create", "revoke"), default="list", help="what to do; default: list"
    )
    parser.add_argument(
        "--source",
        default="",
        help="name of the touchpoint, for example shop; with the message id it makes an event's identity",
    )
    parser.add_argument(
        "--kind",
        choices=("server", "public"),
        default="server",
        help="server: secret and trusted; public: stands in web pages",
    )
    parser.add_argument("--brand", default="", help="brand that events of this key belong to")
    parser.add_argument("--key", default="", help="key to revoke, or as many of its first characters as are shown")


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Works beside a running server, which takes changes over within a second."""
    from kundenkreis.events.write_key_book import SHOWN, WriteKeyBook
    from kundenkreis.events.write_keys import WriteKeyFile
    from kundenkreis.kernel.errors import CallerError
    from kundenkreis.runtime.installation import KEYS_FILE

    book = WriteKeyBook(WriteKeyFile(settings.data_dir / KEYS_FILE))
    told = ""
    if arguments.action == "create":
        if not arguments.source:
            raise CallerError("Name the touchpoint with --source.")
        settings.make_data_dir()
        told = book.create(arguments.source, arguments.kind, brand=arguments.brand).key
    elif arguments.action == "revoke":
        if not arguments.key:
            raise CallerError("Name the key to revoke with --key; kreis keys lists them.")
        book.revoke(arguments.key)
    keys = book.list_keys()
    rows = [
        {"key": one.key[:SHOWN] + "...", "source": one.source, "kind": one.kind, "brand": one.brand} for one in keys
    ]

    def show(console: Console) -> None:
        if told:
            console.print(told, markup=False, highlight=False)
            console.print("Shown this once; keep it.", style="dim")
            return
        if not rows:
            console.print("There is no write key yet: kreis keys create --source shop", highlight=False)
            return
        table = Table("Key", "Source", "Kind", "Brand", box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(row["key"], row["source"], row["kind"], row["brand"])
        console.print(table)

    return Answer(data={"keys": rows} | ({"created": told} if told else {}), show=show)


COMMAND = Command(
    name="keys",
    summary="List, create and revoke write keys",
    add_arguments=_add_arguments,
    run=_run,
)
