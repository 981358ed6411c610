"""Why a message could not be handed over is told in words, on the pages and by `kreis explain`."""

import inspect
import re

import pytest

from kundenkreis.channels import dispatcher
from kundenkreis.channels.core import addresses, handling
from kundenkreis.channels.core.gate_texts import FAILURES, reason_text
from kundenkreis.channels.core.smtp_replies import classify
from kundenkreis.kernel.zones import zone

pytestmark = pytest.mark.pure


def test_every_reason_that_a_hand_over_can_give_has_words() -> None:
    of_addresses = set(re.findall(r'Undeliverable\("(\w+)"', inspect.getsource(addresses)))
    of_templates = {"render_limit", "render_data", "render_empty_subject"}
    of_servers = {
        classify("rcpt", 550, "5.1.1").kind,
        classify("rcpt", 550, "5.2.2").kind,
        classify("dot", 554, "5.6.0").kind,
    }
    code = inspect.getsource(dispatcher) + inspect.getsource(handling)
    of_ours = set(re.findall(r'failed\(claim, "(\w+)"', code))
    of_ours |= set(re.findall(r'"failed", feedback.FAILED, at_us=at_us, reply=line, reason="(\w+)"', code))
    of_ours |= {"channel_missing", "content_missing", "recipient_missing"}
    assert set(FAILURES) == of_addresses | of_templates | of_servers | of_ours
    assert len(of_addresses) == 5


def test_a_failure_is_a_sentence_in_both_languages() -> None:
    clock = zone("Europe/Berlin")
    for reason, words in FAILURES.items():
        assert reason_text(["failed", False, reason], language="de", clock=clock) == f"Nicht angenommen: {words['de']}"
        assert reason_text(["failed", False, reason], language="en", clock=clock) == f"Not accepted: {words['en']}"
    # A plug-in's channel has reasons of its own; and elsewhere these words are somebody's, such as the name of a purpose.
    assert reason_text(["failed", False, "no_credit"], language="de", clock=clock) == "Nicht angenommen: no_credit"
    assert (
        reason_text(["stopped", False, "Ida", "soft_bounce"], language="en", clock=clock)
        == "Stopped by Ida: soft_bounce"
    )
