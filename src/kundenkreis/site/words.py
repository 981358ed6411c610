"""Words for what the contact policy and the runtime say in codes."""

from dataclasses import dataclass

from babel.numbers import format_decimal
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from kundenkreis.site.ports import Reason, Status, Verdict

_LAG_IS_LATE_US = 10 * 1_000_000
"""Past this the page says that the installation is behind: ten times the lag promised under load."""


def number(value: int) -> str:
    """A whole number as the viewer writes it: 5.000 or 5,000."""
    return format_decimal(value, locale=get_language() or "en")


def outcome_word(outcome: str) -> str:
    """An outcome in words; the code itself if it has none yet."""
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


_TONES = {
    "released": "good",
    "handed_over": "good",
    "planned": "calm",
    "postponed": "calm",
    "withheld": "stop",
    "failed": "stop",
}


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
    """A class of messages in words."""
    known = {"transactional": _("contract"), "service": _("service"), "marketing": _("marketing")}
    return known.get(message_class, message_class)


def rule_sentence(reason: Reason) -> str:
    """What a rule of the contact policy asked and found, without its particulars."""
    known = {
        "basis": (_("There is a legal basis"), _("There is no legal basis")),
        "suppression": (_("The address is not suppressed"), _("The address is suppressed")),
        "fence": (
            _("No unsubscribe, objection or erasure stands against it"),
            _("An unsubscribe, objection or erasure stands against it"),
        ),
        "holdout": (_("Not in the control group"), _("In the control group, which is left alone on purpose")),
        "situation": (_("No situation speaks against it"), _("A situation speaks against it")),
        "cap": (_("The contact budget has room"), _("The contact budget is used up")),
        "priority": (_("No message matters more"), _("Another message matters more")),
        "quiet_hours": (_("Not in quiet hours"), _("Quiet hours")),
        "holiday": (_("Not a Sunday or public holiday"), _("Sunday or public holiday")),
        "validity": (_("Still useful"), _("No longer useful")),
        "reachable": (
            _("The person can be reached on this channel"),
            _("The person cannot be reached on this channel"),
        ),
    }
    passed, refused = known.get(reason.rule_id, (reason.rule_id, reason.rule_id))
    return passed if reason.passed else refused


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


def describe_verdict(verdict: Verdict) -> DescribedVerdict:
    """A verdict in words, the deciding reasons apart from the rest."""
    refusals = [reason for reason in verdict.reasons if not reason.passed]
    deciding = refusals or list(verdict.reasons[:1])

    def describe(reasons: list[Reason]) -> tuple[DescribedReason, ...]:
        return tuple(
            DescribedReason(sentence=rule_sentence(each), detail=each.detail, passed=each.passed) for each in reasons
        )

    return DescribedVerdict(
        verdict=verdict,
        outcome=outcome_word(verdict.outcome),
        tone=_TONES.get(verdict.outcome, "plain"),
        sentence=_outcome_sentence(verdict.outcome),
        basis=basis_word(verdict.basis),
        message_class=class_word(verdict.message_class),
        deciding=describe(deciding),
        others=describe([reason for reason in verdict.reasons if reason not in deciding]),
    )


def messages_found(total: int, query: str) -> str:
    """How many messages there are, or match."""
    count = {"count": number(total)}
    if query:
        return ngettext("%(count)s message matches", "%(count)s messages match", total) % count
    return ngettext("%(count)s message", "%(count)s messages", total) % count


def view_names() -> list[tuple[str, str]]:
    """The ways to look at a message."""
    return [("html", _("As seen")), ("text", _("Text")), ("source", _("Source"))]


@dataclass(frozen=True, kw_only=True)
class Health:
    """The status in one sentence."""

    tone: str
    sentence: str


def describe_health(status: Status) -> Health:
    """What a person on duty wants to know first, the worst thing first."""
    dead = [role.name for role in status.roles if not role.is_alive]
    if dead:
        return Health(tone="stop", sentence=_("Not running: %(roles)s.") % {"roles": ", ".join(dead)})
    if status.lag_us > _LAG_IS_LATE_US:
        return Health(tone="calm", sentence=_("Behind: events wait longer than ten seconds to be folded."))
    if status.quarantined_total:
        text = ngettext(
            "Running. %(count)s thing was set aside and waits for you.",
            "Running. %(count)s things were set aside and wait for you.",
            status.quarantined_total,
        )
        return Health(tone="calm", sentence=text % {"count": number(status.quarantined_total)})
    return Health(tone="good", sentence=_("Everything runs and is up to date."))


def role_word(name: str) -> str:
    """A process in words."""
    known = {
        "web": _("web and tracking"),
        "resolver": _("resolver"),
        "worker": _("worker"),
        "dispatcher": _("dispatcher"),
    }
    return known.get(name, name)


def kind_word(kind: str) -> str:
    """What sort of thing was set aside."""
    return {"event": _("event"), "customer": _("customer")}.get(kind, kind)


def channel_word(channel: str) -> str:
    """A channel in words."""
    return {"email": _("e-mail"), "mailbox": _("local mailbox")}.get(channel, channel)
