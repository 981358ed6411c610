"""Real processes, killed and starved: what was acknowledged is in the inbox."""

import base64
import http.client
import json
import resource
import signal
import threading
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from kundenkreis.events.inbox import PostgresInbox, SqliteInbox
from tests.events.server import SERVER_KEY, running

pytestmark = pytest.mark.e2e

HEADERS = {
    "Authorization": "Basic " + base64.b64encode(f"{SERVER_KEY}:".encode()).decode(),
    "Content-Type": "application/json",
}


class Sent(NamedTuple):
    """Message ids by what their sender was told."""

    acknowledged: set[str]
    refused: set[str]
    unanswered: set[str]


def send(port: int, first: str, *, count: int, size: int = 10) -> Sent:
    """Send events one after the other on one connection, until the connection breaks."""
    sent = Sent(set(), set(), set())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for i in range(count):
        name = f"{first}-{i}"
        body = json.dumps({"event": "Tested", "userId": "u", "messageId": name, "properties": {"x": "x" * size}})
        try:
            connection.request("POST", "/v1/track", body, HEADERS)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            sent.unanswered.add(name)
            break
        if answer.status == 200:
            sent.acknowledged.add(name)
        else:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            sent.refused.add(name)
    connection.close()
    return sent


def send_in_parallel(port: int, *, connections: int, count: int) -> Sent:
    """The same from several connections at once."""
    results: list[Sent] = []
    threads = [
        threading.Thread(target=lambda name=f"c{i}": results.append(send(port, name, count=count)))
        for i in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Sent(*(set[str]().union(*parts) for parts in zip(*results, strict=True)))


def stored_in_sqlite(path: Path) -> list[str]:
    """Message ids in the inbox, in order."""
    inbox = SqliteInbox(path)
    found = [json.loads(item.body)["messageId"] for _, item in inbox.read(0, most_items=10**6, most_bytes=10**10)]
    inbox.close()
    return found


def stored_in_postgres(dsn: str) -> list[str]:
    """The same."""
    with psycopg.connect(dsn) as connection:
        taken = PostgresInbox.take(connection.cursor(), most_items=10**6, most_bytes=10**10)
        return [json.loads(item.body)["messageId"] for _, item in taken]


POINTS = ["inbox.before_commit", "inbox.after_commit", "inbox.before_answer"]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_nothing_acknowledged_is_lost(
    point: str, store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "inbox.db"
    where = str(path) if store == "sqlite" else str(request.getfixturevalue("postgres_database"))
    with running(f"--{store}", where, "--die", f"{point}:12") as (process, port):
        sent = send_in_parallel(port, connections=6, count=200)
        assert process.wait(20) == -signal.SIGKILL
    stored = stored_in_sqlite(path) if store == "sqlite" else stored_in_postgres(where)
    assert sent.acknowledged - set(stored) == set()
    assert set(stored) - sent.acknowledged <= sent.unanswered
    assert len(stored) == len(set(stored))
    assert (len(sent.acknowledged) > 0, len(sent.unanswered) > 0, sent.refused) == (True, True, set())

    # And it starts again on what is there.
    with running(f"--{store}", where) as (_, port):
        assert send(port, "again", count=3).acknowledged == {"again-0", "again-1", "again-2"}


def test_full_disk_refuses_and_recovers_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path)) as (process, port):
        before = send(port, "before", count=5)
        # No file of the process may grow beyond this: to SQLite that is a disk without space.
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000_000, hard))
        full = send(port, "full", count=150, size=20_000)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        after = send(port, "after", count=5)
    assert (len(before.acknowledged), len(after.acknowledged)) == (5, 5)
    assert (len(full.acknowledged) > 0, len(full.refused) > 0) == (True, True)
    assert (before.refused, after.refused, full.unanswered) == (set(), set(), set())
    assert set(stored_in_sqlite(path)) == before.acknowledged | full.acknowledged | after.acknowledged


def test_orderly_end_answers_everybody(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path)) as (process, port):
        timer = threading.Timer(0.3, process.terminate)
        timer.start()
        sent = send_in_parallel(port, connections=4, count=2_000)
        timer.join()
        assert process.wait(20) in (0, -signal.SIGTERM)
    assert set(stored_in_sqlite(path)) == sent.acknowledged
    assert sent.acknowledged != set()
