"""The reference page says what the code does: questions in order, every rule, reason, event and shipped situation."""

from pathlib import Path

import pytest

from kundenkreis.channels.core.gate_questions import QUESTIONS
from kundenkreis.channels.core.gate_texts import BARE_TEXTS, QUESTION_TEXTS, RULE_TEXTS, Language, reason_text
from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.customers.core.consent import CONSENT_EVENTS
from kundenkreis.kernel.zones import zone

pytestmark = pytest.mark.pure
PAGE = (Path(__file__).parents[2] / "docs/reference/contact-policy.md").read_text(encoding="utf-8")


def test_questions_stand_in_the_order_asked() -> None:
    listed = [line.split("`")[1] for line in PAGE.splitlines() if line[:3] in {f"| {n}" for n in range(1, 10)}]
    assert listed == [name for name, _ in QUESTIONS]


LANGUAGES: tuple[Language, ...] = ("de", "en")


def test_every_rule_and_event_is_explained() -> None:
    missing = [rule for rule in RULE_TEXTS if f"`{rule}`" not in PAGE]
    aliases = {"Email Unsubscribed", "Email Delivered"}
    missing += [name for name in CONSENT_EVENTS if name not in aliases and f"`{name}`" not in PAGE]
    missing += [hold.situation for hold in DEFAULT_POLICY.situations or () if f"`{hold.situation}`" not in PAGE]
    assert missing == []


def test_every_reason_has_words_in_both_languages() -> None:
    for texts in (*QUESTION_TEXTS.values(), *RULE_TEXTS.values(), *BARE_TEXTS.values()):
        assert set(texts) == {"de", "en"}
        assert "" not in texts.values()


def test_a_reason_without_details_leaves_no_gap() -> None:
    clock = zone("Europe/Berlin")
    said = [reason_text([rule, False], language=language, clock=clock) for rule in RULE_TEXTS for language in LANGUAGES]
    assert [text for text in said if "{" in text] == []
    assert reason_text(["withdrawn", False], language="de", clock=clock) == "Einwilligung widerrufen."


def test_details_fill_the_words() -> None:
    clock = zone("Europe/Berlin")
    limit = ["limit", False, "email_day", 1, 24]
    assert reason_text(limit, language="de", clock=clock) == "Kontaktbudget aufgebraucht: höchstens 1 am Tag."
    spans = {167: "in 167 hours", 168: "a week", 1080: "in 45 days", 5: "in 5 hours"}
    said = {hours: reason_text(["limit", False, "x", 2, hours], language="en", clock=clock) for hours in spans}
    assert said == {hours: f"Contact budget used up: at most 2 {span}." for hours, span in spans.items()}
    no_basis = ["basis", False, "no_basis", "email", "newsletter"]
    assert reason_text(no_basis, language="en", clock=clock) == "No legal basis for e-mail: no consent."
    assert reason_text(["limits", True], language="en", clock=clock) == "There is room in the contact budget"
    held = ["situation", False, "complaint", 0, ["4711"], "offene Reklamation", "open complaint"]
    assert reason_text(held, language="en", clock=clock) == "Held: open complaint, since 1 January 1970 01:00 (4711)."
