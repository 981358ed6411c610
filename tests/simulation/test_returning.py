"""Somebody withdraws and confirms again: the whole runtime without faults, only the clocks are not to be trusted."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import event_id_of
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, to_datetime
from tests.simulation.checks import violations
from tests.simulation.simulation import Simulation

pytestmark = pytest.mark.db
PROOF = {"wording": "Ja", "form": "f", "basis": "express_consent", "channel": "email", "purpose": "news"}
MORNING = 1_774_602_000_000_000  # 27 March 2026, 10:00 in Berlin


class Company:
    """A simulation that obeys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sim = Simulation(1, folder)
        self.sim.has_faults = False
        self.sim.true_us = MORNING
        self.sim.publish()
        self.count = 0

    def says(self, endpoint: str, *, after_us: int = MINUTE, age_us: int = 0, **body: Any) -> None:
        """Anna's shop sends something that happened `age_us` ago; it is acknowledged, not yet folded."""
        sim = self.sim
        sim.true_us += after_us
        self.count += 1
        stamp = to_datetime(sim.true_us - age_us).isoformat().replace("+00:00", "Z")
        whole = {"messageId": f"a{self.count}", "timestamp": stamp, "userId": "anna", **body}
        item = InboxItem(sim.now_us(), "shop", False, endpoint, json.dumps(whole).encode())
        sim.acknowledged.add(("shop", whole["messageId"]))
        sim.inbox.append([item])
        if body.get("event") == "Consent Confirmed":
            sim.confirmed[event_id_of("shop", whole["messageId"])] = sim.happened()

    def confirms(self, **more: Any) -> None:
        self.says("track", event="Consent Confirmed", properties={**PROOF, "email": "anna@kunde.example"}, **more)

    def wants_a_mail(self) -> None:
        """Two days later she looks at products, which nudges her."""
        self.sim.true_us += 3 * DAY
        for _ in range(2):
            self.says("track", event="Product Viewed", properties={})
        self.sim.settle()

    def withdraws(self) -> None:
        payload = self.sim.rows("SELECT payload FROM outbox")[0][0]
        self.sim.withdraw(msgspec.msgpack.decode(payload, type=SendMessage))

    def mails(self) -> int:
        return len(self.sim.server.commits)

    def ends(self) -> list[str]:
        self.sim.true_us += 9 * DAY
        self.sim.settle()
        found = violations(self.sim, self.folder)
        self.sim.end()
        return found


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Anna has confirmed and got her first mail."""
    company = Company(tmp_path)
    company.says("identify", traits={"email": "anna@kunde.example"})
    company.confirms()
    company.sim.settle()
    assert company.mails() == 1
    return company


def test_whoever_confirms_again_gets_messages_again(company: Company) -> None:
    company.withdraws()
    company.wants_a_mail()
    assert company.mails() == 1
    company.confirms()
    company.sim.settle()
    company.wants_a_mail()
    assert company.mails() > 1
    assert company.ends() == []


@pytest.mark.parametrize("step_us", [-2 * DAY, -HOUR, 0, HOUR])
def test_a_confirmation_acknowledged_before_the_withdrawal_opens_nothing(company: Company, step_us: int) -> None:
    company.sim.true_us += HOUR
    company.confirms()  # acknowledged, but the worker comes to it only after the withdrawal
    company.sim.offset_us += step_us
    company.withdraws()
    company.wants_a_mail()
    assert company.mails() == 1
    assert company.ends() == []


def test_a_confirmation_dated_before_the_withdrawal_opens_nothing(company: Company) -> None:
    company.sim.true_us += 2 * HOUR
    company.withdraws()
    company.confirms(age_us=HOUR)
    company.wants_a_mail()
    assert company.mails() == 1
    assert company.ends() == []


def test_a_message_released_before_the_withdrawal_stays_behind_for_ever(company: Company) -> None:
    company.sim.true_us += 3 * DAY
    for _ in range(2):
        company.says("track", event="Product Viewed", properties={})
    company.sim.worker.run_until_idle()  # released, not handed over
    company.sim.note_releases()
    released = company.sim.rows("SELECT count(*) FROM outbox WHERE state = 'queued'")[0][0]
    assert released > 0
    company.withdraws()
    company.confirms()
    company.sim.worker.run_until_idle()
    company.sim.note_releases()
    company.sim.dispatchers[0].run_once()
    states = dict(company.sim.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
    assert states["withheld"] == released
    assert company.ends() == []
