"""The page of one customer: eight seconds of head, then one timeline, and behind tabs everything with where it comes from."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.kernel.ids import MOST_PROFILE_ID
from kundenkreis.site.audit import audit_view
from kundenkreis.site.condition_words import reason_lines
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.words import (
    describe_channel,
    describe_entry,
    name_of,
    part_word,
    said,
    situation_tone,
    why_heading,
)
from kundenkreis.site.ports.customer import TIMELINE_PARTS, Customer, Stay, TimelinePart

TIMELINE_SIZE: Final = 25
TABS: Final = ("timeline", "profile", "consent", "orders", "circle")


def load_customer(profile_id: int) -> Customer:
    """The customer of this id, or of the record it was joined into.

    Raises:
        Http404: there is nobody of this id.
    """
    customer = mounted().sources.customer.find_customer(profile_id) if profile_id <= MOST_PROFILE_ID else None
    if customer is None:
        raise Http404
    return customer


def person_of(customer: Customer) -> str:
    """How the page calls this person."""
    return name_of(customer.name, customer.email, customer.number, customer.profile_id)


@never_cache
def show_customer(request: HttpRequest, profile_id: int) -> HttpResponse:
    """One customer. Whoever was joined into another record is shown there."""
    customer = load_customer(profile_id)
    if customer.profile_id != profile_id:
        return redirect("customer", profile_id=customer.profile_id)
    audit_view(request, "customer", profile_id)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "timeline"
    context: dict[str, Any] = {"tab": tab, **head_context(customer)}
    if tab == "timeline":
        context |= _timeline(request, profile_id, context["person"])
    if tab == "circle":
        context["score_rules"] = _score_rules(customer)
        context["phases"] = [(stay, reason_lines(stay.reason)) for stay in customer.phases]
        context["segments"] = [(stay, reason_lines(stay.reason)) for stay in customer.segments]
    return render(request, "customers/page.html", context)


def head_context(customer: Customer) -> dict[str, Any]:
    """What the head shows, on this page and on those for acts."""
    person = person_of(customer)
    coming = [one for one in customer.planned if not one.is_waiting]
    return {
        "customer": customer,
        "person": person,
        "channels": [describe_channel(one) for one in customer.channels],
        "situations": [(one, said(one.named), situation_tone(one.named.id)) for one in customer.situations],
        "place_reason": reason_lines(customer.place_reason),
        "next_message": coming[0] if coming else None,
        "last_contact": describe_entry(customer.last_contact, person) if customer.last_contact is not None else None,
        "runs": [one for one in customer.runs if not one.is_only_measured],
    }


def _score_rules(customer: Customer) -> dict[str, dict[str, Any]]:
    """Score -> rule id -> the rule as it is in force; read only where somebody has a ledger."""
    if not any(one.entries for one in customer.scores):
        return {}
    scores = in_force(mounted().sources.publisher).of("score")
    return {name: {rule["id"]: rule for rule in one.body.get("rules") or ()} for name, one in scores.items()}


@never_cache
def show_timeline(request: HttpRequest, profile_id: int) -> HttpResponse:
    """The next stretch of the timeline, for the page to take in; opened by itself it leads to the page."""
    customer = load_customer(profile_id)
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('customer', args=[profile_id])}?{request.GET.urlencode()}")
    context = {"customer": customer, **_timeline(request, profile_id, person_of(customer))}
    return render(request, "customers/moments.html", context)


def _timeline(request: HttpRequest, profile_id: int, person: str) -> dict[str, Any]:
    part: TimelinePart = next((one for one in TIMELINE_PARTS if one == request.GET.get("part")), "all")
    page = mounted().sources.customer.read_timeline(
        profile_id, part, cursor=request.GET.get("cursor", ""), limit=TIMELINE_SIZE
    )
    return {
        "part": part,
        "parts": [(one, part_word(one)) for one in TIMELINE_PARTS],
        "entries": [describe_entry(one, person) for one in page.entries],
        "next_cursor": page.next_cursor,
    }


@never_cache
def show_why(request: HttpRequest, profile_id: int, kind: str, name: str) -> HttpResponse:
    """Why somebody is in a segment or phase, or has a score, as of now: folded anew from the log, with the whole history."""
    customer = load_customer(profile_id)
    answer = mounted().sources.customer.explain(customer.profile_id, kind, name) if kind in _WHY_KINDS else None
    if answer is None:
        raise Http404
    stays = [stay for stay in (*customer.segments, *customer.left_segments, *customer.phases) if _is(stay, kind, name)]
    score = next((one for one in customer.scores if kind == "score" and one.named.id == name), None)
    what = said(stays[0].named) if stays and kind == "segment" else said(score.named) if score else name
    context = {
        **head_context(customer),
        "answer": answer,
        "heading": why_heading(kind, person_of(customer), what, answer.get("answer")),
        "kind": kind,
        "lines": reason_lines(answer.get("reason") or {}),
        "sub_lines": reason_lines(answer.get("sub_reason") or {}),
        "stays": [(stay, reason_lines(stay.reason)) for stay in stays],
        "what": what,
        "score": score,
        "score_rules": _score_rules(customer) if score is not None else {},
    }
    return render(request, "customers/why.html", context)


_WHY_KINDS: Final = ("segment", "phase", "score")


def _is(stay: Stay, kind: str, name: str) -> bool:
    return (
        stay.kind == kind == "segment" and stay.named.id == name
        if kind != "phase"
        else stay.kind in ("phase", "sub_state")
    )
