"""Messages that were put aside: what waits for a person, and the decision about it."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kundenkreis.site.audit import audit
from kundenkreis.site.formats import number
from kundenkreis.site.message_words import held_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.typed import actor_for, read_typed
from kundenkreis.site.pages.messages import called
from kundenkreis.site.ports.held import AUDITED, MOST_AT_ONCE, Chosen, Decision, HeldGroup
from kundenkreis.site.toasts import add_toast

_LONGEST = 200


@require_safe
def show_held(request: HttpRequest) -> HttpResponse:
    """What waits, by why and what it says."""
    page, names = mounted().sources.held.find_groups(), mounted().sources.decided.names()
    rows = [
        {
            "group": group,
            "why": held_word(group.why),
            "content": called(names.contents, group.content_id),
            "journey": called(names.journeys, group.journey_id),
        }
        for group in page.groups
    ]
    return render(request, "messages/held.html", {"tab": "held", "rows": rows, "is_all": page.is_all})


@never_cache
def decide(request: HttpRequest) -> HttpResponse:
    """Send one message or a group of them after all, or leave them as they are; with the reason."""
    chosen = _chosen(request.POST if request.method == "POST" else request.GET)
    held = _found(chosen)
    if held is None:
        add_toast(request, _("That is not on hold any more."))
        return redirect("held_messages")
    typed = read_typed(request)
    if request.method == "POST":
        decision: Decision = "send" if request.POST.get("decision") == "send" else "close"
        typed.require_reason()
        if not typed.errors:
            count = mounted().sources.held.decide(chosen, decision, actor_for(typed.values["reason"]))
            which = chosen.message_id or chosen.content_id
            audit(request, AUDITED[decision], "message", which, {"why": chosen.why, "messages": count})
            add_toast(request, _told(decision, count))
            return redirect("held_messages")
    names = mounted().sources.decided.names()
    context = {
        "tab": "held",
        "typed": typed,
        "chosen": chosen,
        "held": held,
        "send_word": _send_word(min(held.still_useful, MOST_AT_ONCE)),
        "close_word": _close_word(min(held.count, MOST_AT_ONCE)),
        "limit_word": _limit_word() if held.count > MOST_AT_ONCE else "",
        "why": held_word(held.why),
        "title": called(names.contents, held.content_id),
        "journey": called(names.journeys, held.journey_id),
    }
    return render(request, "messages/held_form.html", context, status=422 if typed.errors else 200)


def _send_word(count: int) -> str:
    """What the button says; "" where there is nothing to send."""
    if not count:
        return ""
    return ngettext("Send %(count)s message", "Send %(count)s messages", count) % {"count": number(count)}


def _close_word(count: int) -> str:
    said = ngettext("Leave %(count)s message as it is", "Leave %(count)s messages as they are", count)
    return said % {"count": number(count)}


def _limit_word() -> str:
    return _("One decision settles up to %(count)s of them.") % {"count": number(MOST_AT_ONCE)}


def _told(decision: Decision, count: int) -> str:
    said = {"count": number(count)}
    if decision == "send":
        return (
            ngettext(
                "%(count)s message is judged anew and goes out if the rules allow.",
                "%(count)s messages are judged anew and go out if the rules allow.",
                count,
            )
            % said
        )
    return ngettext("%(count)s message is settled.", "%(count)s messages are settled.", count) % said


def _chosen(given: Mapping[str, str]) -> Chosen:
    asked = {name: str(given.get(name, ""))[:_LONGEST] for name in ("message", "why", "content", "journey")}
    return Chosen(
        message_id=asked["message"], why=asked["why"], content_id=asked["content"], journey_id=asked["journey"]
    )


def _found(chosen: Chosen) -> HeldGroup | None:
    """What is chosen, as a group; one message is a group of one."""
    if chosen.message_id:
        return mounted().sources.held.find_one(chosen.message_id)
    wanted = (chosen.why, chosen.content_id, chosen.journey_id)
    groups = mounted().sources.held.find_groups().groups
    return next((one for one in groups if (one.why, one.content_id, one.journey_id) == wanted), None)
