"""A mailbox, a start page, a status and journeys that hold what they are given: the site's counterparts in tests."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from kundenkreis.journeys.core.drawing import draw
from kundenkreis.journeys.core.figures import Share, compare, quartiles
from kundenkreis.journeys.steps.registry import kinds_by_name
from kundenkreis.site.ports.decided import DecidedLine, DecidedMessage, DecidedPage, DecidedQuery, Names
from kundenkreis.site.ports.events import Event, EventLine, EventPage, EventQuery, SetAsidePage
from kundenkreis.site.ports.journeys import (
    ContentFigure,
    DayFigure,
    JourneyLine,
    JourneyReport,
    PathLine,
    PeoplePage,
    PersonInJourney,
    RunPath,
    StepFigures,
    Trace,
    Whereabouts,
    WithheldFigure,
)
from kundenkreis.site.ports.messages import Message, MessageLine, MessagePage, Reason, Verdict
from kundenkreis.site.ports.search import Found
from kundenkreis.site.ports.start import (
    PERIODS,
    Circle,
    Move,
    NetChange,
    People,
    PeriodMoves,
    PhaseCount,
    StartFigures,
    SubStateCount,
)
from kundenkreis.site.ports.status import ChannelSending, Quarantined, Role, Status, WakeUps, held_since_us
from kundenkreis.site.ports.write_keys import KeyKind, WriteKeyLine

HOUR_US = 3_600_000_000

SAMPLE_STATUS = Status(
    at_us=0,
    store="SQLite",
    customers=2469,
    newest_row=1_204_511,
    rulebook_version=3,
    lag_us=38_000,
    inbox_rows=0,
    unfolded_rows=12,
    overdue_wake_ups=0,
    next_wake_us=HOUR_US // 2,
    wake_ups=(WakeUps(until_us=HOUR_US, customers=14), WakeUps(until_us=24 * HOUR_US, customers=231)),
    quarantine=(
        Quarantined(
            kind="event", name="Order Completed", reason="products[0].price is not a number", since_us=-HOUR_US
        ),
    ),
    quarantined_total=1,
    sending=(ChannelSending(channel="mailbox", waiting=3, handed_over=8123, failed=0, uncertain=0),),
    roles=(
        Role(name="web", is_alive=True, since_us=-2 * HOUR_US, restarts=0),
        Role(name="worker", is_alive=True, since_us=-2 * HOUR_US, restarts=1),
    ),
)
"""An ordinary day around instant 0."""

SAMPLE_VERDICT = Verdict(
    at_us=-HOUR_US,
    outcome="handed_over",
    reasons=(
        Reason(rule_id="basis", passed=True, detail=("express_consent",)),
        Reason(rule_id="limits", passed=True),
        Reason(rule_id="quiet_time", passed=True),
    ),
    basis="express_consent",
    message_class="marketing",
    purpose="newsletter",
    due_us=-HOUR_US,
    journey_id="welcome",
    step_id="greeting",
    rulebook_version=3,
)

SAMPLE_HTML = """<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Willkommen</title></head>
<body style="margin:0;background:#f4f1ea;font-family:Georgia,serif;color:#2b2a27">
<table role="presentation" width="100%"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="560" style="max-width:560px;background:#fffdf8"><tr><td style="padding:32px">
<h1 style="font-size:26px;margin:0 0 16px">Schön, dass Sie da sind, Frau Brandt.</h1>
<p style="line-height:1.6">Sie haben Ihre Anmeldung bestätigt. Ab jetzt schreiben wir Ihnen, wenn es etwas gibt, das sich lohnt.</p>
<p><a href="https://example.com/start" style="color:#7a4b12">Zum Laden</a></p></td></tr></table></td></tr></table></body></html>"""


def make_message(
    message_id: str,
    *,
    subject: str = "Willkommen bei Lindenhof",
    recipient: str = "marie.brandt@example.com",
    at_us: int = -HOUR_US,
    html: str = SAMPLE_HTML,
    verdicts: tuple[Verdict, ...] = (SAMPLE_VERDICT,),
    is_uncertain: bool = False,
) -> Message:
    """A message with plausible contents."""
    sender = "Lindenhof <hallo@example.com>"
    return Message(
        line=MessageLine(
            message_id=message_id,
            at_us=at_us,
            recipient=recipient,
            subject=subject,
            preview="Schön, dass Sie da sind, Frau Brandt. Sie haben Ihre Anmeldung bestätigt.",
            message_class=verdicts[-1].message_class,
            journey_id=verdicts[-1].journey_id,
            is_uncertain=is_uncertain,
        ),
        sender=sender,
        html=html,
        text="Schön, dass Sie da sind, Frau Brandt.\n\nSie haben Ihre Anmeldung bestätigt.\n",
        headers=(
            ("From", sender),
            ("To", recipient),
            ("Subject", subject),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ),
        source=f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nSchön ...\r\n",
        verdicts=verdicts,
    )


class MailboxInMemory:
    """A mailbox over a list of messages. Cursors are positions in the list of matches."""

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages = sorted(messages, key=lambda message: (-message.line.at_us, message.line.message_id))

    def search_messages(self, query: str, *, cursor: str, limit: int) -> MessagePage:
        """See ports.Mailbox."""
        words = query.lower().split()
        lines = [message.line for message in self._messages]
        matches = [line for line in lines if all(word in f"{line.recipient} {line.subject}".lower() for word in words)]
        begin = int(cursor) if cursor.isdigit() else 0
        end = begin + limit
        return MessagePage(
            lines=tuple(matches[begin:end]), total=len(matches), next_cursor=str(end) if end < len(matches) else ""
        )

    def find_message(self, message_id: str) -> Message | None:
        """See ports.Mailbox."""
        return next((message for message in self._messages if message.line.message_id == message_id), None)


SAMPLE_CIRCLE = Circle(
    names={},
    at_us=0,
    phases=(
        PhaseCount(phase="attention", people=People(anonymous=2457), sub_states=()),
        PhaseCount(phase="trust", people=People(known=2723, anonymous=3), sub_states=()),
        PhaseCount(phase="purchase", people=People(known=25), sub_states=()),
        PhaseCount(
            phase="care",
            people=People(known=446),
            sub_states=(
                SubStateCount(sub_state="fresh", people=People(known=166)),
                SubStateCount(sub_state="one_time", people=People(known=280)),
            ),
        ),
        PhaseCount(phase="loyalty", people=People(known=2660), sub_states=()),
        PhaseCount(phase="winback", people=People(known=797), sub_states=()),
    ),
    periods=tuple(
        PeriodMoves(
            days=days,
            since_us=-days * 24 * HOUR_US,
            moves=(
                Move(from_phase="trust", to_phase="purchase", people=3 * days),
                Move(from_phase="care", to_phase="loyalty", people=days),
                Move(from_phase="loyalty", to_phase="winback", people=1),
            ),
            net=(NetChange(phase="trust", people=-3 * days), NetChange(phase="purchase", people=3 * days)),
        )
        for days in PERIODS
    ),
)
"""A circle as an installation of a year has it."""


class StartAsGiven:
    """A start page's source that answers what it was given."""

    def __init__(self, figures: StartFigures = StartFigures(circle=SAMPLE_CIRCLE)) -> None:  # noqa: B008 - frozen
        self.figures = figures

    def read_figures(self) -> StartFigures:
        """See ports.StartSource."""
        return self.figures


def make_decided(message_id: str) -> DecidedMessage:
    """A decided message that was sent."""
    sent = make_message(message_id)
    return DecidedMessage(
        line=DecidedLine(
            message_id=message_id,
            decided_us=-HOUR_US,
            profile_id=7,
            name="Marie Brandt",
            channel="email",
            content_id="welcome_hello",
            message_class="marketing",
            journey_id="welcome",
            fate="delivered",
            outcome="handed_over",
            reason=None,
        ),
        verdicts=sent.verdicts,
        sent=sent,
        reply="250 2.0.0 queued",
    )


class DecidedAsGiven:
    """Decided messages that are all on one page, whatever is asked."""

    def __init__(self, messages: Iterable[DecidedMessage] = ()) -> None:
        self._messages = tuple(messages)

    def find_messages(self, query: DecidedQuery) -> DecidedPage:
        """See ports.DecidedMessages."""
        return DecidedPage(lines=tuple(one.line for one in self._messages), next_cursor="", searched_to_us=None)

    def find_message(self, message_id: str) -> DecidedMessage | None:
        """See ports.DecidedMessages."""
        return next((one for one in self._messages if one.line.message_id == message_id), None)

    def names(self) -> Names:
        """See ports.DecidedMessages."""
        return Names(journeys={}, contents={}, purposes={})


SAMPLE_EVENT = Event(
    line=EventLine(
        number=1,
        name="Product Viewed",
        at_us=-HOUR_US,
        profile_id=7,
        person="Marie Brandt",
        origin="api",
        source="shop",
        is_late=False,
    ),
    event_id="0a",
    happened_us=-HOUR_US,
    received_us=-HOUR_US,
    actor="",
    reason="",
    body='{"properties": {"product_id": "p1"}}',
)
"""Somebody looked at something."""


class EventsAsGiven:
    """A stream that fits on one page, whatever is asked, and an empty quarantine."""

    def __init__(self, events: Iterable[Event] = (SAMPLE_EVENT,)) -> None:
        self._events = tuple(events)

    def find_events(self, query: EventQuery) -> EventPage:
        """See ports.EventSource."""
        return EventPage(lines=tuple(one.line for one in self._events), next_cursor="")

    def find_event(self, number: int) -> Event | None:
        """See ports.EventSource."""
        return next((one for one in self._events if one.line.number == number), None)

    def find_set_aside(self, *, cursor: str, limit: int) -> SetAsidePage:
        """See ports.EventSource."""
        return SetAsidePage(lines=(), total=0, next_cursor="")

    def replay(self, ids: tuple[int, ...]) -> int:
        """See ports.EventSource."""
        return 0


class StatusAsGiven:
    """A status source that answers what it was given, moved to an instant."""

    def __init__(self, status: Status = SAMPLE_STATUS) -> None:
        self.status = status

    def read_status(self) -> Status:
        """See ports.StatusSource."""
        return replace(self.status)

    def sending_held_since_us(self) -> int | None:
        """See ports.StatusSource."""
        return held_since_us(self.status.paused, self.status.stopped)

    def resume_sending(self, actor: str) -> bool:
        """See ports.StatusSource."""
        was_paused = self.status.paused is not None
        self.status = replace(self.status, paused=None)
        return was_paused


def _sample_journey() -> JourneyReport:
    document = {
        "kind": "journey",
        "id": "welcome",
        "name": {"de": "Willkommen", "en": "Welcome series"},
        "steps": [
            {"id": "hello", "message": {"content": "welcome_hello", "purpose": "newsletter"}},
            {"id": "pause", "wait": {"days": 3, "at": "10:00"}},
        ],
    }
    where = Whereabouts(entered=2651, waiting=33, goal=694, ended=1899, left=25, failed=0, control=273)
    line = JourneyLine(
        id="welcome", names=document["name"], state="live", where=where, goals=735, sent=2204, withheld=101, has_draft=False,  # type: ignore[arg-type]
        changed_us=-24 * HOUR_US, changed_by="anna", version=2,
    )  # fmt: skip

    def step(name: str, standing: int, sent: int) -> StepFigures:
        return StepFigures(
            step_id=name, arrived=2651, standing=standing, out={"next": 2618}, ended=0, sent=sent, withheld=0, spared=0, failed=0
        )  # fmt: skip

    days = {0: 600, 1: 20, 7: 115}
    return JourneyReport(
        line=line, document=document, drawing=draw(document, kinds_by_name(), lambda kind, name, language: name),
        steps={"hello": step("hello", 0, 2204), "pause": step("pause", 33, 0)}, elsewhere=0,
        reached=compare(Share(621, 2150), Share(77, 253)), still_open=248, days_to_goal=days, quartiles=quartiles(days),
        per_day=(DayFigure(day=20_700, entries=9, low=5, high=11), DayFigure(day=20_701, entries=2, low=5, high=11)),
        withheld=(WithheldFigure(outcome="withheld", reason="global_holdout", count=267),),
        contents=(ContentFigure(content_id="welcome_hello", names={"en": "Greeting"}, sent=2204, withheld=101),),
        goal_days=30, undo_until_us=0, before=None, as_of_us=0,
    )  # fmt: skip


SAMPLE_JOURNEY = _sample_journey()
"""A welcome series of two steps."""
SAMPLE_PERSON = PersonInJourney(profile_id=7, name="Marie Brandt", email="marie.brandt@example.com", at_us=-HOUR_US)


class JourneysAsGiven:
    """Journeys that are what they were given; one person went each of them."""

    def __init__(self, reports: Iterable[JourneyReport] = ()) -> None:
        self._reports = {report.line.id: report for report in reports}

    def list_journeys(self) -> tuple[JourneyLine, ...]:
        """See ports.JourneySource."""
        return tuple(report.line for report in self._reports.values())

    def read_journey(self, journey_id: str) -> JourneyReport | None:
        """See ports.JourneySource."""
        return self._reports.get(journey_id)

    def find_people(self, journey_id: str, *, step_id: str, outcome: str, cursor: str, limit: int) -> PeoplePage:
        """See ports.JourneySource."""
        return PeoplePage(people=(SAMPLE_PERSON,) if journey_id in self._reports else (), next_cursor="")

    def trace_person(self, journey_id: str, profile_id: int) -> Trace | None:
        """See ports.JourneySource."""
        if profile_id != SAMPLE_PERSON.profile_id:
            return None
        lines = (("", "entered"), ("hello", "waiting"), ("hello", "sent"), ("pause", "waiting"))
        path = tuple(PathLine(step_id=step_id, outcome=outcome, at_us=-HOUR_US) for step_id, outcome in lines)
        run = RunPath(run_id="0c", version=2, in_control_group=False, lines=path)
        return Trace(person=SAMPLE_PERSON, runs=(run,))


class WriteKeysInMemory:
    """Write keys in a list. Whole keys are what is shown with their number behind."""

    def __init__(self, lines: Iterable[WriteKeyLine] = ()) -> None:
        self._lines = list(lines)

    def list_keys(self) -> tuple[WriteKeyLine, ...]:
        """See ports.WriteKeySource."""
        return tuple(self._lines)

    def create_key(self, source: str, kind: KeyKind) -> tuple[WriteKeyLine, str]:
        """See ports.WriteKeySource."""
        line = WriteKeyLine(shown=f"kk_{kind}_{len(self._lines):05}", source=source, kind=kind, brand="")
        self._lines.append(line)
        return line, f"{line.shown}-the-rest-is-secret"

    def revoke_key(self, shown: str) -> WriteKeyLine | None:
        """See ports.WriteKeySource."""
        found = [line for line in self._lines if line.shown.startswith(shown)]
        if len(found) != 1:
            return None
        self._lines.remove(found[0])
        return found[0]


class SearchInMemory:
    """Finds among the things it is given, by any part of title and detail."""

    def __init__(self, things: Iterable[Found]) -> None:
        self._things = tuple(things)

    def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """See ports.search.Search."""
        matches = (thing for thing in self._things if query.casefold() in f"{thing.title} {thing.detail}".casefold())
        return tuple(islice(matches, limit))
