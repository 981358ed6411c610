"""Acts over the API beyond single customers: saved filters, exports, many customers together, messages on hold, switching journeys, deleting definitions."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from django.core import signing
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext_noop
from ninja import Router
from ninja.errors import ValidationError
from pydantic import Field

from kundenkreis.events.core.messages import is_usable_key
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.zones import day_of, zone
from kundenkreis.site.access import Viewer, viewer
from kundenkreis.site.api.conditions import Condition, check_condition
from kundenkreis.site.api.errors import ConditionRefusedError, ImpossibleError, NotFoundError
from kundenkreis.site.api.fields import Body, DefinitionId, Name, ProfileId, Reason, RunId, Value, clean
from kundenkreis.site.api.offers import PERSON, offer, require
from kundenkreis.site.audit import address_of, audit
from kundenkreis.site.bulk_runner import NEEDED, start
from kundenkreis.site.journey_switching import Switch, switch_journey
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.asked import split
from kundenkreis.site.pages.customers.columns import DEFAULT, columns_named
from kundenkreis.site.pages.customers.csv_file import MOST_EXPORTED, csv_answer
from kundenkreis.site.pages.customers.together import is_settable
from kundenkreis.site.pages.customers.typed import MOST_PAUSE_DAYS, actor_for
from kundenkreis.site.ports.bulk_acts import Act, BulkAct, Change, Look
from kundenkreis.site.ports.customers import CustomerQuery, CustomersFound, SavedFilter, View
from kundenkreis.site.ports.held import AUDITED, Chosen, Decision, HeldPage, Why
from kundenkreis.site.ports.journeys import JourneyLine
from kundenkreis.site.special_categories import may_ask

router = Router(tags=["acts"])

EXPORT_SECONDS: Final = 24 * 3600
"""So long the file of an export can be fetched."""
_EXPORT_SALT: Final = "kundenkreis.export"
_LONGEST_EXPORT_ID: Final = 4_000
"""Longer addresses are cut off on the way; whoever needs more saves the condition as a filter."""
_TOKEN_BYTES: Final = 16

FilterId = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[0-9a-f]+$")]
ExportId = Annotated[str, Field(min_length=1, max_length=_LONGEST_EXPORT_ID, pattern=r"^[A-Za-z0-9_.:-]+$")]
Token = Annotated[
    str, Field(pattern=r"^[!-~]{1,64}$", description="Yours, new for each act: what is sent twice happens once.")
]


class Filter(Body):
    """A condition to keep under a name."""

    name: str = Field(min_length=1, max_length=60, pattern=r"\S")
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class Gone:
    """It is there no longer."""

    is_deleted: bool


class Whom(Body):
    """Whom it concerns: people by their numbers, or everybody for whom all that is given holds; nothing given: every known customer."""

    people: list[ProfileId] = Field(default_factory=list, max_length=200)
    view: View | None = None
    phase: Name = ""
    sub_state: Name = ""
    situation: Name = ""
    segment: Name = ""
    filter_id: Annotated[str, Field(max_length=200, pattern=r"^[0-9a-f]*$", description="A saved filter.")] = ""
    condition: Condition | None = None


class Exporting(Whom):
    """What a file of customers holds."""

    columns: list[Name] = Field(
        default_factory=lambda: list(DEFAULT), min_length=1, max_length=12,
        description="phase, situation, sales, orders, last_order, channels, segments, number, phone, city, since, seen, or =name of a value.",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export that can be fetched for 24 hours; who is in the file is decided when it is fetched."""

    export_id: str
    customers: int
    """How many it would hold now."""
    customers_are: Literal["exact", "estimate", "more"]
    most: int
    """A file holds so many at most."""


class Together(Body):
    """One act on many customers."""

    whom: Whom
    act: Act
    until: date | None = Field(None, description="Of a pause: from tomorrow to 90 days from now.")
    name: Name = Field("", description="Of a value: which; none that belongs to one person.")
    value: Value = ""


class TogetherOrdered(Together):
    """The same, to be done."""

    reason: Reason
    token: Token


@offer(router, "GET", "filters", needs=PERSON, answer=list[SavedFilter], summary=gettext_noop("List saved filters"))
def list_filters(request: HttpRequest) -> list[SavedFilter]:
    """Those whose condition one may ask."""
    return [one for one in mounted().sources.customers.saved_filters() if may_ask(one.condition)]


@offer(
    router, "POST", "filters", needs=("segments.edit", *PERSON), answer=SavedFilter, is_writing=True,
    summary=gettext_noop("Save a filter"),
)  # fmt: skip
def save_filter(request: HttpRequest, kept: Filter) -> SavedFilter:
    """In place of one of the same name."""
    check_condition(kept.condition, pointer="condition")
    source, someone = mounted().sources.customers, viewer()
    name = " ".join(clean(kept.name).split())
    if not name:
        raise ValidationError([{"loc": ("body", "kept", "name"), "msg": "A filter needs a name."}])
    filter_id = source.save_filter(name, kept.condition, actor=someone.name if someone is not None else "")
    return _filter(filter_id)


@offer(
    router, "DELETE", "filters/{filter_id}", needs=("segments.edit", *PERSON), answer=Gone, is_writing=True,
    summary=gettext_noop("Delete a saved filter"),
)  # fmt: skip
def delete_filter(request: HttpRequest, filter_id: FilterId) -> Gone:
    mounted().sources.customers.delete_filter(_filter(filter_id).filter_id)
    return Gone(is_deleted=True)


def _filter(filter_id: str) -> SavedFilter:
    saved = mounted().sources.customers.saved_filters()
    found = next((one for one in saved if one.filter_id == filter_id and may_ask(one.condition)), None)
    if found is None:
        raise NotFoundError
    return found


@offer(
    router, "POST", "exports", needs=("exports.make", *PERSON), answer=Export, is_writing=True,
    summary=gettext_noop("Start an export of customers"),
)  # fmt: skip
def start_export(request: HttpRequest, asked: Exporting) -> Export:
    """Nothing is stored: the answer's `export_id` says what was asked, and works for its maker alone."""
    known = columns_named(asked.columns, mounted().sources.customers.read_choices())
    unknown = sorted(set(asked.columns) - {column.id for column in known})
    if unknown:
        where = ("body", "asked", "columns")
        raise ValidationError([{"loc": where, "msg": f"There is no column {', '.join(unknown)}."}])
    found = _found(_query(asked, "condition"))
    held = {"by": _me().account_id, "asked": asked.model_dump(mode="json", exclude_defaults=True)}
    export_id = signing.dumps(held, salt=_EXPORT_SALT, compress=True)
    if len(export_id) > _LONGEST_EXPORT_ID:
        raise ImpossibleError("This is too long for one export. Save the condition as a filter and name it.")
    return Export(export_id=export_id, customers=found.total, customers_are=found.total_is, most=MOST_EXPORTED)


@offer(
    router, "GET", "exports/{export_id}/file", needs=("exports.make", *PERSON), answer=str, media_type="text/csv",
    summary=gettext_noop("Fetch the file of an export"),
)  # fmt: skip
def fetch_export(request: HttpRequest, export_id: ExportId) -> StreamingHttpResponse:
    """CSV with a line for each customer, columns apart by semicolons, UTF-8 with a mark at its beginning."""
    try:
        held: dict[str, Any] = signing.loads(export_id, salt=_EXPORT_SALT, max_age=EXPORT_SECONDS)
    except signing.BadSignature as error:
        raise NotFoundError from error
    if held["by"] != _me().account_id:
        raise NotFoundError
    asked, choices = Exporting(**held["asked"]), mounted().sources.customers.read_choices()
    shown = tuple(column for column in columns_named(asked.columns, choices) if column.is_shown)
    return csv_answer(request, _query(asked, "condition"), shown)


@offer(
    router, "POST", "together/look", needs=("customers.edit", *PERSON), answer=Look,
    summary=gettext_noop("See what an act on many customers would do"),
)  # fmt: skip
def look_together(request: HttpRequest, together: Together) -> Look:
    """Changes nothing."""
    query, change = _query(together.whom, "whom/condition"), _change(together)
    _found(query)
    return mounted().sources.bulk_acts.look(query, change)


@offer(
    router, "POST", "together", needs=("customers.edit", *PERSON), answer=BulkAct, is_writing=True,
    summary=gettext_noop("Act on many customers"),
)  # fmt: skip
def act_together(request: HttpRequest, together: TogetherOrdered) -> BulkAct:
    """One event for each of them; ask for it again until its state is done. More than 10,000 are refused, and nobody is changed."""
    change, bulk, someone = _change(together), mounted().sources.bulk_acts, _me()
    require(*NEEDED[change.act])
    query = _query(together.whom, "whom/condition")
    _found(query)
    bulk_id = hash128("bulk act over the api", someone.account_id, together.token).hex()
    reason = clean(together.reason)
    is_new = bulk.begin(bulk_id, change, actor_for(reason), account_id=someone.account_id)
    act = _act(bulk_id)
    if is_new:
        start(act, query, address=address_of(request))
        act = _act(bulk_id)
    return act


@offer(
    router, "GET", "together/{bulk_id}", needs=("customers.edit", *PERSON), answer=BulkAct,
    summary=gettext_noop("See how far an act on many customers is"),
)  # fmt: skip
def read_together(request: HttpRequest, bulk_id: RunId) -> BulkAct:
    return _act(bulk_id)


def _act(bulk_id: str) -> BulkAct:
    act = mounted().sources.bulk_acts.find(bulk_id)
    if act is None:
        raise NotFoundError
    return act


@offer(
    router, "POST", "journeys/{journey_id}/switch/{switch}", needs=("journeys.publish",), answer=JourneyLine, is_writing=True,
    summary=gettext_noop("Hold a journey, let it go on, stop it, take its last publishing back, or start a broadcast"),
)  # fmt: skip
def switch_a_journey(request: HttpRequest, journey_id: DefinitionId, switch: Switch) -> JourneyLine:
    """pause: nobody enters, whoever is under way finishes. stop: everybody leaves. undo: for ten minutes after publishing. start: everybody enters whom
    a broadcast is meant for now.
    """
    source = mounted().sources.journeys
    report = source.read_journey(journey_id)
    if report is None:
        raise NotFoundError
    if not switch_journey(request, report, switch):
        raise ImpossibleError("This is not possible with this journey, or not any more.")
    after = source.read_journey(journey_id)
    if after is None:
        raise NotFoundError
    return after.line


class HeldDecision(Body):
    """What becomes of messages on hold: of one, or of all that are on hold for the same reason and say the same."""

    message_id: Annotated[
        str, Field(max_length=64, pattern=r"^[0-9a-f]*$", description='One of them; "": all of the group.')
    ] = ""
    why: Why | None = None
    content_id: Name = ""
    journey_id: Name = ""
    decision: Decision = Field(
        description="send: judge it anew and send it if the rules allow. close: leave it as it is."
    )
    reason: Reason


class Decided(Body):
    """What was decided is on the customers' logs."""

    messages: int = Field(description="How many it settled, up to 500. What is past its validity is not sent.")


@offer(
    router,
    "GET",
    "held-messages",
    needs=("messages.see",),
    answer=HeldPage,
    summary=gettext_noop("List messages on hold"),
)
def list_held(request: HttpRequest) -> HeldPage:
    return mounted().sources.held.find_groups()


@offer(
    router, "POST", "held-messages/decide", needs=("messages.release",), answer=Decided, is_writing=True,
    summary=gettext_noop("Decide about messages on hold"),
)  # fmt: skip
def decide_held(request: HttpRequest, asked: HeldDecision) -> Decided:
    """Sent are only those that the contact rules allow: each is judged like any other message."""
    chosen = Chosen(
        message_id=asked.message_id, why=asked.why or "", content_id=clean(asked.content_id), journey_id=clean(asked.journey_id)
    )  # fmt: skip
    count = mounted().sources.held.decide(chosen, asked.decision, actor_for(clean(asked.reason)))
    which = asked.message_id or asked.content_id
    audit(request, AUDITED[asked.decision], "message", which, {"why": asked.why or "", "messages": count})
    return Decided(messages=count)


def _query(whom: Whom, pointer: str) -> CustomerQuery:
    """Whom it is about, as the list of customers asks.

    Raises:
        NotFoundError: there is no such filter.
        ConditionRefusedError: with the mistakes of the condition.
    """
    if whom.people:
        return CustomerQuery(people=tuple(dict.fromkeys(whom.people)))
    quick = {name: value for name in ("phase", "sub_state", "situation", "segment") if (value := getattr(whom, name))}
    rest: list[dict[str, Any]] = []
    if whom.filter_id:
        kept, rest_kept = split(_filter(whom.filter_id).condition)
        clash = kept.keys() & quick.keys()
        rest += [*rest_kept, *([_filter(whom.filter_id).condition] if clash else [])]
        quick = {**kept, **quick}
    if whom.condition is not None:
        check_condition(whom.condition, pointer=pointer)
        rest.append(whom.condition)
    condition = {"all": rest} if len(rest) > 1 else (rest[0] if rest else None)
    return CustomerQuery(view=whom.view or ("everybody" if quick else "known"), condition=condition, **quick)


def _found(query: CustomerQuery) -> CustomersFound:
    found = mounted().sources.customers.find_customers(query)
    if found.problem:
        raise ConditionRefusedError(f"{ConditionRefusedError.__doc__} {found.problem}: {found.problem_detail}")
    return found


def _change(together: Together) -> Change:
    where = ("body", "together")
    if together.act == "pause":
        here = zone(mounted().settings.zone)
        ahead = day_of(together.until) - here.day_number(mounted().clock_us()) if together.until is not None else 0
        if together.until is None or not 0 < ahead <= MOST_PAUSE_DAYS:
            raise ValidationError(
                [{"loc": (*where, "until"), "msg": f"From tomorrow to {MOST_PAUSE_DAYS} days from now."}]
            )
        return Change(act="pause", until_us=here.day_start_us(day_of(together.until)))
    if together.act == "resume":
        return Change(act="resume")
    if not is_usable_key(together.name) or not is_settable(together.name):
        raise ValidationError([{"loc": (*where, "name"), "msg": "No such value can be set for many."}])
    if not together.value:
        raise ValidationError([{"loc": (*where, "value"), "msg": "Give a value."}])
    return Change(act="set", name=together.name, value=together.value)


def _me() -> Viewer:
    someone = viewer()
    if someone is None:
        raise NotFoundError
    return someone
