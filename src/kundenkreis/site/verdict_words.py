"""Words for the contact policy's verdicts: what was asked, what it found, what that means.

The rules and their details are listed in docs/reference/contact-policy.md; one that has no words here shows its code.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from kundenkreis.site.formats import calendar_day, exact_instant, language, number
from kundenkreis.site.ports import Reason, Verdict

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


def class_word(message_class: str) -> str:
    """A class of messages in a word."""
    known = {"transactional": _("contract"), "service": _("service"), "marketing": _("marketing")}
    return known.get(message_class, message_class)


def _passed_sentence(question: str) -> str:
    known = {
        "existence": _("The person exists here"),
        "address": _("There is an address for this channel"),
        "fences": _("No fresh unsubscribe, objection or erasure"),
        "basis": _("There is a legal basis"),
        "suppression": _("The address is not suppressed"),
        "objection": _("No objection, no withdrawal"),
        "global_holdout": _("Not in the group that gets no marketing at all"),
        "journey_holdout": _("Not in the journey's control group"),
        "situation": _("No situation speaks against it"),
        "pause": _("Marketing is not paused"),
        "validity": _("Still useful"),
        "after_conversion": _("No rise of pressure after the first purchase"),
        "limits": _("The contact budget has room"),
        "quiet_time": _("Not in quiet hours, on a Sunday or public holiday"),
        "overdue": _("Not overdue"),
        "displaces": _("It takes the place of a message that matters less"),
    }
    return known.get(question, question)


def _refused_sentence(rule: str) -> str:
    known = {
        "erased": _("The person was erased"),
        "forwarded": _("The profile was merged into another one"),
        "no_address": _("There is no address for this channel"),
        "fence": _("A fresh unsubscribe, objection or erasure"),
        "basis": _("There is no legal basis"),
        "suppressed": _("The address is suppressed"),
        "objection": _("The person objected"),
        "withdrawn": _("The person withdrew consent"),
        "global_holdout": _("In the group that gets no marketing at all, on purpose"),
        "journey_holdout": _("In the journey's control group, which is left alone on purpose"),
        "situation": _("A situation speaks against it"),
        "paused": _("Marketing is paused for this person"),
        "validity": _("No longer useful"),
        "after_conversion": _("It would raise the pressure after the first purchase"),
        "limit": _("The contact budget is used up"),
        "quiet_hours": _("Quiet hours"),
        "sunday": _("Sunday"),
        "holiday": _("Public holiday"),
        "overdue": _("Overdue: a person should look first"),
        "no_slot": _("There is no fitting time within a year"),
        "too_many_planned": _("Too many messages are planned for this person"),
        "cancelled": _("Cancelled before it went out"),
        "failed": _("The hand-over failed"),
        "withheld_at_hand_over": _("Withheld at the last check before hand-over"),
        "postponed_at_hand_over": _("Postponed at the last check before hand-over"),
    }
    return known.get(rule, rule)


def _basis_refusal(reason: str) -> str:
    known = {
        "no_basis": _("none on record for this channel and purpose"),
        "expired": _("the one on record has expired"),
        "address_unproved": _("the address was never proved"),
        "address_changed": _("the address changed since"),
        "country_rule": _("the law of the person's country does not allow it"),
        "goods_not_similar": _("not about similar goods"),
    }
    return known.get(reason, reason)


def _suppression_reason(reason: str) -> str:
    known = {"soft": _("bounced repeatedly"), "hard": _("does not exist"), "complaint": _("spam complaint")}
    return known.get(reason, reason)


def _since(at_us: int) -> str:
    return _("since %(day)s") % {"day": calendar_day(at_us)}


def _situation_detail(kind: str, since_us: int, keys: list[object], german: str, english: str) -> str:
    name = (german if language() == "de" else english) or kind
    numbers = f" ({', '.join(str(key) for key in keys)})" if keys else ""
    return f"{name}{numbers}, {_since(since_us)}"


_DETAILS: dict[tuple[str, bool], Callable[..., str]] = {
    ("basis", True): basis_word,
    ("basis", False): lambda reason, channel, purpose: f"{_basis_refusal(reason)} ({channel}, {purpose})",
    ("suppressed", False): lambda reason, since_us: f"{_suppression_reason(reason)}, {_since(since_us)}",
    ("objection", False): lambda scope, since_us: f"{scope}, {_since(since_us)}",
    ("withdrawn", False): lambda channel, purpose: f"{channel}, {purpose}",
    ("situation", False): _situation_detail,
    ("validity", False): exact_instant,
    ("overdue", False): exact_instant,
    ("no_slot", False): exact_instant,
    ("after_conversion", False): lambda bought_us, _before: _since(bought_us),
    ("limit", False): lambda _id, at_most, hours: (
        _("at most %(count)s in %(hours)s hours") % {"count": number(at_most), "hours": number(hours)}
    ),
    ("forwarded", False): lambda _profile_id: "",
    ("global_holdout", False): lambda _salt: "",
}
"""(rule, passed) -> its details as text. Without an entry details are shown as they are."""


def _detail(reason: Reason) -> str:
    describe = _DETAILS.get((reason.rule_id, reason.passed))
    if describe is not None:
        try:
            return describe(*reason.detail)
        except (TypeError, ValueError):
            # A verdict kept from an older version, whose details had another shape: shown as they are below.
            pass
    return ", ".join(str(each) for each in reason.detail if each not in ("", [], None))


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
    sentence = _passed_sentence(reason.rule_id) if reason.passed else _refused_sentence(reason.rule_id)
    return DescribedReason(sentence=sentence, detail=_detail(reason), passed=reason.passed)


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
