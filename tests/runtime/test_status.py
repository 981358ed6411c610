"""What the status says beyond counts."""

import json

import pytest

from kundenkreis.cli.main import run_command
from kundenkreis.runtime.status import InstallationStatus
from kundenkreis.site.ports.status import ServerAnswer
from tests.runtime.town import Town

pytestmark = pytest.mark.db


def test_what_servers_said_to_what_waits(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    replies = [
        "auth 535 5.7.8 Authentication failed", "rcpt 450 4.2.0 <anna@kunde.example>: greylisted", "resting", "",
        "rcpt 450 4.2.0 <bert@kunde.example>: greylisted",
    ]  # fmt: skip
    with town.installation.store.transaction("test") as tx:
        waiting = [bytes(row[0]) for row in tx.rows("SELECT effect_id FROM outbox ORDER BY effect_id LIMIT 5")]
        for number, (effect_id, reply) in enumerate(zip(waiting, replies, strict=True)):
            row = (reply, town.clock.now_us() + number, effect_id)
            tx.run("UPDATE outbox SET state = 'queued', reply = ?, next_try_us = ? WHERE effect_id = ?", row)
    now_us = town.clock.now_us()
    assert InstallationStatus(town.installation).read_status().answers == (
        ServerAnswer(text="rcpt 450 4.2.0 … greylisted", messages=2, next_try_us=now_us + 1),
        ServerAnswer(text="auth 535 5.7.8 Authentication failed", messages=1, next_try_us=now_us),
    )
    settings = town.installation.settings
    environ = {"KREIS_DATA_DIR": str(settings.data_dir), "KREIS_DATABASE": settings.database}
    assert run_command(["status", "--json"], environ) == 0
    told = json.loads(capsys.readouterr().out)["answers"]
    assert [one["messages"] for one in told] == [2, 1]
    assert run_command(["status"], environ) == 0
    assert "the server said: rcpt 450 4.2.0 … greylisted" in capsys.readouterr().out
