"""The tracking application in a process of its own, for tests that kill it: prints its port, then serves.

    python tests/events/server.py --sqlite PATH | --postgres DSN  [--die POINT:N] [--rate EVENTS_PER_SECOND] [--head-seconds N]

With --die the process kills itself with SIGKILL when it passes that point for the Nth time.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from kundenkreis.events.http_protocol import GuardedHttpProtocol
from kundenkreis.events.inbox import Inbox, Point, PostgresInbox, SqliteInbox, no_point
from kundenkreis.events.tracking import TrackingApp
from kundenkreis.events.write_keys import WriteKey, WriteKeys
from kundenkreis.events.writer import InboxWriter

SERVER_KEY = "kk_server_test"
PUBLIC_KEY = "kk_public_test"


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the server; yields its process and port, and ends it if it still runs."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(20)


def killer(spec: str) -> Point:
    """A point that kills the process at the Nth pass of the named place."""
    if not spec:
        return no_point
    name, _, count = spec.rpartition(":")
    left = [int(count)]

    def die(passed: str) -> None:
        if passed == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return die


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sqlite", default="")
    parser.add_argument("--postgres", default="")
    parser.add_argument("--die", default="")
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--head-seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    point = killer(arguments.die)

    def inbox() -> Inbox:
        if arguments.postgres:
            return PostgresInbox(arguments.postgres, point=point)
        return SqliteInbox(arguments.sqlite, point=point)

    keys = [
        WriteKey(key=SERVER_KEY, source="server", kind="server", rate_per_second=arguments.rate),
        WriteKey(key=PUBLIC_KEY, source="web", kind="public"),
    ]
    app = TrackingApp(lambda: InboxWriter(inbox()), WriteKeys(lambda: keys, lambda: 1), point=point)
    # A file that grows beyond a limit must be an error to the store, not the end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        print(listener.getsockname()[1], flush=True)
        GuardedHttpProtocol.head_seconds = arguments.head_seconds
        config = uvicorn.Config(app, http=GuardedHttpProtocol, access_log=False, log_level="error")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
