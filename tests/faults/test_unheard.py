"""A withdrawal that was acknowledged holds from that moment, also while nobody resolves or folds it."""

import os
import signal
import time

import pytest

from tests.faults.conftest import MakeStage
from tests.faults.invariants import message_ids, states_of_outbox
from tests.faults.stage import SETTLE_SECONDS, Stage, story

pytestmark = pytest.mark.e2e


def decide(stage: Stage) -> None:
    """Ten messages lie in the outbox; nobody resolves any more."""
    stage.start("worker")
    stage.append(story())
    stage.settle(idle=("outbox",))
    stage.stop()


def send_all_but(stage: Stage, waiting: int) -> None:
    """Until only these are left. Confirmations of orders are no matter of consent."""
    stage.start("dispatcher")
    deadline = time.monotonic() + SETTLE_SECONDS
    while states_of_outbox(stage) != {("accepted", 0): 10 - waiting, ("queued", 0): waiting}:
        assert time.monotonic() < deadline, f"{states_of_outbox(stage)} {stage.log_of('dispatcher')}"
        time.sleep(0.02)


@pytest.mark.parametrize("mail", [True, False], ids=["smtp", "mailbox"])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_message_waits_for_what_is_not_folded_yet(make_stage: MakeStage, store: str, mail: bool) -> None:
    forbidding = [
        {"event": "Consent Withdrawn", "userId": "u-0", "properties": {"channel": "email", "purpose": "newsletter"}},
        {"event": "Consent Objected", "userId": "u-1"},
        {"event": "Email Marked as Spam", "userId": "somebody-else", "properties": {"email": "U2@example.org"}},
        {"event": "Consent Withdrawn", "userId": "u-9"},
        {"event": "Product Viewed", "userId": "u-4", "properties": {"product_id": "Unsubscribed"}},
    ]
    with make_stage(store, mail=mail) as stage:
        decide(stage)
        stage.append([[{"type": "track", "messageId": f"forbids-{n}", **one} for n, one in enumerate(forbidding)]])
        send_all_but(stage, 3)
        # Of the third the address was named only: the event is somebody else's, so the fold lets the message go.
        stage.start("worker")
        stage.settle()
        stage.stop()
        assert states_of_outbox(stage) == {("accepted", 0): 8, ("withheld", 0): 2}
        if stage.sink is not None:
            assert sorted(message_ids(stage)) == [f"u{n}@example.org" for n in range(2, 10)]


def test_what_is_resolved_and_not_folded_counts_as_well(make_stage: MakeStage) -> None:
    """With PostgreSQL a worker may stand still between the two."""
    with make_stage("postgres") as stage:
        decide(stage)
        withdrawn = {"type": "track", "event": "Consent Withdrawn", "userId": "u-0", "messageId": "withdrawn"}
        worker = stage.start("worker", stop_at="fold.loaded")
        stage.append([[withdrawn]])
        stage.await_standstill(worker)
        assert stage.waiting(idle=("outbox",)) == {"log": 1}
        send_all_but(stage, 1)
        os.kill(worker.pid, signal.SIGCONT)
        stage.settle()
        stage.stop()
        assert states_of_outbox(stage) == {("accepted", 0): 9, ("withheld", 0): 1}
