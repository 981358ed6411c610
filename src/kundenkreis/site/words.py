"""Words for what the runtime says in codes, and sentences with numbers in them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site.formats import number
from kundenkreis.site.ports.status import PausedSending, Problem, ServerAnswer, Status, problems_of


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


def describe_health(status: Status) -> Health | None:
    """What a person on duty wants to know first, the worst thing first; None where a notice of its own says that nothing is sent."""
    worst = next(iter(problems_of(status)), None)
    if worst in ("sending_paused", "sending_stopped"):
        return None
    if worst is not None:
        tone = "stop" if worst in ("not_running", "disk_full", "clock_behind") else "calm"
        return Health(tone=tone, sentence=_problem_sentence(worst, status))
    if status.quarantined_total:
        text = ngettext(
            "Running. %(count)s entry in quarantine waits for you.",
            "Running. %(count)s entries in quarantine wait for you.",
            status.quarantined_total,
        )
        return Health(tone="calm", sentence=text % {"count": number(status.quarantined_total)})
    return Health(tone="good", sentence=_("Everything runs and is up to date."))


def _problem_sentence(problem: Problem, status: Status) -> str:
    if problem == "not_running":
        dead = ", ".join(role_word(role.name) for role in status.roles if not role.is_alive)
        return _("Not running: %(roles)s.") % {"roles": dead}
    if problem == "disk_full":
        return _(
            "Almost no room is left on the disk of the data folder: %(megabytes)s MB. Without any, events are refused and no message goes out."
        ) % {"megabytes": number((status.free_bytes or 0) >> 20)}
    if problem == "clock_behind":
        return _(
            "The machine's clock is %(minutes)s minutes behind the newest data. Until it has caught up, no message goes out: set it right."
        ) % {"minutes": number(status.clock_behind_us // 60_000_000)}
    return {
        "events_late": _("Behind: events wait longer than ten seconds to be processed."),
        "dates_late": _("Behind: dates of customers have been due for more than a minute."),
        "messages_late": _("Behind: messages wait longer than an hour to go out."),
    }[problem]


def describe_pause(paused: PausedSending) -> list[str]:
    """What was found when the database was held against the journal of sent messages, and what to do."""
    found = ngettext(
        "%(count)s message had gone out that the database did not know of. It is not sent again.",
        "%(count)s messages had gone out that the database did not know of. They are not sent again.",
        paused.found,
    ) % {"count": number(paused.found)}
    missing = ngettext(
        "%(count)s line of the journal of sent messages cannot be read: what it named may go out a second time.",
        "%(count)s lines of the journal of sent messages cannot be read: what they named may go out a second time.",
        paused.missing,
    ) % {"count": number(paused.missing)}
    rest = _(
        "Look at what waits to be sent, then let it go out. Until then everything waits; what is too late by then is not sent."
    )
    return [found, *([missing] if paused.missing else []), rest]


def waiting_sentence(answer: ServerAnswer) -> str:
    """How many messages wait because of what a server said."""
    count = {"count": number(answer.messages)}
    return ngettext("%(count)s message is tried again.", "%(count)s messages are tried again.", answer.messages) % count


def role_word(name: str) -> str:
    """A process in words."""
    known = {
        "web": _("web and tracking"),
        "resolver": _("resolver"),
        "worker": _("worker"),
        "dispatcher": _("dispatcher"),
        "counter": _("figures"),
    }
    role, _dash, place = name.partition("-")
    return f"{known[role]} {place}".strip() if role in known else name


def kind_word(kind: str) -> str:
    """What sort of thing was set aside."""
    return {"event": _("event"), "customer": _("customer")}.get(kind, kind)


def channel_word(channel: str) -> str:
    """A channel in words."""
    known = {
        "email": _("e-mail"),
        "mailbox": _("local mailbox"),
        "email_smtp": _("mail server"),
        "sms": _("text message"),
        "messenger": _("messenger"),
        "push": _("push"),
        "call": _("call"),
        "call_attempt": _("attempt to call"),
        "phone": _("telephone"),
        "site": _("website"),
        "letter": _("letter"),
        "visit": _("visit"),
        "web": _("website"),
        "store": _("branch"),
        "till": _("till"),
        "*": _("every channel"),
    }
    return known.get(channel, channel)
