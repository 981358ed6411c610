"""`kreis serve`: the whole runtime, or one role of it."""

import os
import socket
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import TYPE_CHECKING

from kundenkreis.cli.command import Answer, Command
from kundenkreis.settings import Settings

if TYPE_CHECKING:
    from kundenkreis.runtime.installation import Installation

ROLES = ("web", "worker", "dispatcher", "counter")
DISPATCHER_THREADS = 2
READERS_CACHE_MEBIBYTES = 16
"""Every commit of the worker empties the caches of the others; more would only be held."""
_LOOK_AGAIN_SECONDS = 0.2


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--role", choices=ROLES, help="run only this role, without a supervisor")
    parser.add_argument("--name", default="", help="name of this worker, unique among all workers of a database")
    parser.add_argument(
        "--new-secret",
        action="store_true",
        help="go on although secret.key is another one than before: links in mails that are out, second factors and what is remembered of "
        "erased people are lost with the old one",
    )


def _run(arguments: Namespace, settings: Settings) -> Answer | None:
    """Serve until SIGTERM or Ctrl-C."""
    if arguments.role is None:
        return supervise(settings, accepts_new_secret=arguments.new_secret)
    from kundenkreis.runtime.installation import Installation
    from kundenkreis.runtime.logs import write_logs
    from kundenkreis.runtime.points import point_from
    from kundenkreis.runtime.serve import end_with_supervisor
    from kundenkreis.runtime.stores.sqlite import CACHE_MEBIBYTES

    write_logs(settings)
    if not sys.stdin.isatty():
        end_with_supervisor()
    cache = CACHE_MEBIBYTES if arguments.role == "worker" else READERS_CACHE_MEBIBYTES
    installation = Installation(settings, point=point_from(os.environ), cache_mebibytes=cache)
    _check_secret(installation, accepts_new=arguments.new_secret)
    _repeat_erasures(installation)
    installation.ensure_rulebook()
    if arguments.role == "web":
        from kundenkreis.runtime.web import run_web

        run_web(installation)
    elif arguments.role == "worker":
        from kundenkreis.runtime.roles import run_worker

        run_worker(installation, arguments.name or f"worker-{os.getpid()}")
    elif arguments.role == "counter":
        from kundenkreis.runtime.roles import run_counter

        run_counter(installation)
    else:
        from kundenkreis.runtime.roles import run_dispatcher

        run_dispatcher(installation, settings.smtp_connections if settings.smtp_host else DISPATCHER_THREADS)
    installation.close()
    return None


def supervise(settings: Settings, *, accepts_new_secret: bool = False) -> Answer | None:
    """Serve all roles; returns when told to stop.

    Raises:
        AlreadyServedError, PortTakenError: another server is in the way.
    """
    from kundenkreis.runtime.serve import Supervisor, await_port, role_arguments
    from kundenkreis.runtime.sole_process import claim_folder, place_of

    folder = claim_folder(settings, "serve.lock")
    await_port(settings)
    login = _prepared(settings, accepts_new_secret=accepts_new_secret)
    roles = [("web", role_arguments("web"))]
    # Several servers may share one database: a namesake on another machine would take the partitions of this one's workers.
    place = f"{place_of(settings.data_dir)}:" if settings.on_postgres else ""
    roles += [
        (f"worker-{n}", role_arguments("worker", "--name", f"{place}worker-{n}"))
        for n in range(1, settings.workers + 1)
    ]
    roles += [(role, role_arguments(role)) for role in ("dispatcher", "counter")]
    threading.Thread(target=_say_where, args=(settings, login), daemon=True).start()
    code = Supervisor(
        roles, data_dir=settings.data_dir, say=lambda text: print(text, file=sys.stderr, flush=True)
    ).run()
    if folder is not None:
        folder.release()
    if code:
        raise SystemExit(code)
    return None


def _prepared(settings: Settings, *, accepts_new_secret: bool) -> str:
    """Bring the installation up to date; says where one signs in once.

    In a child: the supervisor lives for as long as the installation is served, and keeps nothing of this in memory. Where it
    fails, the child says why as any command does.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as said:
            login = said.read()
        if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
            raise SystemExit(code if code > 0 else 1)  # below zero: ended by a signal
        return login
    from kundenkreis.runtime.dispatching import dkim_key
    from kundenkreis.runtime.installation import Installation
    from kundenkreis.site.wsgi import LOGIN_VALID_MINUTES, issue_login_url

    os.close(reading)
    dkim_key(settings)  # one that cannot sign is told now, not by a sender that ends again and again
    installation = Installation(settings)
    _check_secret(installation, accepts_new=accepts_new_secret)
    _repeat_erasures(installation)
    installation.ensure_rulebook()
    tell_lost_keys(installation)
    installation.ensure_write_keys([("web", "public"), ("server", "server")])
    with closing(installation.open_inbox()) as inbox:
        inbox.last_position()  # a damaged one is told now, not by a worker that fails again and again
    installation.close()
    login = f"Sign in once, within {LOGIN_VALID_MINUTES} minutes: {issue_login_url(settings)}"
    os.write(writing, login.encode())
    os._exit(0)  # nothing that the parent still has is closed or flushed twice


def _check_secret(installation: "Installation", *, accepts_new: bool) -> None:
    from kundenkreis.runtime.secret_mark import check_secret

    check_secret(installation.store, installation.settings, accepts_new=accepts_new)


def tell_lost_keys(installation: "Installation") -> None:
    """Before new ones are made: a restore that left the write keys behind would else refuse all senders without a word."""
    from kundenkreis.runtime.installation import KEYS_FILE

    path = installation.data_dir / KEYS_FILE
    if path.exists():
        return
    with installation.store.reading() as tx:
        has_customers = bool(tx.rows("SELECT 1 FROM states LIMIT 1"))
    if has_customers:
        print(
            f"{path.absolute()} is not there, so new write keys are made: whoever sends with an earlier one is refused (401). "
            "Put the file back from a copy, or give the new ones to your senders: kreis keys",
            file=sys.stderr,
            flush=True,
        )


def _repeat_erasures(installation: "Installation") -> None:
    """Before anybody works: a restored backup knows people who were erased since."""
    from kundenkreis.privacy.tombstones import TOMBSTONES_FILE

    if not (installation.data_dir / TOMBSTONES_FILE).exists():
        return
    from kundenkreis.privacy.erasure import repeat_erasures

    for report in repeat_erasures(installation):
        left = "" if report.is_complete else "; something is still found, see kreis erase"
        print(f"Erased again, after a restored backup: {', '.join(map(str, report.profiles))}{left}", file=sys.stderr)


def _say_where(settings: Settings, login: str) -> None:
    """Print where the pages are and a link that signs in once, as soon as somebody who opens it meets a page."""
    while not _is_listening(settings):
        time.sleep(_LOOK_AGAIN_SECONDS)
    print(f"Kundenkreis serves {settings.public_url}")
    print(login, flush=True)


def _is_listening(settings: Settings) -> bool:
    any_address = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    try:
        socket.create_connection((any_address.get(settings.host, settings.host), settings.port), timeout=1).close()
    except OSError:
        return False
    return True


COMMAND = Command(
    name="serve",
    summary="Serve the web pages, the tracking API, the worker, the dispatcher and the counter",
    add_arguments=_add_arguments,
    run=_run,
)
