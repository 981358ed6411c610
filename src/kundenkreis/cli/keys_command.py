"""`kreis keys`: the write keys by which touchpoints send events."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings

if TYPE_CHECKING:
    from kundenkreis.events.write_key_book import WriteKeyBook


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "create", "change", "revoke"),
        default="list",
        help="what to do; default: list",
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
    origins = parser.add_mutually_exclusive_group()
    origins.add_argument(
        "--origin",
        action="append",
        default=[],
        help="web origin that may use the key, for example https://shop.example (may be repeated); default: any",
    )
    origins.add_argument("--any-origin", action="store_true", help="with change: every web origin may use the key")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument(
        "--identity-secret",
        action="store_true",
        help="make a secret by which your server proves user ids beside a public key, and print it once",
    )
    secret.add_argument(
        "--no-identity-secret", action="store_true", help="with change: user ids beside the key are not proved any more"
    )
    parser.add_argument(
        "--key", default="", help="key to change or revoke, or as many of its first characters as are shown"
    )


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Works beside a running server, which takes changes over within a second."""
    from kundenkreis.events.write_key_book import SHOWN, WriteKeyBook
    from kundenkreis.events.write_keys import WriteKeyFile, new_identity_secret
    from kundenkreis.kernel.errors import CallerError
    from kundenkreis.runtime.installation import KEYS_FILE

    book = WriteKeyBook(WriteKeyFile(settings.data_dir / KEYS_FILE))
    told: dict[str, str] = {}
    secret = new_identity_secret() if arguments.identity_secret else ""
    if arguments.action == "create":
        if not arguments.source:
            raise CallerError("Name the touchpoint with --source.")
        if arguments.brand:
            _check_brand(arguments.brand, settings)
        settings.make_data_dir()
        made = book.create(
            arguments.source, arguments.kind, brand=arguments.brand, origins=arguments.origin, identity_secret=secret
        )
        told = {"created": made.key}
    elif arguments.action in ("change", "revoke"):
        if not arguments.key:
            raise CallerError(f"Name the key to {arguments.action} with --key; kreis keys lists them.")
        if arguments.action == "revoke":
            book.revoke(arguments.key)
        else:
            _change(book, arguments, secret)
    if secret:
        told["identity_secret"] = secret
    keys = book.list_keys()
    rows = [
        {
            "key": one.key[:SHOWN] + "...", "source": one.source, "kind": one.kind, "brand": one.brand,
            "origins": list(one.allowed_origins), "has_identity_secret": bool(one.identity_secret),
        }
        for one in keys
    ]  # fmt: skip

    def show(console: Console) -> None:
        if told:
            for value in told.values():
                console.print(value, markup=False, highlight=False)
            console.print("Shown this once; keep it.", style="dim")
            return
        if not rows:
            console.print("There is no write key yet: kreis keys create --source shop", highlight=False)
            return
        table = Table(
            "Key", "Source", "Kind", "Brand", "Origins", "Proves ids", box=None, pad_edge=False, header_style="bold"
        )
        for one in keys:
            table.add_row(
                one.key[:SHOWN] + "...", one.source, one.kind, one.brand, " ".join(one.allowed_origins),
                "yes" if one.identity_secret else "",
            )  # fmt: skip
        console.print(table)

    return Answer(data={"keys": rows} | told, show=show)


def _change(book: "WriteKeyBook", arguments: Namespace, secret: str) -> None:
    from kundenkreis.kernel.errors import CallerError

    origins = arguments.origin if arguments.origin or arguments.any_origin else None
    new_secret = "" if arguments.no_identity_secret else secret or None
    if origins is None and new_secret is None:
        raise CallerError(
            "Say what to change: --origin, --any-origin, --identity-secret or --no-identity-secret. For the rest, revoke the key and create another."
        )
    book.change(arguments.key, origins=origins, identity_secret=new_secret)


def _check_brand(brand: str, settings: Settings) -> None:
    """Raises CallerError for a brand that no definition in force is about."""
    from contextlib import closing

    from kundenkreis.kernel.errors import CallerError
    from kundenkreis.runtime.installation import Installation, is_there

    known: list[str] = []
    if is_there(settings):
        with closing(Installation(settings)) as installation:
            documents = installation.rulebooks.documents(installation.rulebooks.newest_version())
        known = sorted(str(one.get("id", "")) for one in documents if one.get("kind") == "brand")
    if brand not in known:
        there = (
            f"Known: {', '.join(known)}."
            if known
            else "No brand is in force yet; see Settings > Brand, or kreis apply."
        )
        raise CallerError(f"There is no brand {brand}. {there}")


COMMAND = Command(
    name="keys",
    summary="List, create, change and revoke write keys",
    add_arguments=_add_arguments,
    run=_run,
)
