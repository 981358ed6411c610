"""`kreis login`: a new link that signs in once."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    """This command has no arguments of its own."""


def _run(arguments: Namespace, settings: Settings) -> Answer:
    """Works beside a running server: the link is valid there at once."""
    from kundenkreis.runtime.installation import check_exists
    from kundenkreis.site.wsgi import LOGIN_VALID_MINUTES, issue_login_url

    check_exists(settings)
    url = issue_login_url(settings)

    def show(console: Console) -> None:
        console.print(url, markup=False, highlight=False)
        console.print(f"Signs in once, within {LOGIN_VALID_MINUTES} minutes.", style="dim")

    return Answer(data={"url": url, "valid_minutes": LOGIN_VALID_MINUTES}, show=show)


COMMAND = Command(
    name="login",
    summary="Print a link that signs in once, within 30 minutes",
    add_arguments=_add_arguments,
    run=_run,
)
