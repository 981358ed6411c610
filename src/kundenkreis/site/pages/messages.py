"""Messages: every one ever decided about, with its verdict and what became of it; sending by channel and receiving domain."""

from collections.abc import Mapping
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from kundenkreis.kernel.zones import HOUR, day_of, zone
from kundenkreis.site import message_words, verdict_words, words
from kundenkreis.site.access import may
from kundenkreis.site.formats import language
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.mailbox import SANDBOX, view_of
from kundenkreis.site.ports.decided import FATES, DecidedQuery
from kundenkreis.site.ports.start import SPANS_HOURS

PAGE_SIZE = 50
_LONGEST = 200


@require_safe
def show_list(request: HttpRequest) -> HttpResponse:
    """Decided messages, newest first, narrowed by what the address says."""
    query = _query(request)
    source = mounted().sources.decided
    found = source.find_messages(query)
    names = source.names()
    context = {
        "query": query,
        "day": _day(request),
        "hours": request.GET.get("hours", "") if query.since_us and not _day(request) else "",
        "found": found,
        "tab": "messages",
        "rows": [
            (line, called(names.contents, line.content_id), called(names.journeys, line.journey_id))
            for line in found.lines
        ],
        "count": message_words.stretch_words(len(found.lines)),
        "is_narrowed": query != DecidedQuery(cursor=query.cursor, limit=PAGE_SIZE),
        "fates": [("", _("any status")), *((each, message_words.fate_word(each)) for each in FATES)],
        "reasons": [("", _("any reason")), *message_words.rule_words().items()],
        "journeys": [("", _("any journey")), *((each, called(names.journeys, each)) for each in names.journeys)],
    }
    return render(request, "messages/list.html", context)


def called(names: Mapping[str, Mapping[str, str]], id_: str) -> str:
    """A name in the viewer's language, else in the first there is, else the id."""
    words = names.get(id_) or {}
    return words.get(language()) or next(iter(words.values()), id_)


def _query(request: HttpRequest) -> DecidedQuery:
    asked = {
        name: _clean(request.GET.get(name, ""))
        for name in ("q", "fate", "reason", "outcome", "journey", "channel", "content", "cursor")
    }
    day = _day(request)
    here = zone(mounted().settings.zone)
    return DecidedQuery(
        text=asked["q"] if may("personal.see") else "",  # or the search would tell what the list masks
        fate=asked["fate"] if asked["fate"] in FATES else "",
        reason=asked["reason"],
        outcome=asked["outcome"],
        journey_id=asked["journey"],
        channel=asked["channel"],
        content_id=asked["content"],
        since_us=here.day_start_us(day_of(day)) if day else _since_us(request.GET.get("hours", "")),
        until_us=here.day_start_us(day_of(day) + 1) if day else None,
        cursor=asked["cursor"],
        limit=PAGE_SIZE,
    )


def _since_us(hours: str) -> int:
    """The begin of so many hours, as the figures of sending count them; 0 for any other answer."""
    return mounted().clock_us() - int(hours) * HOUR if hours in {str(one) for one in SPANS_HOURS} else 0


def _clean(text: str) -> str:
    # Control characters match nothing, and PostgreSQL takes no zero in a text.
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:_LONGEST]


def _day(request: HttpRequest) -> date | None:
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
    return day if 1970 < day.year < 2100 else None


@require_safe
def show_message(request: HttpRequest, message_id: str) -> HttpResponse:
    """One message: its verdict on top, what became of it, and the message as it was sent."""
    decided = mounted().sources.decided.find_message(message_id)
    if decided is None:
        raise Http404
    sent = decided.sent if may("personal.see") else None
    view = view_of(request, sent) if sent else ""
    held = mounted().sources.held.find_one(message_id)
    verdict, earlier = verdict_words.describe_verdicts(decided.verdicts)
    context = {
        "decided": decided,
        "line": decided.line,
        "title": called(mounted().sources.decided.names().contents, decided.line.content_id),
        "has_answered": decided.line.fate in ("open", "bounced", "uncertain") and bool(decided.reply),
        "customer_href": customer_path(decided.line.profile_id),
        "message": sent,
        "is_hidden": decided.sent is not None and sent is None,
        "is_uncertain": decided.line.fate == "uncertain",
        "held": held,
        "held_why": message_words.held_word(held.why) if held is not None else "",
        "verdict": verdict,
        "earlier": earlier,
        "names": mounted().sources.decided.names(),
        "view": view,
        "views": [(name, label) for name, label in words.view_names() if name != "html" or (sent and sent.html)],
        "sandbox": SANDBOX,
    }
    return render(request, "messages/message.html", context)


def customer_path(profile_id: int) -> str:
    """Where somebody's page is; "" where the viewer may not see it."""
    try:
        return reverse("customer", args=[profile_id]) if may("customers.see") else ""
    except NoReverseMatch:
        return ""
