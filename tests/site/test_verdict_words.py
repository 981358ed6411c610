"""What a message's decisions say together."""

import pytest

from kundenkreis.site.ports.messages import Verdict
from kundenkreis.site.verdict_words import describe_verdicts
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def judged(outcome: str, basis: str = "") -> Verdict:
    return Verdict(
        at_us=1, outcome=outcome, reasons=(), basis=basis, message_class="marketing", purpose="newsletter", due_us=2,
        journey_id="welcome", step_id="hello", rulebook_version=1,
    )  # fmt: skip


def test_what_was_handed_over_keeps_the_basis_it_was_allowed_on(site: Site) -> None:
    site.mount()
    last, earlier = describe_verdicts((judged("planned"), judged("released", "express_consent"), judged("handed_over")))
    assert last is not None
    assert (last.outcome, last.basis) == ("handed over", "consent")
    assert [(one.outcome, one.basis) for one in earlier] == [("released", "consent"), ("planned", "none")]


def test_what_was_withheld_borrows_no_basis(site: Site) -> None:
    site.mount()
    last, _earlier = describe_verdicts((judged("released", "express_consent"), judged("withheld")))
    assert last is not None
    assert last.basis == "none"


def test_no_decision_at_all() -> None:
    assert describe_verdicts(()) == (None, [])
