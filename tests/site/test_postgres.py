"""The same site on PostgreSQL, in processes of its own because Django is set up once per process."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

pytestmark = pytest.mark.e2e

_PROGRAM = """
import sys
from pathlib import Path
from kundenkreis.settings import Settings
from dataclasses import replace
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.web import sources_of
from kundenkreis.site.testing import MailboxInMemory, make_message
from kundenkreis.site.wsgi import build_application, issue_login_url
settings = Settings(data_dir=Path(sys.argv[1]), database=sys.argv[2])
mailbox = MailboxInMemory([make_message("0a", subject="On PostgreSQL")])
sources = replace(sources_of(Installation(settings)), mailbox=mailbox)
build_application(settings, sources=sources)
path = issue_login_url(settings).removeprefix(settings.public_url)
from django.test import Client
client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8321")
assert client.post(path).status_code == 302
assert "On PostgreSQL" in client.get("/mailbox/").content.decode()
assert client.post(path).status_code == 410
"""


def test_processes_that_start_together_share_one_set_of_tables(postgres_database: str, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, tmp_path, postgres_database], stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    ends = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 3
    with psycopg.connect(postgres_database) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM site_account), (SELECT count(*) FROM site_loginlink WHERE used_at IS NOT NULL)"
        ).fetchone()
    assert counts == (1, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.key"]


_AWAY = """
import sys
from pathlib import Path
import psycopg
from kundenkreis.settings import Settings
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.web import sources_of
from kundenkreis.site.wsgi import build_application, issue_login_url
server, name = sys.argv[3:]
settings = Settings(data_dir=Path(sys.argv[1]), database=sys.argv[2])
build_application(settings, sources=sources_of(Installation(settings)))
path = issue_login_url(settings).removeprefix(settings.public_url)
from django.test import Client
client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8321", raise_request_exception=False)
assert client.post(path).status_code == 302
assert client.get("/status/").status_code == 200
with psycopg.connect(server, autocommit=True) as connection:
    connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    for language, words in (("en", "Kundenkreis is not available right now"), ("de", "Kundenkreis ist gerade nicht erreichbar")):
        for _ in range(2):
            answer = client.get("/status/", headers={"accept-language": language})
            assert (answer.status_code, answer["Retry-After"]) == (503, "30"), answer.content
            assert f"<h1>{words}</h1>" in answer.content.decode()
    connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
from django.db import close_old_connections
close_old_connections()  # as a server does before each request
client.get("/status/")  # notices that the store's connection is dead
assert client.get("/status/").status_code == 200
"""


def test_pages_say_that_the_database_is_away(postgres_dsn: str, postgres_database: str, tmp_path: Path) -> None:
    """The page that tells of a mistake asked the database as well, so people read "Internal Server Error" and nothing else."""
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    call = [sys.executable, "-c", _AWAY, str(tmp_path), postgres_database, postgres_dsn, name]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
