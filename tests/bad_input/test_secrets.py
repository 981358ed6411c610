"""Canary secrets and canary people never stand in logs, error answers or exports; nobody writes a log line of their own (A42, A43)."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from kundenkreis.cli.main import run_command
from kundenkreis.events.core.identity_token import identity_token
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.errors import InboxUnavailableError
from kundenkreis.events.inbox import PostgresInbox
from kundenkreis.runtime.logs import JsonLines, secrets_of, without_secrets, write_logs
from kundenkreis.runtime.stores.schema import TABLES
from kundenkreis.settings import Settings, SettingsError, read_settings
from tests.privacy.company import Company

MakeCompany = Callable[..., Company]

PASSWORD = "canary-pass-7f3k9"
DSN = f"postgresql://kreis:{PASSWORD}@127.0.0.1:9/kreis"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What this process logs, as the roles of a server log it."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    write_logs(Settings(smtp_password=PASSWORD, database=DSN), to=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.pure
def test_every_secret_of_the_settings_is_kept_out_of_logs() -> None:
    secret = {"smtp_password": "pass-7f3k9", "database": DSN, "oidc_client_secret": "client-7f3k9"}
    assert set(secrets_of(Settings(**secret))) == set(secret.values())
    assert {field.name for field in fields(Settings) if field.metadata["secret"]} == set(secret)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"cannot connect to {DSN}", "cannot connect to [removed]"),
        ("postgresql://other:s3cret-x@host/db", "postgresql://other:[removed]@host/db"),
        (f"535 authentication of shop with {PASSWORD} failed", "535 authentication of shop with [removed] failed"),
        ("Authorization: Bearer abcdefgh.ijkl-mnop", "Authorization: Bearer [removed]"),
        ("Authorization: Basic a2tfcHVibGljX3h4Og==", "Authorization: Basic [removed]"),
        ("write key kk_server_AbC-123_xyz refused", "write key kk_server_[removed] refused"),
        ("password='hunter2hunter2'", "password='[removed]'"),
        ("550 5.1.1 <anna.muster+shop@example.com> unknown", "550 5.1.1 <[address]> unknown"),
        ("DETAIL:  Key (kind, value)=(email, anna) already exists.", "DETAIL:  Key (kind, value)=([removed]) already exists."),
        ("nothing to hide here", "nothing to hide here"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_or_a_person_is_removed(said: str, kept: str) -> None:
    assert (
        without_secrets(said, sorted(secrets_of(Settings(smtp_password=PASSWORD, database=DSN)), key=len)[::-1]) == kept
    )


@pytest.mark.pure
def test_a_line_is_one_line_whatever_stands_in_it(written: io.StringIO) -> None:
    logger = logging.getLogger("kundenkreis.test")
    hostile = 'A\r\n{"level": "info", "message": "all is well"}\x1b[2K\x1b[1A\x85\u2028\u2029\x00\x07'
    logger.warning("event %s", hostile)
    try:
        raise ValueError(hostile + PASSWORD)
    except ValueError:
        logger.exception("failed %s", hostile)
    text = written.getvalue()
    lines = text.split("\n")
    assert len(lines) == 3
    assert lines[2] == ""
    assert text.isascii()
    assert not any(ord(letter) < 32 for line in lines for letter in line)
    first, second = json.loads(lines[0]), json.loads(lines[1])
    assert (first["level"], first["message"]) == ("warning", "event " + hostile)
    assert second["level"] == "error"
    assert "ValueError" in second["error"]
    assert PASSWORD not in text


@pytest.mark.pure
def test_a_record_that_cannot_be_formatted_is_no_reason_to_leak() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "plain", None, None)
    assert json.loads(JsonLines().format(record)).keys() == {"at", "level", "logger", "message"}


@pytest.mark.db
def test_keys_and_tokens_are_nowhere_in_the_store(found: MakeCompany, database: str, written: io.StringIO) -> None:
    company = found(database)
    key, token = "kk_public_canary", identity_token("u-1", "canary")
    for event in ("Good", "", 7, "x" * 500):
        company.post(
            {"event": event, "anonymousId": "a", "userId": "u-1", "writeKey": key, "context": {"identityToken": token}}, public=True
        )  # fmt: skip
    company.post_bytes(json.dumps({"writeKey": key, "batch": [{"writeKey": key, "type": "nothing"}]}).encode())
    company.run()
    text = "".join(repr(company.rows(f"SELECT * FROM {table.name}")) for table in TABLES)
    assert (key in text, token in text, "canary" in written.getvalue()) == (False, False, False)


@pytest.mark.db
def test_a_lost_database_does_not_tell_its_password() -> None:
    inbox = PostgresInbox(DSN, connect_seconds=1)
    with pytest.raises(InboxUnavailableError) as caught:
        inbox.append([InboxItem(1, "shop", False, "track", b"{}")])
    shown = f"{caught.value} {caught.value.data} {caught.value.__cause__}"
    assert PASSWORD not in shown


@pytest.mark.pure
def test_settings_that_are_refused_do_not_show_their_secrets() -> None:
    environ = {"KREIS_DATABASE": f"mysql://u:{PASSWORD}@h/d", "KREIS_SMTP_PASSWORD": PASSWORD, "KREIS_WORKERS": "none"}
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    assert PASSWORD not in f"{caught.value} {caught.value.data}"


@pytest.mark.db
def test_commands_do_not_show_secrets_or_people(
    found: MakeCompany, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = found()
    company.post({"type": "identify", "userId": "canary-user", "traits": {"email": "canary@example.com"}})
    company.post({"event": "", "userId": "canary-user"})
    company.run()
    environ = {
        "KREIS_DATA_DIR": str(company.settings.data_dir), "KREIS_SMTP_HOST": "127.0.0.1", "KREIS_SMTP_USER": "shop", "KREIS_SMTP_TLS": "none",
        "KREIS_SMTP_PASSWORD": PASSWORD, "KREIS_MAIL_FROM": "shop@example.com",
    }  # fmt: skip
    keys = [key.key for key in company.installation.ensure_write_keys([])]
    for command in (
        ["settings"],
        ["settings", "--json"],
        ["status"],
        ["status", "--json"],
        ["export", str(tmp_path / "out")],
    ):
        assert run_command(command, environ) == 0
    shown = capsys.readouterr().out + "".join(path.read_text() for path in (tmp_path / "out").rglob("*.yaml"))
    assert [secret for secret in (PASSWORD, "canary", *keys) if secret in shown] == []


@pytest.mark.e2e
def test_a_role_that_cannot_start_says_so_without_the_password(tmp_path: Path) -> None:
    environ = {"KREIS_DATA_DIR": str(tmp_path), "KREIS_DATABASE": DSN, "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "kundenkreis.cli.main", "serve", "--role", "worker"],
        env=environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert (PASSWORD in done.stderr, PASSWORD in done.stdout) == (False, False)
