"""Settings > Channels: how messages leave, and a test message that says what the server answered."""

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.zones import MINUTE
from kundenkreis.site import formats
from kundenkreis.site.access import may, viewer
from kundenkreis.site.audit import audit
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.channels import TriedMail

TESTS, WINDOW_MINUTES = 5, 10
"""So many test messages per account within so many minutes: nobody can be flooded from here."""
_TOO_MANY, _WRONG = 429, 422


@never_cache
def show_channels(request: HttpRequest) -> HttpResponse:
    """The channels; posting sends a test message."""
    if request.method != "POST":
        return _page(request)
    address = request.POST.get("address", "").strip()[:254]
    try:
        validate_email(address)
    except ValidationError:
        return _page(
            request, address=address, error=_("Write an e-mail address such as name@example.org."), status=_WRONG
        )
    if not _is_allowed():
        error = _("These were many tests. Wait some minutes before the next one.")
        return _page(request, address=address, error=error, status=_TOO_MANY)
    answer = mounted().sources.channels.send_test(
        address,
        subject=_("Test message from Kundenkreis"),
        text=_("If you can read this, messages leave this installation and arrive."),
        language=formats.language(),
    )
    audit(request, "tested", "settings", "channel:email", {"kind": answer.kind})
    if answer.kind == "address":
        error = _("No message can be sent to this address.")
        return _page(request, address=address, error=error, status=_WRONG)
    return _page(request, address=address, answer=answer)


def _is_allowed() -> bool:
    someone = viewer()
    window = mounted().clock_us() // (WINDOW_MINUTES * MINUTE)
    names = (f"test-mail-{someone.account_id if someone else 0}-{window}-{number}" for number in range(TESTS))
    return any(cache.add(name, True, timeout=WINDOW_MINUTES * 60) for name in names)


def _sentence(answer: TriedMail) -> tuple[str, str]:
    """(tone, what became of the test)."""
    return {
        "mailbox": ("good", _("The message lies in the local mailbox: no mail server is configured.")),
        "sent": ("good", _("The mail server has taken the message over.")),
        "later": ("calm", _("The mail server did not take it now; a real message would be tried again.")),
        "refused": ("stop", _("The mail server refused the message.")),
        "unclear": ("calm", _("The mail server did not say whether it took the message over.")),
    }[answer.kind]


def _page(
    request: HttpRequest, *, address: str = "", error: str = "", answer: TriedMail | None = None, status: int = 200
) -> HttpResponse:
    tone, sentence = _sentence(answer) if answer is not None else ("", "")
    context = {
        "channels": mounted().sources.channels.list_channels(),
        "address": address,
        "error": error,
        "answer": answer,
        "tone": tone,
        "sentence": sentence,
        "may_edit": may("settings.edit"),
    }
    return render(request, "settings/channels.html", context, status=status)
