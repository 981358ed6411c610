"""What the status says beyond counts."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from django.utils.translation import override

from kundenkreis.channels import pause
from kundenkreis.cli.main import run_command
from kundenkreis.kernel.zones import HOUR
from kundenkreis.runtime.role_file import RoleProcess, birth_of, write_roles
from kundenkreis.runtime.status import InstallationStatus
from kundenkreis.site.ports.status import Problem, ServerAnswer, problems_of
from kundenkreis.site.testing import SAMPLE_STATUS
from kundenkreis.site.words import Health, describe_health
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


def problems(town: Town) -> list[Problem]:
    return problems_of(InstallationStatus(town.installation).read_status())


def test_what_somebody_has_to_look_at(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    """A monitoring hears it by the exit code."""
    town.run()
    settings, now_us = town.installation.settings, town.clock.now_us()
    environ = {"KREIS_DATA_DIR": str(settings.data_dir), "KREIS_DATABASE": settings.database}
    with town.installation.store.transaction("test") as tx:
        tx.run("UPDATE outbox SET state = 'accepted'")
        tx.run("UPDATE states SET wake_us = ?", (now_us + HOUR,))
    assert problems(town) == []
    write_roles(settings.data_dir, [RoleProcess("worker-1", os.getpid(), now_us, 0, birth_of(os.getpid()))])
    assert problems(town) == []
    write_roles(settings.data_dir, [RoleProcess("worker-1", os.getpid(), now_us, 0, "another process of that number")])
    assert problems(town) == ["not_running"]
    with town.installation.store.transaction("test") as tx:
        tx.run("UPDATE states SET wake_us = ?", (now_us - HOUR,))
        tx.run("UPDATE outbox SET state = 'queued', next_try_us = ?", (now_us - 2 * HOUR,))
        tx.run("UPDATE clocks SET clock_us = ?", (now_us + HOUR,))
    assert problems(town) == ["not_running", "clock_behind", "dates_late", "messages_late"]
    with town.installation.store.transaction("test") as tx:
        pause.pause(tx, at_us=now_us, found=1, missing=0)
    assert problems(town) == ["not_running", "clock_behind", "sending_paused", "dates_late"]
    assert run_command(["status", "--json"], environ) == 0
    assert json.loads(capsys.readouterr().out)["problems"][0] == "not_running"
    assert run_command(["status", "--check"], environ) == 1
    assert "worker-1: not running" in capsys.readouterr().out


def test_a_full_disk_is_told(town: Town) -> None:
    """Events are refused and nothing can be written, so what the database says looks as it did before."""
    status = InstallationStatus(town.installation).read_status()
    assert status.free_bytes is not None
    assert status.free_bytes > 0
    assert "disk_full" in problems_of(replace(status, free_bytes=1_000_000))
    assert "disk_full" not in problems_of(replace(status, free_bytes=1 << 40))


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    ("changed", "tone", "sentence"),
    [
        ({"free_bytes": 3 << 20}, "stop", "Almost no room is left on the disk of the data folder: 3 MB. Without any, "
         "events are refused and no message goes out."),
        ({"clock_behind_us": 2 * HOUR}, "stop", "The machine's clock is 120 minutes behind the newest data. Until it has caught up, "
         "no message goes out: set it right."),
        ({"lag_us": 11_000_000}, "calm", "Behind: events wait longer than ten seconds to be processed."),
        ({"next_wake_us": -HOUR}, "calm", "Behind: dates of customers have been due for more than a minute."),
        ({"unsent_us": 2 * HOUR}, "calm", "Behind: messages wait longer than an hour to go out."),
        ({}, "calm", "Running. 1 entry in quarantine waits for you."),
    ],
)  # fmt: skip
def test_the_page_says_the_worst_first(changed: dict[str, Any], tone: str, sentence: str) -> None:
    with override("en"):
        health = describe_health(replace(SAMPLE_STATUS, **changed))
    assert health == Health(tone=tone, sentence=sentence)
