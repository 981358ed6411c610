"""Settings > Audit log: who saw, changed and exported what. Newest first, filtered, paged by position."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.zones import from_datetime
from kundenkreis.site import formats
from kundenkreis.site.audit import ACTIONS, KINDS
from kundenkreis.site.audit_words import action_word, action_words, detail_words, kind_words, object_path, object_words
from kundenkreis.site.models import Account, AuditEntry

PAGE_SIZE = 50
_LARGEST_ID = (1 << 63) - 1


@never_cache
def show_log(request: HttpRequest) -> HttpResponse:
    """Entries that match `actor`, `action`, `kind`, `id`, `from` and `to`, from `cursor` on."""
    asked = request.GET
    found = _matching(request)
    if before := _number(asked.get("cursor", "")):
        found = found.filter(id__lt=before)
    entries = list(found.order_by("-id")[: PAGE_SIZE + 1])
    rows = [
        {
            "entry": each,
            "who": each.actor_name or _("somebody not signed in"),
            "what": action_word(each.action),
            "object": object_words(each),
            "href": object_path(each),
            "when": formats.to_the_second(from_datetime(each.at)),
            "details": detail_words(each),
        }
        for each in entries[:PAGE_SIZE]
    ]
    everybody = [(str(each.pk), each.shown_name) for each in Account.objects.order_by("name", "email", "id")]
    context = {
        "rows": rows,
        "next_cursor": str(entries[PAGE_SIZE - 1].pk) if len(entries) > PAGE_SIZE else "",
        "asked": {name: asked.get(name, "") for name in ("actor", "action", "kind", "id", "from", "to")},
        "is_filtered": any(asked.get(name) for name in ("actor", "action", "kind", "id", "from", "to")),
        "actors": [("", _("everybody")), *everybody],
        "actions": [("", _("everything")), *sorted(action_words().items(), key=lambda pair: pair[1])],
        "kinds": [("", _("anything")), *sorted(kind_words().items(), key=lambda pair: pair[1])],
    }
    return render(request, "settings/audit_log.html", context)


def _matching(request: HttpRequest) -> QuerySet[AuditEntry]:
    """What the filters ask for; a filter that cannot be read does not filter."""
    asked, found = request.GET, AuditEntry.objects.all()
    if actor := _number(asked.get("actor", "")):
        found = found.filter(actor_id=actor)
    if (action := asked.get("action", "")) in ACTIONS:
        found = found.filter(action=action)
    if (kind := asked.get("kind", "")) in KINDS:
        found = found.filter(object_kind=kind)
    if object_id := "".join(sign for sign in asked.get("id", "") if sign.isprintable()).strip()[:200]:
        found = found.filter(object_id=object_id)
    if begin := _day(asked.get("from", "")):
        found = found.filter(at__gte=begin)
    if end := _day(asked.get("to", "")):
        found = found.filter(at__lt=end + timedelta(days=1))
    return found


def _number(text: str) -> int:
    """A positive number that a column can hold, else 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST_ID else 0


def _day(text: str) -> datetime | None:
    """The beginning of a day in the installation's zone."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - the zone follows
        return timezone.make_aware(day)
    except (ValueError, OverflowError):
        return None
