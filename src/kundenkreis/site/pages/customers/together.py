"""Acts on many customers: look at what would happen to whom, say why, let it work, see what became of it with a door to everybody."""

import secrets
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.events.core.messages import is_usable_key
from kundenkreis.kernel.hashing import hash128
from kundenkreis.site.access import may, viewer
from kundenkreis.site.audit import address_of
from kundenkreis.site.bulk_runner import NEEDED, start
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.asked import Asked, read_asked
from kundenkreis.site.pages.customers.together_words import (
    act_words,
    button_words,
    door_words,
    further_words,
    limit_text,
    look_words,
    outcome_text,
    people_words,
    progress_words,
    too_many_text,
)
from kundenkreis.site.pages.customers.typed import (
    LONGEST_VALUE,
    Typed,
    actor_for,
    pause_days,
    read_typed,
    read_until_us,
)
from kundenkreis.site.ports.bulk_acts import Act, Change
from kundenkreis.site.profile_words import attribute_word, field_of
from kundenkreis.site.toasts import add_toast

NEW_VALUE: Final = "+"
"""The choice of a value that nobody has yet."""
_LONGEST_NAME: Final = 60
_TOKEN_BYTES: Final = 16


@never_cache
def pause(request: HttpRequest) -> HttpResponse:
    """No marketing for these people until a day, with the reason."""
    days = pause_days()
    typed = read_typed(request, until=days.usual)
    until_us = read_until_us(typed)
    change = Change(act="pause", until_us=until_us) if until_us is not None else None
    return _act(request, "pause", typed, change, days=days)


@never_cache
def resume(request: HttpRequest) -> HttpResponse:
    """Lift the pauses of these people, with the reason."""
    return _act(request, "resume", read_typed(request), Change(act="resume"))


@never_cache
def set_value(request: HttpRequest) -> HttpResponse:
    """Set one value of the profile for all of these people, with the reason."""
    names = _values_to_set()
    typed = read_typed(request, name="", new="", value="")
    typed.values["value"] = typed.values["value"][:LONGEST_VALUE]
    name = _read_name(typed, {value for value, _label in names if value})
    if not typed.values["value"]:
        typed.errors["value"] = _("Give a value.")
    change = Change(act="set", name=name, value=typed.values["value"]) if not typed.errors else None
    return _act(request, "set", typed, change, names=names)


@never_cache
def show_act(request: HttpRequest, bulk_id: str) -> HttpResponse:
    """How far an act on many is, and what became of whom."""
    act = mounted().sources.bulk_acts.find(bulk_id)
    if act is None:
        raise Http404
    context = {
        "act": act,
        "words": act_words(act.change),
        "outcome": outcome_text(act.change),
        "too_many": too_many_text(),
        "progress_text": progress_words(act),
        "doors": [door_words(act, fate) for fate in ("done", "as_is", "several", "gone") if act.fates[fate] or fate == "done"],
        "handled": act.total - act.fates["pending"],
        "is_waiting": not act.is_resting and (act.state in ("gathering", "at_work") or (act.state == "done" and not act.is_shown)),
        "undo": f"?everybody=1&figure=bulk.{bulk_id}.done" if act.change.act == "pause" and act.fates["done"] else "",
    }  # fmt: skip
    return render(request, "customers/together.html", context)


def go_on(request: HttpRequest, bulk_id: str) -> HttpResponse:
    """Take up an act that nobody works on any more; one that does not know yet whom it concerns ends."""
    bulk = mounted().sources.bulk_acts
    act = bulk.find(bulk_id)
    if act is None:
        raise Http404
    if act.is_resting and act.state == "gathering":
        bulk.stop(bulk_id)
    elif bulk.take_up(bulk_id):
        start(act, None, address=address_of(request))
    return redirect("customers_together", bulk_id=bulk_id)


def _act(request: HttpRequest, act: Act, typed: Typed, change: Change | None, **more: Any) -> HttpResponse:
    """The page that asks, and what it is sent: `look` asks for the numbers again, anything else for the act."""
    asked = read_asked(request, mounted().sources.customers.saved_filters())
    if not asked.people and "everybody" not in request.GET:
        add_toast(request, _("Choose people in the list first."), tone="calm")
        return redirect("customers")
    is_sent = request.method == "POST" and "look" not in request.POST
    if not is_sent:
        typed.errors.clear()
    else:
        typed.require_reason()
        if change is not None and not typed.errors:
            return _begin(request, asked, change, typed.values["reason"])
    look = mounted().sources.bulk_acts.look(asked.query(), change)
    context = {
        "act": act,
        "words": act_words(change or Change(act=act)),
        "typed": typed,
        "look": look,
        "lines": look_words(look, change) if change is not None else [],
        "limit": limit_text(look) if look.is_too_many else "",
        "whom_link": f"{reverse('customers')}{asked.link()}",
        "figure": asked.found_figure,
        "further": further_words(look),
        "how_many": people_words(look),
        "will_change": look.fates.get("done", 0),
        "button": button_words(act, look),
        "token": _token(request),
        **more,
    }
    return render(request, "customers/together_form.html", context, status=422 if typed.errors else 200)


def _begin(request: HttpRequest, asked: Asked, change: Change, reason: str) -> HttpResponse:
    someone, bulk = viewer(), mounted().sources.bulk_acts
    if someone is None or not may(*NEEDED[change.act]):
        raise Http404
    # The form's token and the account make the name of the act: what is sent twice happens once, and nobody takes another's.
    bulk_id = hash128("bulk act", someone.account_id, _token(request)).hex()
    if bulk.begin(bulk_id, change, actor_for(reason), account_id=someone.account_id):
        act = bulk.find(bulk_id)
        if act is not None:
            start(act, asked.query(), address=address_of(request))
    return redirect("customers_together", bulk_id=bulk_id)


def _token(request: HttpRequest) -> str:
    return request.POST.get("token", "")[:64] or secrets.token_urlsafe(_TOKEN_BYTES)


def _values_to_set() -> list[tuple[str, str]]:
    """Names of values that may be set for many, with their words: none that names a single person."""
    attributes = mounted().sources.customers.read_choices().single
    known = sorted(
        ((name, attribute_word(name)) for name in attributes if is_settable(name)), key=lambda one: one[1].casefold()
    )
    return [("", _("Choose …")), *known, (NEW_VALUE, _("A new value …"))]


def is_settable(name: str) -> bool:
    """Whether a value may be set for many by this viewer: none that names a single person."""
    kind = field_of(name)
    return (
        is_usable_key(name)
        and kind not in ("name", "email", "phone")
        and (kind != "sensitive" or may("personal.sensitive"))
    )


def _read_name(typed: Typed, known: set[str]) -> str:
    """Which value is meant; "", with what is wrong, if none can be."""
    name = typed.values["name"]
    if name != NEW_VALUE:
        if name not in known:
            typed.errors["name"] = _("Choose a value.")
        return name if name in known else ""
    new = typed.values["new"][:_LONGEST_NAME]
    if not new:
        typed.errors["new"] = _("Give it a name.")
    elif not is_settable(new):
        typed.errors["new"] = _("This name is taken by a value that belongs to one person, or cannot be used.")
    return "" if typed.errors else new
