"""The status page: whether the installation keeps up, what it could not digest, and whether messages go out."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kundenkreis.site import words
from kundenkreis.site.access import may
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import actor
from kundenkreis.site.mounted import mounted
from kundenkreis.site.toasts import add_toast


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_status(request: HttpRequest) -> HttpResponse:
    """Lag, backlog, next wake-ups, quarantine, sending, processes; posting lets messages go out again after a restore."""
    source = mounted().sources.status
    if request.method == "POST":
        if source.resume_sending(actor()):
            audit(request, "resumed", "settings", "sending")
            add_toast(request, _("Messages go out again."))
        return redirect("status")
    status = source.read_status()
    context = {
        "status": status,
        "health": words.describe_health(status),
        "paused": words.describe_pause(status.paused) if status.paused is not None else (),
        "may_resume": may("settings.edit"),
    }
    return render(request, "site/status.html", context)
