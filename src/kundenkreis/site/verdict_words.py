"""Words for the contact policy's verdicts. What its rules found says channels/core/gate_texts.py; the rest is here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from kundenkreis.channels.core.gate_texts import reason_text
from kundenkreis.kernel.zones import zone
from kundenkreis.site.formats import language
from kundenkreis.site.mounted import zone_name
from kundenkreis.site.ports.messages import Reason, Verdict

_TONES = {
    "released": "good",
    "handed_over": "good",
    "planned": "calm",
    "postponed": "calm",
    "withheld": "stop",
    "failed": "stop",
}


def outcome_word(outcome: str) -> str:
    """An outcome in a word."""
    known = {
        "planned": _("planned"),
        "released": _("released"),
        "postponed": _("postponed"),
        "withheld": _("withheld"),
        "displaced": _("displaced"),
        "expired": _("expired"),
        "cancelled": _("cancelled"),
        "handed_over": _("handed over"),
        "failed": _("failed"),
    }
    return known.get(outcome, outcome)


def _outcome_sentence(outcome: str) -> str:
    known = {
        "planned": _("The contact policy allows this message. It waits for its time."),
        "released": _("The contact policy allowed this message."),
        "postponed": _("This message may go out, but not yet."),
        "withheld": _("This message was not allowed to go out."),
        "displaced": _("A message that mattered more took the place of this one."),
        "expired": _("This message was no longer useful when it could have gone out."),
        "cancelled": _("The reason for this message went away before it went out."),
        "handed_over": _("The contact policy allowed this message, and it was handed over."),
        "failed": _("The contact policy allowed this message, but it could not be handed over."),
    }
    return known.get(outcome, "")


def basis_word(basis: str) -> str:
    """A legal basis in words."""
    known = {
        "": _("none"),
        "express_consent": _("consent"),
        "existing_customer": _("existing customer (section 7 (3) UWG)"),
        "contract": _("contract"),
        "requested": _("asked for by the person"),
        "legitimate_interest": _("legitimate interest (letter only)"),
        "presumed_b2b": _("presumed consent (telephone, businesses)"),
        "legal_duty": _("legal duty"),
    }
    return known.get(basis, basis)


def idle_consent_sentence(why: str) -> str:
    """Why a confirmed consent grants nothing (`why_idle` of customers/core/consent.py)."""
    known = {
        "basis": _("Grants nothing: nobody can give this legal basis."),
        "evidence": _("Grants nothing: the wording or the proof is missing."),
        "scope": _("Grants nothing: consent is for a channel and a purpose, not for everything."),
    }
    return known[why]


def class_word(message_class: str) -> str:
    """A class of messages in a word."""
    known = {"transactional": _("contract"), "service": _("service"), "marketing": _("marketing")}
    return known.get(message_class, message_class)


@dataclass(frozen=True, kw_only=True)
class DescribedReason:
    """A reason in words."""

    sentence: str
    detail: str
    passed: bool


@dataclass(frozen=True, kw_only=True)
class DescribedVerdict:
    """A verdict in words."""

    verdict: Verdict
    outcome: str
    tone: str
    """good, calm, stop or plain: how the badge looks."""
    sentence: str
    basis: str
    message_class: str
    deciding: tuple[DescribedReason, ...]
    """What decided: the refusals if there are any, else the first rule asked."""
    others: tuple[DescribedReason, ...]


def _describe_reason(reason: Reason) -> DescribedReason:
    clock = zone(zone_name())
    sentence = reason_text([reason.rule_id, reason.passed, *reason.detail], language=language(), clock=clock)
    # That a basis was found is worth less than which one.
    detail = basis_word(reason.detail[0]) if reason.passed and reason.rule_id == "basis" and reason.detail else ""
    return DescribedReason(sentence=sentence, detail=detail, passed=reason.passed)


def describe_verdicts(verdicts: Sequence[Verdict]) -> tuple[DescribedVerdict | None, list[DescribedVerdict]]:
    """(the last judgement of a message, those before it, newest first). What was handed over keeps the basis it was allowed on."""
    if not verdicts:
        return None, []
    *before, last = verdicts
    if last.outcome in ("handed_over", "failed") and not last.basis:
        last = replace(last, basis=next((one.basis for one in reversed(before) if one.basis), ""))
    return describe_verdict(last), [describe_verdict(one) for one in reversed(before)]


def describe_verdict(verdict: Verdict) -> DescribedVerdict:
    """A verdict in words, the deciding reasons apart from the rest."""
    refusals = tuple(reason for reason in verdict.reasons if not reason.passed)
    deciding = refusals or verdict.reasons[:1]
    others = tuple(reason for reason in verdict.reasons if reason not in deciding)
    return DescribedVerdict(
        verdict=verdict,
        outcome=outcome_word(verdict.outcome),
        tone=_TONES.get(verdict.outcome, "plain"),
        sentence=_outcome_sentence(verdict.outcome),
        basis=basis_word(verdict.basis),
        message_class=class_word(verdict.message_class),
        deciding=tuple(_describe_reason(reason) for reason in deciding),
        others=tuple(_describe_reason(reason) for reason in others),
    )
