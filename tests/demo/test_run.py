"""The loaded year goes on to the present: nothing is left over that should have gone out meanwhile."""

from datetime import date
from pathlib import Path

import pytest

from kundenkreis.demo.run import load_demo
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings

pytestmark = [pytest.mark.db, pytest.mark.timeout(300)]

NOW_US = 1_795_264_200_000_000
"""21 November 2026, 12:30 UTC: in the week after the Sunday on which the year ends."""


def test_what_comes_due_after_the_year_goes_out_in_time(tmp_path: Path, ends_on: date) -> None:
    settings = Settings(data_dir=tmp_path, database="", zone="America/New_York")
    seen: list[int] = []
    run = load_demo(
        settings, today=ends_on, households=12, clock=VirtualClock(NOW_US), progress=lambda _, at_us: seen.append(at_us)
    )
    assert run.last_us < NOW_US - 2 * DAY and seen[-1] == NOW_US
    installation = Installation(settings)
    try:
        with installation.store.reading() as tx:
            states = dict(tx.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
            late = tx.rows("SELECT count(*) FROM outbox WHERE state = 'queued' AND due_us <= ?", (NOW_US,))[0][0]
            after = tx.rows("SELECT count(*) FROM mailbox WHERE handed_over_us > ?", (run.last_us,))[0][0]
            told_us = tx.rows(
                "SELECT max(at_us - happened_us) FROM log WHERE name = 'Message Sent' AND happened_us > ?",
                (run.last_us,),
            )[0][0]
            wakes = tx.rows("SELECT count(*) FROM states WHERE wake_us <= ?", (NOW_US,))[0][0]
    finally:
        installation.close()
    assert (states.get("held", 0), late, wakes) == (0, 0, 0)
    assert after > 0 and told_us <= HOUR
