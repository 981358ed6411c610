"""Events: what is coming in, live; one event as it came; the quarantine with its reasons, and its way back in."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from kundenkreis.kernel.ids import profile_id_in
from kundenkreis.site.access import may
from kundenkreis.site.audit import audit, audit_view
from kundenkreis.site.formats import number as in_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.messages import customer_path
from kundenkreis.site.ports.events import EventQuery
from kundenkreis.site.special_categories import without_special_categories
from kundenkreis.site.toasts import add_toast

PAGE_SIZE = 50
_LONGEST = 200


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:_LONGEST]


@require_safe
def show_stream(request: HttpRequest) -> HttpResponse:
    """The newest events; the page renews them by itself until somebody pauses it (`paused`)."""
    asked = {
        name: _clean(request.GET.get(name, "")) for name in ("name", "source", "customer", "all", "cursor", "paused")
    }
    query = EventQuery(
        name=asked["name"],
        source=asked["source"],
        profile_id=profile_id_in(asked["customer"]) if asked["customer"] else None,
        with_derived=bool(asked["all"]),
        cursor=asked["cursor"],
        limit=PAGE_SIZE,
    )
    found = mounted().sources.events.find_events(query)
    is_live = not asked["paused"] and not asked["cursor"]
    kept = {name: value for name, value in asked.items() if value and name not in ("cursor", "paused")}
    context = {
        "query": query,
        "asked": asked,
        "found": found,
        "rows": [(line, customer_path(line.profile_id)) for line in found.lines],
        "is_live": is_live,
        "here": f"?{urlencode(kept)}",
        "other": f"?{urlencode(kept if not is_live else kept | {'paused': '1'})}",
    }
    return render(request, "events/stream.html", context)


@require_safe
def show_event(request: HttpRequest, number: int) -> HttpResponse:
    """One event with everything that came with it."""
    event = mounted().sources.events.find_event(number) if number < 1 << 62 else None
    if event is None:
        raise Http404
    audit_view(request, "event", number)
    context = {
        "event": event,
        "customer_href": customer_path(event.line.profile_id),
        "shows_body": may("personal.see"),
        "body": without_special_categories(event.body),
    }
    return render(request, "events/event.html", context)


@require_safe
def show_quarantine(request: HttpRequest) -> HttpResponse:
    """What could not be understood, with the reason."""
    found = mounted().sources.events.find_set_aside(cursor=_clean(request.GET.get("cursor", "")), limit=PAGE_SIZE)
    count = ngettext("%(count)s event set aside", "%(count)s events set aside", found.total) % {
        "count": in_words(found.total)
    }
    rows = [(one, without_special_categories(one.raw)) for one in found.lines]
    context = {"found": found, "rows": rows, "count": count, "shows_raw": may("personal.see")}
    return render(request, "events/quarantine.html", context)


@require_POST
def replay(request: HttpRequest) -> HttpResponse:
    """Send what is named (`id`), or everything, in again."""
    asked = request.POST.getlist("id")
    ids = tuple(int(one) for one in asked if one.isascii() and one.isdigit() and len(one) <= 18)
    if asked and not ids:
        raise Http404
    sent = mounted().sources.events.replay(ids)
    audit(request, "replayed", "quarantine", details={"events": sent})
    add_toast(
        request,
        ngettext("%(count)s event is on its way in again.", "%(count)s events are on their way in again.", sent)
        % {"count": in_words(sent)},
        tone="good" if sent else "calm",
    )
    return redirect("quarantine")
