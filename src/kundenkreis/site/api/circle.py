"""Everything to read beside customers: start figures, search, segments, journeys, content, messages, status."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Query, Router
from pydantic import Field

from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.site.access import may, viewer
from kundenkreis.site.api.conditions import Condition, check_condition
from kundenkreis.site.api.errors import CountGoneError, NotFoundError
from kundenkreis.site.api.fields import (
    Body,
    Cursor,
    Days,
    DefinitionId,
    Instant,
    Limit,
    MaybeProfileId,
    Name,
    ProfileId,
    RunId,
    Text,
)
from kundenkreis.site.api.offers import PERSON, offer
from kundenkreis.site.audit import audit_view
from kundenkreis.site.mounted import mounted
from kundenkreis.site.palette import KINDS, MOST_OF_A_KIND
from kundenkreis.site.ports.contents import ContentLine, Preview
from kundenkreis.site.ports.counts import Count
from kundenkreis.site.ports.decided import DecidedMessage, DecidedPage, DecidedQuery, Fate
from kundenkreis.site.ports.journeys import (
    ContentFigure,
    DayFigure,
    JourneyLine,
    PeoplePage,
    StepFigures,
    Trace,
    WithheldFigure,
)
from kundenkreis.site.ports.search import Found
from kundenkreis.site.ports.segments import DayCount, Estimate, Segment, SegmentLine
from kundenkreis.site.ports.start import StartFigures
from kundenkreis.site.ports.status import Status
from kundenkreis.site.special_categories import hidden_attributes

router = Router(tags=["circle"])
_QUICK_MS, _EXACT_MS = 600, 20_000


@dataclass(frozen=True, kw_only=True)
class RateOf:
    """People who reached the goal among all whose time for it is over."""

    hits: int
    people: int


@dataclass(frozen=True, kw_only=True)
class JourneyFigures:
    """One journey with its numbers."""

    line: JourneyLine
    document: Mapping[str, Any]
    steps: Mapping[str, StepFigures]
    elsewhere: int
    """People who stand in steps that the newest form no longer has."""
    treated: RateOf
    control: RateOf
    still_open: int
    days_to_goal: Mapping[int, int]
    per_day: tuple[DayFigure, ...]
    withheld: tuple[WithheldFigure, ...]
    contents: tuple[ContentFigure, ...]
    goal_days: int
    as_of_us: int


class Estimating(Body):
    """A condition to count people for."""

    condition: Condition
    exact: bool = Field(
        False,
        description="Count everybody as far as 20 seconds reach, instead of a fair sample; segments/counts counts any number.",
    )


class Counting(Body):
    """A condition to count everybody for."""

    condition: Condition


class MessagesAsked(Body):
    """What the list of messages is narrowed to. Everything given must hold."""

    text: Text = ""
    fate: Fate | None = None
    reason: Name = ""
    journey_id: Name = ""
    channel: Name = ""
    since_us: Instant = 0
    until_us: Instant | None = None
    cursor: Cursor = ""
    limit: Limit = 50


@offer(
    router, "GET", "start", needs=("start.see",), answer=StartFigures, summary=gettext_noop("Read the start figures")
)
def read_start(request: HttpRequest) -> StartFigures:
    return mounted().sources.start.read_figures()


@offer(router, "GET", "status", needs=("status.see",), answer=Status, summary=gettext_noop("Read the system status"))
def read_status(request: HttpRequest) -> Status:
    return mounted().sources.status.read_status()


@offer(
    router, "GET", "search", needs=(), answer=list[Found], summary=gettext_noop("Find things by what they are called")
)
def search(request: HttpRequest, q: Text) -> list[Found]:
    """Of each kind the likeliest, as far as one may see that kind."""
    searches = mounted().sources.searches
    kinds = [kind for kind in KINDS if kind.needs and may(*kind.needs) and kind.name in searches]
    return [one for kind in kinds for one in searches[kind.name].search(q, MOST_OF_A_KIND)] if q else []


@offer(
    router, "GET", "segments", needs=("segments.see",), answer=list[SegmentLine], summary=gettext_noop("List segments")
)
def list_segments(request: HttpRequest) -> list[SegmentLine]:
    return list(mounted().sources.segments.list_segments())


@offer(
    router, "POST", "segments/estimate", needs=("segments.edit",), answer=Estimate,
    summary=gettext_noop("Estimate for how many people a condition holds"),
)  # fmt: skip
def estimate_segment(request: HttpRequest, asked: Estimating) -> Estimate:
    """The sample of people is left out for keys that may not see people."""
    check_condition(asked.condition, pointer="condition")
    budget_ms = _EXACT_MS if asked.exact else _QUICK_MS
    found = mounted().sources.segments.estimate(asked.condition, budget_ms=budget_ms)
    return found if may(*PERSON) else replace(found, sample=())


@offer(
    router, "POST", "segments/counts", needs=("segments.edit",), answer=Count, is_writing=True,
    summary=gettext_noop("Begin to count for how many people a condition holds"),
)  # fmt: skip
def begin_count(request: HttpRequest, asked: Counting) -> Count:
    """Counts everybody in the background, about two minutes for a million. Ask for it again until its state is `done`; it ends when nobody
    has asked for 30 seconds. An account has one count over the API: a new one takes the place of the one before.
    """
    check_condition(asked.condition, pointer="condition")
    return mounted().sources.counts.begin(_asker(), asked.condition)


@offer(
    router, "GET", "segments/counts/{count_id}", needs=("segments.edit",), answer=Count,
    summary=gettext_noop("See how far a count is, and its result"),
)  # fmt: skip
def read_count(request: HttpRequest, count_id: RunId) -> Count:
    """The sample of people is left out for keys that may not see people. A result lives in the memory of the process that made it: once that
    was started anew, a newer count was begun or nobody asked for 30 seconds, the answer is 404 `count_gone`. Begin it again then.
    """
    found = mounted().sources.counts.find(_asker(), count_id)
    if found is None:
        raise CountGoneError
    if found.result is None or may(*PERSON):
        return found
    return replace(found, result=replace(found.result, sample=()))


def _asker() -> str:
    someone = viewer()
    return f"api {someone.account_id}" if someone is not None else ""


@offer(
    router, "GET", "segments/{segment_id}", needs=("segments.see",), answer=Segment, summary=gettext_noop("Read a segment")
)  # fmt: skip
def read_segment(request: HttpRequest, segment_id: DefinitionId) -> Segment:
    segment = mounted().sources.segments.find_segment(segment_id)
    if segment is None:
        raise NotFoundError
    return segment


@offer(
    router, "GET", "segments/{segment_id}/days", needs=("segments.see",), answer=list[DayCount],
    summary=gettext_noop("Read a segment's members by day"),
)  # fmt: skip
def read_segment_days(request: HttpRequest, segment_id: DefinitionId, days: Days = 90) -> list[DayCount]:
    if not read_segment(request, segment_id).line.is_published:
        return []
    return list(mounted().sources.segments.members_by_day(segment_id, days))


@offer(
    router, "GET", "journeys", needs=("journeys.see",), answer=list[JourneyLine], summary=gettext_noop("List journeys")
)
def list_journeys(request: HttpRequest) -> list[JourneyLine]:
    return list(mounted().sources.journeys.list_journeys())


@offer(
    router, "GET", "journeys/{journey_id}", needs=("journeys.see",), answer=JourneyFigures,
    summary=gettext_noop("Read a journey with its numbers"),
)  # fmt: skip
def read_journey(request: HttpRequest, journey_id: DefinitionId) -> JourneyFigures:
    report = mounted().sources.journeys.read_journey(journey_id)
    if report is None:
        raise NotFoundError
    treated, control = report.reached.treated, report.reached.control
    return JourneyFigures(
        line=report.line,
        document=report.document,
        steps=report.steps,
        elsewhere=report.elsewhere,
        treated=RateOf(hits=treated.hits, people=treated.of),
        control=RateOf(hits=control.hits, people=control.of),
        still_open=report.still_open,
        days_to_goal=report.days_to_goal,
        per_day=report.per_day,
        withheld=report.withheld,
        contents=report.contents,
        goal_days=report.goal_days,
        as_of_us=report.as_of_us,
    )


@offer(
    router, "GET", "journeys/{journey_id}/people", needs=("journeys.see", *PERSON), answer=PeoplePage,
    summary=gettext_noop("List the people behind a number of a journey"),
)  # fmt: skip
def list_journey_people(
    request: HttpRequest, journey_id: DefinitionId, step_id: Name = "", outcome: Name = "entered", cursor: Cursor = "",
    limit: Limit = 50,
) -> PeoplePage:  # fmt: skip
    read_journey(request, journey_id)
    return mounted().sources.journeys.find_people(
        journey_id, step_id=step_id, outcome=outcome, cursor=cursor, limit=limit
    )


@offer(
    router, "GET", "journeys/{journey_id}/people/{profile_id}", needs=("journeys.see", *PERSON), answer=Trace,
    summary=gettext_noop("Read somebody's way through a journey"),
)  # fmt: skip
def read_trace(request: HttpRequest, journey_id: DefinitionId, profile_id: ProfileId) -> Trace:
    trace = mounted().sources.journeys.trace_person(journey_id, profile_id)
    if trace is None:
        raise NotFoundError
    audit_view(request, "customer", profile_id)
    return trace


@offer(
    router, "GET", "contents", needs=("content.see",), answer=list[ContentLine], summary=gettext_noop("List content")
)
def list_contents(request: HttpRequest) -> list[ContentLine]:
    return list(mounted().sources.contents.list_contents())


@offer(
    router, "GET", "contents/{content_id}/preview", needs=("content.see", "personal.see"), answer=Preview,
    summary=gettext_noop("See content as a person sees it"),
)  # fmt: skip
def preview_content(
    request: HttpRequest, content_id: DefinitionId, variant: Name = "de", profile_id: MaybeProfileId = 0,
    without_name: bool = False,
) -> Preview:  # fmt: skip
    """The draft where there is one, else what is in force. `profile_id` 0 is an invented person."""
    sources = mounted().sources
    draft = sources.drafts.find("content", content_id)
    document = draft.document if draft is not None else published(sources.publisher, "content", content_id)
    if document is None or variant not in (document.get("variants") or {}):
        raise NotFoundError
    return sources.contents.preview(
        document, variant, profile_id=profile_id, without_name=without_name, hidden=hidden_attributes()
    )


@offer(
    router, "GET", "messages", needs=("messages.see", "personal.see"), answer=DecidedPage,
    summary=gettext_noop("List messages that were decided about"),
)  # fmt: skip
def list_messages(request: HttpRequest, asked: Query[MessagesAsked]) -> DecidedPage:
    given = asked.model_dump() | {"fate": asked.fate or ""}
    return mounted().sources.decided.find_messages(DecidedQuery(**given))


@offer(
    router, "GET", "messages/{message_id}", needs=("messages.see", "personal.see"), answer=DecidedMessage,
    summary=gettext_noop("Read a message with its verdicts"),
)  # fmt: skip
def read_message(request: HttpRequest, message_id: Name) -> DecidedMessage:
    decided = mounted().sources.decided.find_message(message_id)
    if decided is None:
        raise NotFoundError
    audit_view(request, "message", message_id)
    return decided
