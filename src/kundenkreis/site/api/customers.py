"""Customers over the API: the list, one person with everything, and the acts on one."""

from dataclasses import replace
from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Query, Router
from ninja.errors import ValidationError
from pydantic import Field

from kundenkreis.kernel.zones import day_of, zone
from kundenkreis.site.api.conditions import Condition, check_condition
from kundenkreis.site.api.errors import ConditionRefusedError, ImpossibleError, NotFoundError
from kundenkreis.site.api.fields import Body, Cursor, Limit, Name, ProfileId, Reason, Text, Value, clean
from kundenkreis.site.api.offers import PERSON, offer, require
from kundenkreis.site.audit import audit, audit_view
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.typed import MOST_PAUSE_DAYS, actor_for
from kundenkreis.site.personal import personal
from kundenkreis.site.ports.customer import Customer, TimelinePage, TimelinePart
from kundenkreis.site.ports.customer_acts import MergePreview
from kundenkreis.site.ports.customers import CustomerQuery, CustomersFound, Sort, View
from kundenkreis.site.profile_words import field_of

router = Router(tags=["customers"])


class Asked(Body):
    """What the list is narrowed to. Everything given must hold."""

    text: Text = Field("", description="Beginnings of names, addresses, numbers; any four digits of a phone number.")
    view: View = "known"
    phase: Name = ""
    sub_state: Name = ""
    situation: Name = ""
    segment: Name = ""
    sort: Sort = "-seen"
    cursor: Cursor = Field("", description="`next_cursor` of the stretch before.")
    limit: Limit = 50


class AskedWithCondition(Asked):
    """The same with any condition as segments are made of."""

    condition: Condition


class Done(Body):
    """What was done is on the customer's log."""

    is_shown: bool = Field(description="Reading the customer shows it already; false: in a moment.")


class Why(Body):
    """Why somebody is in a segment or phase or has a score."""

    explanation: dict[str, Any] = Field(description="As in docs/reference/explain.md.")


class Correction(Body):
    """A value of the profile put right."""

    name: Name
    value: Value
    reason: Reason


class Pause(Body):
    """No marketing until a day."""

    until: date = Field(description="From tomorrow to 90 days from now.")
    reason: Reason


class Because(Body):
    """An act that needs nothing but its reason."""

    reason: Reason


class Joining(Body):
    """Which record is joined into the one of the address."""

    joined_id: ProfileId
    reason: Reason


@offer(router, "GET", "customers", needs=PERSON, answer=CustomersFound, summary=gettext_noop("List customers"))
def list_customers(request: HttpRequest, asked: Query[Asked]) -> CustomersFound:
    return _find(CustomerQuery(**asked.model_dump()))


@offer(
    router, "POST", "customers/query", needs=PERSON, answer=CustomersFound,
    summary=gettext_noop("List customers for whom a condition holds"),
)  # fmt: skip
def query_customers(request: HttpRequest, asked: AskedWithCondition) -> CustomersFound:
    check_condition(asked.condition, pointer="condition")
    return _find(CustomerQuery(**asked.model_dump()))


def _find(query: CustomerQuery) -> CustomersFound:
    found = mounted().sources.customers.find_customers(query)
    if found.problem:
        raise ConditionRefusedError(f"{ConditionRefusedError.__doc__} {found.problem}: {found.problem_detail}")
    return found


@offer(router, "GET", "customers/{profile_id}", needs=PERSON, answer=Customer, summary=gettext_noop("Read a customer"))
def read_customer(request: HttpRequest, profile_id: ProfileId) -> Customer:
    """Whoever was joined into another record is answered as that one."""
    customer = _load(profile_id)
    audit_view(request, "customer", customer.profile_id)
    values = tuple(replace(one, text=personal(one.text, field_of(one.name))) for one in customer.values)
    return replace(customer, values=values)


@offer(
    router, "GET", "customers/{profile_id}/timeline", needs=PERSON, answer=TimelinePage,
    summary=gettext_noop("Read what happened, newest first"),
)  # fmt: skip
def read_timeline(
    request: HttpRequest, profile_id: ProfileId, part: TimelinePart = "all", cursor: Cursor = "", limit: Limit = 50
) -> TimelinePage:
    customer = _load(profile_id)
    audit_view(request, "customer", customer.profile_id)
    return mounted().sources.customer.read_timeline(customer.profile_id, part, cursor=cursor, limit=limit)


@offer(
    router, "GET", "customers/{profile_id}/why/{kind}/{name}", needs=PERSON, answer=Why,
    summary=gettext_noop("Ask why somebody is in a segment or phase, or has a score"),
)  # fmt: skip
def explain_customer(
    request: HttpRequest, profile_id: ProfileId, kind: Literal["segment", "phase", "score"], name: Name
) -> Why:
    customer = _load(profile_id)
    audit_view(request, "customer", customer.profile_id)
    found = mounted().sources.customer.explain(customer.profile_id, kind, name)
    if found is None:
        raise NotFoundError
    return Why(explanation=found)


@offer(
    router, "POST", "customers/{profile_id}/correct", needs=("customers.edit", *PERSON), answer=Done, is_writing=True,
    summary=gettext_noop("Correct a value of the profile"),
)  # fmt: skip
def correct_customer(request: HttpRequest, profile_id: ProfileId, correction: Correction) -> Done:
    if field_of(correction.name) == "sensitive":
        require("personal.sensitive")
    customer = _load(profile_id)
    if not any(one.name == correction.name and one.is_editable for one in customer.values):
        raise ImpossibleError("The profile has no such value, or it is corrected where it comes from.")
    if correction.name == "email" and correction.value and ("@" not in correction.value or " " in correction.value):
        raise ImpossibleError("This is no e-mail address.")
    is_shown = mounted().sources.customer_acts.correct_value(
        customer.profile_id, correction.name, correction.value, actor_for(clean(correction.reason))
    )
    audit(request, "changed", "customer", customer.profile_id, {"fields": [correction.name]})
    return Done(is_shown=is_shown)


@offer(
    router, "POST", "customers/{profile_id}/pause", needs=("customers.edit", *PERSON), answer=Done, is_writing=True,
    summary=gettext_noop("Pause marketing until a day"),
)  # fmt: skip
def pause_customer(request: HttpRequest, profile_id: ProfileId, pause: Pause) -> Done:
    customer = _load(profile_id)
    here = zone(mounted().settings.zone)
    ahead = day_of(pause.until) - here.day_number(mounted().clock_us())
    if not 0 < ahead <= MOST_PAUSE_DAYS:
        where = ("body", "pause", "until")
        raise ValidationError([{"loc": where, "msg": f"From tomorrow to {MOST_PAUSE_DAYS} days from now."}])
    is_shown = mounted().sources.customer_acts.pause_marketing(
        customer.profile_id, here.day_start_us(day_of(pause.until)), actor_for(clean(pause.reason))
    )
    audit(request, "paused", "customer", customer.profile_id, {"until": pause.until.isoformat()})
    return Done(is_shown=is_shown)


@offer(
    router, "POST", "customers/{profile_id}/resume", needs=("customers.edit", *PERSON), answer=Done, is_writing=True,
    summary=gettext_noop("Lift a pause of marketing"),
)  # fmt: skip
def resume_customer(request: HttpRequest, profile_id: ProfileId) -> Done:
    customer = _load(profile_id)
    is_shown = mounted().sources.customer_acts.resume_marketing(customer.profile_id, actor_for(""))
    audit(request, "resumed", "customer", customer.profile_id)
    return Done(is_shown=is_shown)


@offer(
    router, "POST", "customers/{profile_id}/messages/{message_id}/stop", needs=("messages.stop", *PERSON), answer=Done,
    is_writing=True, summary=gettext_noop("Take back a planned message"),
)  # fmt: skip
def stop_customer_message(request: HttpRequest, profile_id: ProfileId, message_id: Name, because: Because) -> Done:
    customer = _load(profile_id)
    if not any(one.message_id == message_id for one in customer.planned):
        raise NotFoundError
    is_shown = mounted().sources.customer_acts.stop_message(
        customer.profile_id, message_id, actor_for(clean(because.reason))
    )
    audit(request, "stopped", "message", message_id, {"customer": customer.profile_id})
    return Done(is_shown=is_shown)


@offer(
    router, "GET", "customers/{profile_id}/merge/{joined_id}", needs=("customers.merge", *PERSON), answer=MergePreview,
    summary=gettext_noop("See what joining two records would make"),
)  # fmt: skip
def preview_merge(request: HttpRequest, profile_id: ProfileId, joined_id: ProfileId) -> MergePreview:
    return _preview(_load(profile_id), joined_id)


@offer(
    router, "POST", "customers/{profile_id}/merge", needs=("customers.merge", *PERSON), answer=Done, is_writing=True,
    summary=gettext_noop("Join a record into this one"),
)  # fmt: skip
def merge_customer(request: HttpRequest, profile_id: ProfileId, joining: Joining) -> Done:
    customer = _load(profile_id)
    joined_id = _preview(customer, joining.joined_id).joined.profile_id
    is_shown = mounted().sources.customer_acts.merge(customer.profile_id, joined_id, actor_for(clean(joining.reason)))
    audit(request, "merged", "customer", customer.profile_id, {"joined": joined_id})
    return Done(is_shown=is_shown)


def _preview(customer: Customer, joined_id: int) -> MergePreview:
    preview = mounted().sources.customer_acts.preview_merge(customer.profile_id, joined_id)
    if preview is None:
        raise ImpossibleError("These two cannot be joined. The record that stays needs a customer number.")
    return preview


def _load(profile_id: int) -> Customer:
    customer = mounted().sources.customer.find_customer(profile_id)
    if customer is None:
        raise NotFoundError
    return customer
