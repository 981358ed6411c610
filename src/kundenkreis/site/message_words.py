"""Words about decided messages: what became of them, why they were held back."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site.formats import number

FATE_TONES = {
    "withheld": "stop",
    "waiting": "calm",
    "delivered": "good",
    "open": "good",
    "bounced": "stop",
    "uncertain": "stop",
}


def fate_word(fate: str) -> str:
    """What became of a message, in a word."""
    known = {
        "withheld": _("withheld"),
        "waiting": _("waiting"),
        "delivered": _("delivered"),
        "open": _("handed over"),
        "bounced": _("undeliverable"),
        "uncertain": _("uncertain"),
    }
    return known.get(fate, fate)


def fate_definition(fate: str) -> str:
    """What exactly is counted under this word."""
    known = {
        "withheld": _("Not allowed to go out, or of no use any more before it went out."),
        "waiting": _("Allowed, but not handed over yet."),
        "delivered": _("Arrived; in the local mailbox at once."),
        "open": _("Handed over to the receiving server, which has said nothing more."),
        "bounced": _("The receiving server refused it for good."),
        "uncertain": _("The connection broke while it was handed over: nobody knows whether it arrived."),
    }
    return known.get(fate, "")


def held_word(why: str) -> str:
    """Why a message was put aside until a person decides."""
    known = {
        "uncertain": _("The connection broke while it was handed over: nobody knows whether it arrived."),
        "overdue": _("It would have gone out long after its time."),
        "poison": _("It was begun again and again and never came to an end."),
    }
    return known.get(why, why)


def rule_words() -> dict[str, str]:
    """Rules that hold a message back, in a word or two, by their id."""
    return {
        "basis": _("no legal basis"),
        "withdrawn": _("consent withdrawn"),
        "objection": _("objection"),
        "fence": _("forbidden a moment before"),
        "suppressed": _("address suppressed"),
        "no_address": _("no address"),
        "situation": _("open matter"),
        "limit": _("contact limit"),
        "after_conversion": _("pressure after first purchase"),
        "paused": _("marketing paused"),
        "quiet_hours": _("quiet hours"),
        "sunday": _("Sunday"),
        "holiday": _("public holiday"),
        "no_slot": _("no fit time found"),
        "validity": _("no longer of use"),
        "overdue": _("delayed for too long"),
        "global_holdout": _("control group"),
        "journey_holdout": _("control group of the journey"),
        "fenced": _("forbidden at hand-over"),
        "expired": _("too late at hand-over"),
        "failed": _("not accepted"),
        "too_many_planned": _("too many planned"),
        "cancelled": _("reason went away"),
        "erased": _("person erased"),
    }


def rule_word(rule_id: str) -> str:
    """One of them."""
    return rule_words().get(rule_id, rule_id)


def stretch_words(shown: int) -> str:
    """How many messages a stretch of the list holds."""
    return ngettext("%(count)s message here", "%(count)s messages here", shown) % {"count": number(shown)}
