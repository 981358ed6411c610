"""Acts on one customer: correct a value, pause marketing, stop a message, join two records. Each asks why, and each is audited."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.ids import profile_id_in
from kundenkreis.site.audit import audit
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.page import head_context, load_customer
from kundenkreis.site.pages.customers.typed import (
    LONGEST_REASON,
    LONGEST_VALUE,
    Typed,
    actor_for,
    pause_days,
    read_typed,
    read_until_us,
)
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.personal import sees_whole
from kundenkreis.site.ports.customer import Customer, PlannedMessage
from kundenkreis.site.ports.customers import CustomerQuery
from kundenkreis.site.profile_words import attribute_word, field_of
from kundenkreis.site.toasts import add_toast

_MOST_FOUND: Final = 8


def _done(request: HttpRequest, customer: Customer, text: str, *, is_shown: bool, tab: str = "") -> HttpResponse:
    add_toast(request, text if is_shown else _("%(text)s The page shows it in a moment.") % {"text": text})
    response = redirect("customer", profile_id=customer.profile_id)
    response["Location"] += tab
    return response


def _form(request: HttpRequest, customer: Customer, typed: Typed, template: str, **more: Any) -> HttpResponse:
    context = {**head_context(customer), "typed": typed, **more}
    return render(request, f"customers/{template}.html", context, status=422 if typed.errors else 200)


@never_cache
def correct_value(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Set one value of the profile, with the reason; `name` says which."""
    customer = load_customer(profile_id)
    name = request.POST.get("name") or request.GET.get("name") or ""
    held = next((one for one in customer.values if one.name == name and one.is_editable), None)
    if held is None or not sees_whole(field_of(name)):
        raise Http404
    typed = read_typed(request, value=held.text)
    if request.method == "POST":
        typed.require_reason()
        value = typed.values["value"][:LONGEST_VALUE]
        if name == "email" and value and ("@" not in value or " " in value):
            typed.errors["value"] = _("This is no e-mail address.")
        elif value == held.text:
            typed.errors["value"] = _("That is what stands there already.")
        if not typed.errors:
            is_shown = mounted().sources.customer_acts.correct_value(
                customer.profile_id, name, value, actor_for(typed.values["reason"])
            )
            audit(request, "changed", "customer", customer.profile_id, {"fields": [name]})
            return _done(request, customer, _("Corrected."), is_shown=is_shown, tab="?tab=profile")
    return _form(request, customer, typed, "act_correct", name=name, label=attribute_word(name))


@never_cache
def pause(request: HttpRequest, profile_id: int) -> HttpResponse:
    """No marketing until a day, with the reason; ends by itself, at the latest after 90 days."""
    customer = load_customer(profile_id)
    days = pause_days()
    typed = read_typed(request, until=days.usual)
    if request.method == "POST":
        typed.require_reason()
        until_us = read_until_us(typed)
        if until_us is not None and not typed.errors:
            is_shown = mounted().sources.customer_acts.pause_marketing(
                customer.profile_id, until_us, actor_for(typed.values["reason"])
            )
            audit(request, "paused", "customer", customer.profile_id, {"until": typed.values["until"]})
            return _done(request, customer, _("Marketing is paused."), is_shown=is_shown)
    return _form(request, customer, typed, "act_pause", days=days)


def resume(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Lift a pause."""
    customer = load_customer(profile_id)
    is_shown = mounted().sources.customer_acts.resume_marketing(customer.profile_id, actor_for(""))
    audit(request, "resumed", "customer", customer.profile_id)
    return _done(request, customer, _("Marketing may go on."), is_shown=is_shown)


@never_cache
def stop_message(request: HttpRequest, profile_id: int, message_id: str) -> HttpResponse:
    """Take back one planned message, with the reason."""
    customer = load_customer(profile_id)
    planned: PlannedMessage | None = next((one for one in customer.planned if one.message_id == message_id), None)
    if planned is None:
        raise Http404
    typed = read_typed(request)
    if request.method == "POST":
        typed.require_reason()
        if not typed.errors:
            is_shown = mounted().sources.customer_acts.stop_message(
                customer.profile_id, message_id, actor_for(typed.values["reason"])
            )
            audit(request, "stopped", "message", message_id, {"customer": customer.profile_id})
            return _done(request, customer, _("The message is stopped."), is_shown=is_shown)
    return _form(request, customer, typed, "act_stop", planned=planned, what=said(planned.content))


@never_cache
def merge(request: HttpRequest, profile_id: int) -> HttpResponse:
    """Find the other record (`q`), look at what the two would become (`with`), and join them."""
    customer = load_customer(profile_id)
    acts, typed = mounted().sources.customer_acts, read_typed(request)
    other = request.POST.get("with") or request.GET.get("with") or ""
    preview = acts.preview_merge(customer.profile_id, number) if (number := profile_id_in(other)) else None
    if other and preview is None:
        typed.errors["with"] = _("These two cannot be joined. The record that stays needs a customer number.")
    if request.method == "POST" and preview is not None:
        typed.require_reason()
        if not typed.errors:
            joined_id = preview.joined.profile_id
            is_shown = acts.merge(customer.profile_id, joined_id, actor_for(typed.values["reason"]))
            audit(request, "merged", "customer", customer.profile_id, {"joined": joined_id})
            return _done(request, customer, _("The two records are one."), is_shown=is_shown)
    query = request.GET.get("q", "").strip()[:LONGEST_REASON]
    found = mounted().sources.customers.find_customers(CustomerQuery(text=query, limit=_MOST_FOUND)) if query else None
    lines = [line for line in found.lines if line.profile_id != customer.profile_id] if found is not None else []
    return _form(request, customer, typed, "act_merge", preview=preview, query=query, found=lines)
